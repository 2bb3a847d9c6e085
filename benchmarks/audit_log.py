"""How many leaves a second can the log take? Appending events, numbering and sealing them, and bringing them into the files.

    .venv/bin/python -m benchmarks.audit_log
    script/with-postgres .venv/bin/python -m benchmarks.audit_log

Appending: events of one or two of twenty organisations, a hundred to a transaction, by the same events.append that use cases
call. Sealing: numbers overall and within each organisation, leaves and hashes, each derived again the second way before its
batch stands. Publishing: sealed lines, bundles and tiles, brought to the disk and read back, a signed checkpoint each 5,000.
One process, one part after the other. Beside the time on the wall stands the time the processor worked for this process:
on a machine that others load, that is the figure to compare. PostgreSQL works in processes of its own besides. On SQLite the database is a file in a folder that is gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOGETHER = 100  # events of one transaction
ORGANISATIONS = 20


def append_all(count: int) -> None:
    """Write the events."""
    from django.db import transaction

    from marketplace import events
    from marketplace.models import Organisation

    parties = [
        Organisation.objects.create(name=f"Benchmark {n}", slug=f"benchmark-{n}", kind="OPERATOR", created_at=NOW)
        for n in range(ORGANISATIONS)
    ]
    for first in range(0, count, TOGETHER):
        with transaction.atomic():
            for n in range(first, min(first + TOGETHER, count)):
                payload = {"order": f"{n:032x}", "delivered_wh": str(n * 7), "amount_pence": str(n), "run": "II"}
                concerned = parties[n % ORGANISATIONS :][: 1 + n % 2]
                now = NOW + timedelta(milliseconds=n)
                events.append(
                    type="order.settled", subject=f"order:{n}", payload=payload, organisations=concerned, now=now
                )


def seal_all(count: int) -> None:
    """Number them."""
    from marketplace.ledger.sequencer import sequence

    assert sequence(now=NOW) == count


def publish_all(count: int) -> None:
    """Bring them into the files."""
    from marketplace.ledger.published import publish

    tree = publish()
    assert tree is not None
    assert tree.size == count


def verify_all(count: int) -> None:
    """Derive everything again from what is stored, and the root from the tiles."""
    from marketplace.ledger.log import leaf_hashes, read_log
    from marketplace.ledger.merkle import root
    from marketplace.ledger.published import published_tree
    from marketplace.ledger.recompute import chained

    assert list(chained(read_log())) == []
    standing = published_tree()
    assert standing is not None
    assert standing[1].root() == root(leaf_hashes(count))


def timed(words: str, count: int, act: Callable[[int], None]) -> tuple[float, float]:
    """Do it, say how fast it was, and answer the seconds and those the processor worked for us."""
    begun, worked = time.monotonic(), time.process_time()
    act(count)
    took, cpu = time.monotonic() - begun, time.process_time() - worked
    said(words, count, took, cpu)
    return took, cpu


def said(words: str, count: int, took: float, cpu: float) -> None:
    """One line of figures."""
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{words:32} {count / took:8,.0f} leaves/s  {took:7.2f} s, {cpu:6.2f} s of it ours: {count / cpu:8,.0f} a second of that  {load}", flush=True)  # fmt: skip


def main() -> None:
    """Runs the parts one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=20_000)
    options: Any = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="caco-audit-log-") as folder:
        os.environ["CACO_VAR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        print(
            f"{options.leaves:,} leaves on {connection.vendor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        parts = {"appended": append_all, "numbered and sealed": seal_all, "published, durable": publish_all}
        took = [timed(words, options.leaves, act) for words, act in parts.items()]
        said("appended and sealed", options.leaves, sum(one[0] for one in took[:2]), sum(one[1] for one in took[:2]))
        timed("verified again", options.leaves, verify_all)
        connection.close()


if __name__ == "__main__":
    main()
