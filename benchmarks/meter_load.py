"""How fast do a million meter readings come in? Writing alone, against plain bulk_create, and one whole file through its import.

    .venv/bin/python -m benchmarks.meter_load
    script/with-postgres .venv/bin/python -m benchmarks.meter_load

Writing: half hours of twenty sites, in one transaction, by COPY on PostgreSQL and by one prepared statement on SQLite. The
file: a CSV of one-minute readings of one site, read, checked, summed to half hours and recorded. Each part runs in a
process of its own, so that its memory is its own. On SQLite the database is a file in a folder that is gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

SITES = 20
START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 1000  # of bulk_create, as readings were written before
FIELDS = ("site_id", "start_at", "import_wh", "quality", "source", "label", "known_at")


def rows_of(sites: list[int], count: int) -> Iterator[tuple[Any, ...]]:
    """`count` half hours spread over the sites, each as the values of FIELDS."""
    each = count // len(sites)
    for site in sites:
        for index in range(each):
            start = START + index * timedelta(minutes=30)
            yield site, start, 400_000 + index % 977, "ACTUAL", "benchmark", "SIMULATED", NOW


def make_sites() -> list[int]:
    """The keys of the sites, made where they are missing."""
    from marketplace.models import Organisation, Site

    owner, _ = Organisation.objects.get_or_create(
        slug="benchmark", defaults={"name": "Benchmark", "kind": "OPERATOR", "created_at": NOW}
    )
    facts = {"import_limit_kw": 2000, "latitude": 52, "longitude": 0, "msid": "", "created_at": NOW}
    return [
        Site.objects.get_or_create(slug=f"site-{n}", defaults={"name": f"Site {n}", "organisation": owner, **facts})[
            0
        ].pk
        for n in range(SITES)
    ]


def write(count: int) -> int:
    """By metering_bulk."""
    from marketplace.models import MeterReading
    from marketplace.models.metering_bulk import write_rows

    write_rows(MeterReading, FIELDS, rows_of(make_sites(), count))
    return MeterReading.objects.count()


def bulk_create(count: int) -> int:
    """By Django's own bulk_create, in batches."""
    from marketplace.models import MeterReading

    rows = (MeterReading(**dict(zip(FIELDS, row, strict=True))) for row in rows_of(make_sites(), count))
    MeterReading.objects.bulk_create(rows, batch_size=BATCH)
    return MeterReading.objects.count()


def whole_file(count: int) -> int:
    """A file of one-minute readings, from its bytes to recorded half hours."""
    from flex_engine.settle.metering import Said
    from marketplace.models import MeterFile, Site
    from marketplace.usecases.import_meter_file import import_meter_file
    from marketplace.usecases.read_meter_file import read_meter_file
    from marketplace.usecases.upload_meter_file import upload_meter_file

    site = Site.objects.get(pk=make_sites()[0])
    lines = (
        f"{START + index * timedelta(minutes=1):%Y-%m-%dT%H:%MZ},{14 + index % 7}.{index % 1000:03d}\n"
        for index in range(count)
    )
    content = ("start_utc,import_kwh\n" + "".join(lines)).encode()
    file = upload_meter_file(
        site=site, user=None, filename="minutes.csv", content=content, said=Said(minutes=1), source="benchmark",
        label="SIMULATED", now=NOW,
    )  # fmt: skip
    outcome = read_meter_file(file_id=file.pk, now=NOW)
    if outcome is None:
        raise SystemExit(f"the file was not read: {MeterFile.objects.get(pk=file.pk).error}")
    done = import_meter_file(file_id=file.pk, outcome=outcome, now=NOW)
    if done.state != MeterFile.State.IMPORTED:
        raise SystemExit(f"the file was not imported: {done.problems} {done.error}")
    return done.rows_accepted


PARTS = {"write": write, "bulk_create": bulk_create, "file": whole_file}


def part(name: str, count: int) -> None:
    """One part in this process: prints rows, seconds and the memory it took on top of the loaded product."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from marketplace.models import MeterReading

    call_command("migrate", verbosity=0)
    MeterReading.objects.all().delete()
    make_sites()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, cpu = time.perf_counter(), time.process_time()
    if name == "file":
        done = PARTS[name](count)
    else:
        with transaction.atomic():
            done = PARTS[name](count)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{connection.vendor},{name},{done},{seconds:.2f},{cpu:.2f},{grown:.0f}")


def main() -> None:
    """Runs every part and prints one line each, then the ratio of the two ways of writing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--part", choices=PARTS)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
    if asked.part:
        part(asked.part, asked.rows)
        return
    found = {}
    with tempfile.TemporaryDirectory(prefix="caco-meter-load-") as folder:
        command = [sys.executable, "-m", "benchmarks.meter_load", "--rows", str(asked.rows)]
        for name in PARTS:
            told = subprocess.run(
                [*command, "--part", name], env=os.environ | {"CACO_VAR": folder}, check=True, capture_output=True, text=True
            )  # fmt: skip
            vendor, _, rows, seconds, cpu, grown = told.stdout.strip().splitlines()[-1].split(",")
            found[name] = int(rows) / float(seconds)
            print(
                f"{vendor:<10} {name:<12} {int(rows):>9,} rows {float(seconds):>7.2f} s ({cpu:>6} s of it our own) {found[name]:>8,.0f} rows/s {grown:>6} MiB"
            )
    print(f"writing is {found['write'] / found['bulk_create']:.1f} times as fast as bulk_create")


if __name__ == "__main__":
    main()
