"""Rules as dated rows: the right one for the day, none twice, and every row that comes with the engine is sound."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle import effective
from flex_engine.settle.effective import NothingInForceError, Row, checked, in_force, row_from, rows_of

FILES = sorted(path.stem for path in (Path(effective.__file__).parent / "rows").glob("*.json"))


def row(key: str, start: date | None, end: date | None) -> Row:
    return Row(key, start, end, "assumed", "test", {"from": start})


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_rows_reads_and_says_where_it_comes_from(name: str):
    rows = rows_of(name)
    assert rows
    assert all(len(one.source) > 3 and one.values for one in rows)


@pytest.mark.parametrize("name", FILES)
def test_no_row_holds_a_float(name: str):
    def refuse(text: str) -> None:
        raise AssertionError(f"{name}.json holds the bare fraction {text}; write it as a string")

    json.loads((Path(effective.__file__).parent / "rows" / f"{name}.json").read_text(), parse_float=refuse)


@given(st.lists(st.dates(date(2016, 1, 1), date(2030, 1, 1)), min_size=1, max_size=8, unique=True), st.data())
def test_exactly_one_of_adjoining_rows_holds_on_any_day(bounds: list[date], data: st.DataObject):
    edges = [None, *sorted(bounds), None]
    rows = checked([row("K", start, end) for start, end in pairwise(edges)])
    day = data.draw(st.dates(date(2015, 1, 1), date(2031, 1, 1)))
    assert [one for one in rows if one.holds_on(day)] == [in_force(rows, "K", day)]
    assert in_force(rows, "K", bounds[0]).effective_from == bounds[0], "the first day counts"
    assert in_force(rows, "K", bounds[0] - timedelta(days=1)).effective_from != bounds[0]


def test_a_day_without_a_rule_names_the_days_that_have_one():
    with pytest.raises(NothingInForceError, match=r"for K on 2026-01-01; what is held covers \[2026-02-01, …\)"):
        in_force([row("K", date(2026, 2, 1), None)], "K", date(2026, 1, 1))
    with pytest.raises(NothingInForceError, match="covers no day"):
        in_force([], "K", date(2026, 1, 1))


def test_two_rules_for_one_day_are_refused():
    day = date(2026, 2, 1)
    with pytest.raises(ValueError, match="two rows of K are in force on 2026-02-01"):
        checked([row("K", None, None), row("K", day, None)])
    assert checked([row("K", None, day), row("K", day, None), row("L", None, None)])


def test_an_unknown_strength_of_evidence_is_refused():
    with pytest.raises(ValueError, match="evidence is 'certain'"):
        row_from({"key": "K", "effective_from": None, "effective_to": None, "evidence": "certain", "source": "test"})
