"""Read a job queue from CSV, CSV.gz, JSONL or Parquet: every row becomes a job or an error in plain words.

It knows file formats and jobs; it knows no site and no database. Columns: id, arrival, deadline, duration, power_kw,
cpus, gpus, preemptible, tier. Nothing is guessed in silence: what a caller's default fills in becomes an Assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flex_engine.compute.fields import FieldError, read_bool, read_duration, read_number, read_time
from flex_engine.compute.job import Job
from flex_engine.compute.power import RELATIVE_ERROR, estimate_kw
from flex_engine.compute.tables import BadRow, UnreadableFileError, rows_of
from flex_engine.quantities import Label

__all__ = ["Assumption", "QueueDefaults", "QueueFile", "RowError", "UnreadableFileError", "parse"]

# Header words we understand -> (column, multiplier to seconds for counted times). Public traces count seconds or hours.
ALIASES: dict[str, tuple[str, float]] = {
    "id": ("id", 1), "job_id": ("id", 1), "jobid": ("id", 1), "name": ("id", 1),
    "arrival": ("arrival", 1), "arrival_time": ("arrival", 1), "arrival_time[s]": ("arrival", 1),
    "submit": ("arrival", 1), "submit_time": ("arrival", 1), "arrival_h": ("arrival", 3600),
    "deadline": ("deadline", 1), "due": ("deadline", 1),
    "duration": ("duration", 1), "duration_s": ("duration", 1), "length": ("duration", 1), "length[s]": ("duration", 1),
    "runtime": ("duration", 1), "duration_h": ("duration", 3600), "length_h": ("duration", 3600),
    "power_kw": ("power_kw", 1), "kw": ("power_kw", 1),
    "cpus": ("cpus", 1), "ncpus": ("cpus", 1), "gpus": ("gpus", 1), "ngpus": ("gpus", 1),
    "preemptible": ("preemptible", 1), "tier": ("tier", 1), "qos": ("tier", 1),
}  # fmt: skip
REQUIRED = ("arrival", "duration")
MOST_ERRORS = 10_000


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong in one row. `row` counts from 1 with the header as row 1, as a spreadsheet shows it."""

    row: int
    column: str
    value: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value the file did not give, its label and why it was filled in."""

    name: str
    value: str
    label: Label
    why: str


@dataclass(frozen=True, slots=True)
class QueueDefaults:
    """What the caller says about columns the file may lack. Power in kW per unit at the IT, `pue` >= 1."""

    kw_per_cpu: float = 0.0
    kw_per_gpu: float = 0.0
    pue: float = 1.0
    slack: timedelta | None = None
    epoch: datetime | None = None
    preemptible: bool = True
    max_rows: int = 1_000_000


@dataclass(slots=True)
class QueueFile:
    """What a file held: valid jobs, errors, and everything assumed on the way."""

    jobs: list[Job] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    rows_total: int = 0
    assumptions: list[Assumption] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


def parse(content: bytes, filename: str, *, defaults: QueueDefaults) -> QueueFile:
    """Read a queue. Raises UnreadableFileError, in one plain sentence, when the file as a whole cannot be read."""
    header, rows = rows_of(content, filename, max_rows=defaults.max_rows)
    columns, unknown = understand(header, filename)
    found = QueueFile(columns=list(header))
    found.errors += [
        RowError(1, name, name, "this column is not known, so it was not used", "Rename it, or ignore this line.")
        for name in unknown
    ]
    reader = RowReader(columns=columns, defaults=defaults)
    for number, cells in rows:
        found.rows_total += 1
        if len(found.errors) >= MOST_ERRORS:
            continue
        if isinstance(cells, BadRow):
            found.errors.append(RowError(number, "row", cells.value[:80], cells.problem, cells.fix))
            continue
        try:
            found.jobs.append(reader.job(number, cells))
        except FieldError as problem:
            found.errors.append(RowError(number, problem.column, problem.value[:80], problem.problem, problem.fix))
    if found.rows_total == 0:
        raise UnreadableFileError(f"{filename} has a header but no jobs.")
    found.assumptions = reader.assumptions()
    return found


def understand(header: list[str], filename: str) -> tuple[dict[str, tuple[str, float]], list[str]]:
    """({header word: (column, multiplier)}, unknown words). Raises UnreadableFileError when a needed column is missing."""
    columns: dict[str, tuple[str, float]] = {}
    unknown: list[str] = []
    for word in header:
        known = ALIASES.get(word.strip().lower())
        if known is None:
            unknown.append(word)
        elif known[0] in {column for column, _ in columns.values()}:
            raise UnreadableFileError(f"{filename} gives {known[0]} twice; the second time as {word!r}.")
        else:
            columns[word] = known
    missing = [name for name in REQUIRED if name not in {column for column, _ in columns.values()}]
    if missing:
        raise UnreadableFileError(
            f"{filename} has no column {' or '.join(missing)}. Its columns are {', '.join(header[:12])}; "
            "the ones needed are arrival and duration, then deadline, power_kw, cpus, gpus, id, preemptible and tier."
        )
    return columns, unknown


class RowReader:
    """Turns rows into jobs and remembers which defaults it used and which ids it saw."""

    def __init__(self, *, columns: Mapping[str, tuple[str, float]], defaults: QueueDefaults) -> None:
        self.columns, self.defaults = columns, defaults
        self.seen: set[str] = set()
        self.used = {"deadline": 0, "power_kw": 0, "id": 0, "epoch": 0}

    def job(self, number: int, cells: Mapping[str, Any]) -> Job:
        """One row as a Job. Raises FieldError for the first thing wrong with it."""
        values = {column: (cells.get(word), scale) for word, (column, scale) in self.columns.items()}
        arrival = self.moment("arrival", values)
        duration_s = read_duration("duration", *values["duration"])
        deadline, deadline_label = self.deadline(values, arrival, duration_s)
        cpus = read_number("cpus", *values.get("cpus", (None, 1)), least=0, missing=0.0)
        gpus = read_number("gpus", *values.get("gpus", (None, 1)), least=0, missing=0.0)
        power_kw, power_label = self.power(values, cpus, gpus)
        return Job(
            id=self.identity(number, values),
            arrival=arrival,
            deadline=deadline,
            duration_s=duration_s,
            power_kw=power_kw,
            preemptible=read_bool(
                "preemptible", values.get("preemptible", (None, 1))[0], missing=self.defaults.preemptible
            ),
            tier=(text(values.get("tier", (None, 1))[0]) or "BATCH")[:20].upper(),
            cpus=cpus,
            gpus=gpus,
            power_label=power_label,
            deadline_label=deadline_label,
        )

    def moment(self, column: str, values: Mapping[str, tuple[Any, float]]) -> datetime:
        """A time, absolute or counted from the epoch the caller gave."""
        value, scale = values[column]
        found, counted = read_time(column, value, scale, self.defaults.epoch)
        self.used["epoch"] += counted
        return found

    def deadline(
        self, values: Mapping[str, tuple[Any, float]], arrival: datetime, duration_s: int
    ) -> tuple[datetime, Label]:
        """The deadline given, or arrival + duration + the caller's slack."""
        if text(values.get("deadline", (None, 1))[0]):
            found = self.moment("deadline", values)
            if found < arrival + timedelta(seconds=duration_s):
                raise FieldError(
                    "deadline",
                    str(values["deadline"][0]),
                    "the work does not fit between arrival and deadline",
                    "Give a later deadline or a shorter duration.",
                )
            return found, Label.MEASURED
        if self.defaults.slack is None:
            raise FieldError("deadline", "", "there is no deadline", "Give one, or state a slack for the whole file.")
        self.used["deadline"] += 1
        return arrival + timedelta(seconds=duration_s) + self.defaults.slack, Label.ASSUMED

    def power(self, values: Mapping[str, tuple[Any, float]], cpus: float, gpus: float) -> tuple[float, Label]:
        """Power given, or estimated from CPUs and GPUs."""
        if text(values.get("power_kw", (None, 1))[0]):
            return read_number("power_kw", *values["power_kw"], least=0, exclusive=True, most=1e6), Label.MEASURED
        known = self.defaults
        estimate = estimate_kw(
            cpus=cpus, gpus=gpus, kw_per_cpu=known.kw_per_cpu, kw_per_gpu=known.kw_per_gpu, pue=known.pue
        )
        if estimate <= 0:
            raise FieldError(
                "power_kw",
                "",
                "there is no power, and none can be estimated",
                "Give power_kw, or cpus and the site's kW per CPU.",
            )
        self.used["power_kw"] += 1
        return estimate, Label.ESTIMATED

    def identity(self, number: int, values: Mapping[str, tuple[Any, float]]) -> str:
        """The row's id, or one made from its row number; each id stands once in a file."""
        given = text(values.get("id", (None, 1))[0])
        self.used["id"] += not given
        name = (given or f"row-{number}")[:120]
        if name in self.seen:
            raise FieldError("id", name, "this id stands twice in the file", "Give each job its own id.")
        self.seen.add(name)
        return name

    def assumptions(self) -> list[Assumption]:
        """Everything filled in, with how often."""
        known, used = self.defaults, self.used
        found = []
        if used["deadline"] and known.slack is not None:
            hours = known.slack.total_seconds() / 3600
            found.append(
                Assumption("deadline slack", f"{hours:g} h", Label.ASSUMED, f"{used['deadline']} jobs have no deadline")
            )
        if used["power_kw"]:
            rates = f"{known.kw_per_cpu:g} kW a CPU, {known.kw_per_gpu:g} kW a GPU, PUE {known.pue:g}"
            why = f"{used['power_kw']} jobs have no power_kw; single jobs can be {RELATIVE_ERROR:.0%} off"
            found.append(Assumption("power", rates, Label.ESTIMATED, why))
        if used["epoch"] and known.epoch is not None:
            found.append(
                Assumption(
                    "time zero", known.epoch.isoformat(), Label.ASSUMED, "the file counts time from an unnamed start"
                )
            )
        if used["id"]:
            found.append(Assumption("id", "row number", Label.ASSUMED, f"{used['id']} jobs have no id"))
        return found


def text(value: Any) -> str:
    """A cell as stripped text; empty for None."""
    return "" if value is None else str(value).strip()
