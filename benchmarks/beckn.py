"""How many messages a second are verified, validated, committed and then acknowledged: python -m benchmarks.beckn.

    python -m benchmarks.beckn                 on SQLite (synchronous=FULL)
    python -m benchmarks.beckn --postgres      on a throw-away PostgreSQL (Debian's pg_virtualenv) with fsync on
    python -m benchmarks.beckn_parts           where the time goes, step by step

Real sockets, keep-alive, distinct messages signed beforehand; server and load share this machine. Each line gives the load
average beside it: on a busy machine CPU per request is the figure to compare.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from benchmarks.beckn_house import House
from benchmarks.beckn_load import Load, flat_out, paced
from benchmarks.beckn_messages import requests

PG = ["pg_virtualenv", "-o", "fsync=on", "-o", "synchronous_commit=on", "-o", "full_page_writes=on", "sh", "-c"]
PG_URL = 'DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/postgres" exec "$@"'
HEAD = f"{'':<26}{'req/s':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'cpu ms':>9}{'not 2xx':>9}{'load':>7}"


def measure(
    house: House, name: str, source: Iterator[bytes], connections: int, seconds: float, per_s: float = 0
) -> Load:
    """One line of the table."""
    webs = [name for name in house.children if name.startswith("web")]
    before = sum(house.cpu_s(name) for name in webs)
    if per_s:
        load = uvloop.run(paced(house.port, source, connections, seconds, per_s))
    else:
        load = uvloop.run(flat_out(house.port, source, connections, seconds))
    load.cpu_s = sum(house.cpu_s(name) for name in webs) - before
    count, bad = len(load.times), sum(n for status, n in load.statuses.items() if not 200 <= status < 300)
    figures = (count / load.seconds, *(load.percentile(share) for share in (0.5, 0.95, 0.99)))
    print(
        f"{name:<26}{figures[0]:>8.0f}{figures[1]:>9.1f}{figures[2]:>9.1f}{figures[3]:>9.1f}"
        f"{1000 * load.cpu_s / count:>9.2f}{bad:>9}{os.getloadavg()[0]:>7.1f}",
        flush=True,
    )
    return load


def bare(house: House, prepared: list[bytes], connections: int, seconds: float, processes: int) -> Load:
    """The yardstick, in the same process model; it may see the same messages again."""
    house.env["LOAD_SEED"] = house.seed
    house.serve("benchmarks.beckn_bare:application", processes)
    uvloop.run(flat_out(house.port, iter(prepared[:200]), connections, 1))
    load = measure(house, f"verifies only, {connections}", iter(prepared), connections, seconds)
    for name in house.webs(processes):
        house.end(name)
    return load


def main() -> int:
    """Measure what was asked for; the exit status is 0 when every message was stored once and none refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each line")
    parser.add_argument("--connections", type=int, nargs="*", default=[16, 64])
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second of the paced line")
    parser.add_argument(
        "--messages", type=int, default=0, help="prepared in all; default: as many as 4,000 a second need"
    )
    parser.add_argument("--processes", type=int, default=2, help="web processes on the one port")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    if options.postgres and "DATABASE_URL" not in os.environ:
        again = [sys.executable, "-m", "benchmarks.beckn", *sys.argv[1:]]
        return subprocess.call([*PG, PG_URL, "sh", *again])
    with tempfile.TemporaryDirectory(prefix="caco-load-") as folder:
        house = House(Path(folder) / "var", database_url=os.environ.get("DATABASE_URL", ""))
        try:
            house.set_up()
            return run(house, options)
        finally:
            house.close()


def run(house: House, options: argparse.Namespace) -> int:
    """The table, and whether every message that was acknowledged is there once."""
    print(house.durability())
    flat_s = options.seconds * len(options.connections)
    count = options.messages or int(4000 * flat_s + options.rate * options.seconds) + 1000
    prepared = requests(house, count)
    print(
        f"{count} confirms of {len(prepared[0].partition(bytes([13, 10, 13, 10]))[2])} bytes; {os.cpu_count()} cores, {options.processes} web processes\n{HEAD}"
    )
    yardstick = bare(house, prepared, max(options.connections), options.seconds, options.processes)
    source = iter(prepared)
    house.serve(processes=options.processes)
    loads = [uvloop.run(flat_out(house.port, source, 16, 1.0))]
    loads += [measure(house, f"stored, {n} connections", source, n, options.seconds) for n in options.connections]
    full = loads[-1]
    if options.rate:
        loads.append(measure(house, f"stored, {options.rate:.0f}/s", source, 64, options.seconds, options.rate))
    for name in house.webs(options.processes):
        house.end(name)
    sent = sum(load.statuses.get(200, 0) for load in loads)
    rows, distinct = house.counted()
    share = (len(full.times) / full.seconds) / (len(yardstick.times) / yardstick.seconds)
    print(f"\nacknowledged {sent}, rows {rows}, distinct {distinct}; {share:.2f} of the rate of only verifying")
    refused = sum(n for load in loads for status, n in load.statuses.items() if status != 200)
    return 0 if sent == rows == distinct and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
