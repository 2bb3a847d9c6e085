"""manage.py load_signals: load half-hourly carbon and price from a file, as history that was published as it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flex_engine.feeds.file import UnreadableSignalsError, load_signals
from flex_engine.series import MissingDataError
from flex_engine.simulate.synthetic import signals as synthetic_signals
from flex_engine.timegrid import floor_half_hour
from marketplace import clock
from marketplace.usecases.record_signals import record_signals


class Command(BaseCommand):
    help = (
        "Load half-hourly signals from a CSV or Parquet file (columns in docs/reference/files.md), or synthetic ones without a file. "
        "Each value counts as known from the end of its half hour. Example: manage.py load_signals gb.parquet --from 2024-01-01 --to 2024-03-01"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", help="CSV, CSV.gz or Parquet; left out: synthetic signals, labelled Simulated"
        )
        parser.add_argument("--from", dest="start", required=True, help="first half hour, UTC, for example 2024-01-01")
        parser.add_argument("--to", dest="end", required=True, help="end, exclusive, UTC")
        parser.add_argument("--seed", type=int, default=1, help="seed of the synthetic signals")

    def handle(self, *args: Any, **options: Any) -> None:
        start, end = moment(options["start"]), moment(options["end"])
        if options["file"] and not Path(options["file"]).is_file():
            raise CommandError(f"{options['file']} is not a file.")
        if end <= start:
            raise CommandError(f"--to {options['end']} is not after --from {options['start']}.")
        try:
            series = (
                load_signals(Path(options["file"]), start, end, fill_gaps=True)
                if options["file"]
                else synthetic_signals(
                    start=start, slots=int((end - start) / timedelta(minutes=30)), seed=options["seed"]
                )
            )
        except (UnreadableSignalsError, MissingDataError) as problem:
            raise CommandError(str(problem)) from problem
        added = record_signals(series=list(series.values()), now=clock.now(), published_after=timedelta(0))
        for one in series.values():
            self.stdout.write(f"{one.name}: {len(one.values)} half hours in {one.unit} from {one.source} ({one.label})")
        self.stdout.write(f"{added} values were new")


def moment(text: str) -> datetime:
    """A UTC half hour from a date or a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise CommandError(f"{text!r} is not a date or time; write 2024-01-15 or 2024-01-15T17:00Z.") from problem
    return floor_half_hour(found.replace(tzinfo=found.tzinfo or UTC))
