"""manage.py import_settlement_calendar: take the published Settlement Calendar over, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace import clock
from marketplace.rules.errors import MarketError
from marketplace.usecases.import_settlement_calendar import import_settlement_calendar

MOST_BYTES = 16 * 1024 * 1024


class Command(BaseCommand):
    help = (
        "Import the published Settlement Calendar from a CSV file with the columns settlement_date, run, due_date "
        "(docs/reference/files.md). Its days go before nominal offsets; a later import goes before an earlier one. "
        "Example: manage.py import_settlement_calendar calendar-2026.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="CSV, UTF-8")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"{path} is not a file.")
        if path.stat().st_size > MOST_BYTES:
            raise CommandError(f"{path} has more than {MOST_BYTES:,} bytes. Split it by years.")
        try:
            done = import_settlement_calendar(content=path.read_bytes(), name=path.name, now=clock.now())
        except MarketError as problem:
            raise CommandError(f"{problem.message}\n{problem.fix}") from problem
        self.stdout.write(
            f"{done.added} due dates imported, {done.known} known already; {done.moved} waiting runs moved to another day"
        )
