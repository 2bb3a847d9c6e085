"""Grid signals from a file: CSV, CSV.gz or Parquet with one row a half hour. It reaches no network.

Columns (others are ignored):
- `ts_utc` (or `utc`, `start`): start of the half hour with its zone: a Parquet timestamp with a time zone, or ISO 8601 text
  ending in Z or an offset. A time without a zone is refused: nobody can tell UTC from British summer time.
- `ci` (or `carbon_intensity`, `gco2_kwh`): gCO2e/kWh.
- `system_price`, `market_index_price`, `day_ahead_price` or `price`: GBP/MWh; the first of these that the file has is read
  unless `price_column` names one, and `source` says which it was.
- `ci_src` and `price_src` name where each value came from: a series with a `simulated` value is labelled SIMULATED, one with
  a `reconstructed` value ESTIMATED; otherwise a file's values are taken as MEASURED.

An empty cell or an absent row is a gap. Gaps are named and refused, or filled when asked and only when short.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from flex_engine.feeds.runs import describe, fill_short_gaps, missing
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly, MissingDataError
from flex_engine.timegrid import HALF_HOUR, half_hours

TIME_COLUMNS = ("ts_utc", "utc", "start")
CARBON_COLUMNS = ("ci", "carbon_intensity", "gco2_kwh")
PRICE_COLUMNS = ("system_price", "market_index_price", "day_ahead_price", "price")
ORIGIN_COLUMNS = {"carbon_intensity": "ci_src", "price": "price_src"}
SIMULATED, RECONSTRUCTED = "simulated", "reconstructed"
UNITS = {"carbon_intensity": "gCO2e/kWh", "price": "GBP/MWh"}
LONGEST_SOURCE = 80
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HALF_HOUR_US = HALF_HOUR // timedelta(microseconds=1)


class UnreadableSignalsError(ValueError):
    """The file is not a half-hourly signal file; the message names the column, the value and what to write instead."""


@dataclass(frozen=True, slots=True)
class SignalFile:
    """What a file gave for one window. `estimated` names the half hours of each series that were filled in."""

    series: dict[str, HalfHourly]
    estimated: dict[str, tuple[datetime, ...]]
    columns: dict[str, str]


def load_signals(
    path: Path, start: datetime, end: datetime, *, fill_gaps: bool = False, price_column: str | None = None
) -> dict[str, HalfHourly]:
    """`carbon_intensity` and `price` in [start, end), as read_signals."""
    return read_signals(path, start, end, fill_gaps=fill_gaps, price_column=price_column).series


def read_signals(
    path: Path,
    start: datetime,
    end: datetime,
    *,
    fill_gaps: bool = False,
    price_column: str | None = None,
    wanted: Collection[str] = ("carbon_intensity", "price"),
) -> SignalFile:
    """The wanted series in [start, end), complete. `as_of` is the end of the window: when its last value became known.

    With `fill_gaps`, gaps of at most two half hours are bridged by a straight line, listed in `estimated`, and the series
    is labelled ESTIMATED. Raises MissingDataError naming the half hours that are missing otherwise, UnreadableSignalsError
    when the file is not what the module docstring describes, ValueError when start or end is naive or off the half hour.
    """
    grid = half_hours(start, end)
    if not grid:
        raise ValueError(f"no half hour lies between {start.isoformat()} and {end.isoformat()}")
    table = _table(Path(path))
    columns = {"time": _pick(table, TIME_COLUMNS, "time")}
    if "carbon_intensity" in wanted:
        columns["carbon_intensity"] = _pick(table, CARBON_COLUMNS, "carbon intensity")
    if "price" in wanted:
        columns["price"] = _pick(table, (price_column,) if price_column else PRICE_COLUMNS, "price")
    rows = _rows(table, columns["time"], grid)
    series: dict[str, HalfHourly] = {}
    estimated: dict[str, tuple[datetime, ...]] = {}
    for name in (name for name in UNITS if name in wanted):
        values = _values(table, columns[name], rows)
        made = fill_short_gaps(values, grid) if fill_gaps else {}
        gap = missing(values | made, grid)
        if gap:
            fix = "Choose a window without them." if fill_gaps else "Choose another window, or fill short gaps."
            raise MissingDataError(f"{Path(path).name} has no {columns[name]} for {describe(gap)}. {fix}")
        origins = _origins(table, ORIGIN_COLUMNS[name], rows)
        series[name] = HalfHourly(
            name=name,
            start=grid[0],
            values=tuple((values | made)[moment] for moment in grid),
            unit=UNITS[name],
            source=_source(Path(path).name, columns[name], origins, len(made)),
            label=_label(origins, filled=bool(made)),
            as_of=grid[-1] + HALF_HOUR,
        )
        estimated[name] = tuple(sorted(made))
    return SignalFile(series, estimated, columns)


def _table(path: Path) -> pa.Table:
    try:
        if path.name.lower().endswith(".parquet"):
            return pyarrow.parquet.read_table(path)
        if path.name.lower().endswith((".csv", ".csv.gz")):
            # times are read as text: arrow would drop an offset without a word
            texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(TIME_COLUMNS, pa.string()), null_values=[""])
            return pyarrow.csv.read_csv(path, convert_options=texts)
    except (pa.ArrowInvalid, OSError) as problem:
        raise UnreadableSignalsError(f"{path.name} cannot be read: {str(problem).splitlines()[0]}") from problem
    raise UnreadableSignalsError(f"{path.name} is neither .csv, .csv.gz nor .parquet")


def _pick(table: pa.Table, names: Sequence[str], what: str) -> str:
    for name in names:
        if name in table.column_names:
            return name
    raise UnreadableSignalsError(
        f"no {what} column: the file has {', '.join(table.column_names)}; name it {' or '.join(names)}"
    )


def _rows(table: pa.Table, column: str, grid: Sequence[datetime]) -> dict[datetime, int]:
    micros = _micros(table, column)
    off = np.flatnonzero(micros % HALF_HOUR_US)
    if off.size:
        raise UnreadableSignalsError(
            f"row {off[0] + 1}: {column} {_time(micros[off[0]]).isoformat()} does not start a half hour"
        )
    steps = np.abs(np.diff(micros))
    if micros.size > 2 and steps.min() > HALF_HOUR_US:
        step = timedelta(microseconds=int(steps.min()))
        raise UnreadableSignalsError(f"column {column} steps by {step}; half hours are needed, and hours are not split")
    rows: dict[datetime, int] = {}
    first, last = (int((bound - EPOCH) / timedelta(microseconds=1)) for bound in (grid[0], grid[-1]))
    for row in np.flatnonzero((micros >= first) & (micros <= last)).tolist():
        moment = _time(micros[row])
        if moment in rows:
            raise UnreadableSignalsError(
                f"{moment:%Y-%m-%dT%H:%MZ} stands in rows {rows[moment] + 1} and {row + 1}; keep one"
            )
        rows[moment] = row
    return rows


def _micros(table: pa.Table, column: str) -> NDArray[np.int64]:
    """The time column as microseconds since 1970 in UTC."""
    kind = table.schema.field(column).type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise UnreadableSignalsError(f"column {column} has no time zone; write it as a timestamp in UTC")
        if table[column].null_count:
            raise UnreadableSignalsError(
                f"column {column} has {table[column].null_count} empty cells; every row needs its time"
            )
        return table[column].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    texts = enumerate(table[column].to_pylist(), start=1)
    return np.array([_text_micros(text, column, row) for row, text in texts], dtype=np.int64)


def _text_micros(text: Any, column: str, row: int) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as problem:
        raise UnreadableSignalsError(
            f"row {row}: {column} {text!r} is not a time; write 2024-01-02T09:00Z"
        ) from problem
    if moment.tzinfo is None:
        raise UnreadableSignalsError(
            f"row {row}: {column} {text!r} has no time zone; write 2024-01-02T09:00Z or +01:00"
        )
    return int((moment - EPOCH) / timedelta(microseconds=1))


def _time(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(micros))


def _values(table: pa.Table, column: str, rows: dict[datetime, int]) -> dict[datetime, float]:
    kind = table.schema.field(column).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise UnreadableSignalsError(f"column {column} holds {kind}, not numbers")
    cells = table[column].take(pa.array(rows.values(), pa.int64())).to_pylist()
    values: dict[datetime, float] = {}
    for (moment, row), value in zip(rows.items(), cells, strict=True):
        if value is None:
            continue
        if not math.isfinite(value):
            raise UnreadableSignalsError(
                f"row {row + 1}: {column} is {value}; leave the cell empty when there is no value"
            )
        values[moment] = float(value)
    return values


def _origins(table: pa.Table, column: str, rows: dict[datetime, int]) -> tuple[str, ...]:
    if column not in table.column_names or not rows:
        return ()
    found = table[column].take(pa.array(rows.values(), pa.int64())).to_pylist()
    return tuple(sorted({str(value) for value in found if value is not None}))


def _label(origins: tuple[str, ...], *, filled: bool) -> Label:
    if SIMULATED in origins:
        return Label.SIMULATED
    return Label.ESTIMATED if filled or RECONSTRUCTED in origins else Label.MEASURED


def _source(file: str, column: str, origins: tuple[str, ...], filled: int) -> str:
    notes = [*origins, *([f"{filled} filled"] if filled else [])]
    said = ", ".join(notes)
    tail = f" {column} ({said})" if said else f" {column}"
    return file[: max(0, LONGEST_SOURCE - len(tail))] + tail
