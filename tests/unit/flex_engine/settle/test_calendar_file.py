"""A Settlement Calendar is read whole, and what is wrong with it is named by row, column, value and what to do."""

from __future__ import annotations

import doctest
from datetime import date

import pytest

from flex_engine.settle import calendar_file
from flex_engine.settle.calendar_file import read_calendar

HEADER = "settlement_date,run,due_date\n"


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(calendar_file).failed == 0


def test_rows_in_any_case_order_and_with_a_byte_order_mark_are_read():
    rows, problems = read_calendar(
        "\ufeffRun , DUE_DATE,settlement_date,note\nsf,2026-02-06,2026-01-15,x\nII,2026-01-22,2026-01-15,\n"
    )
    assert problems == []
    assert rows == {
        (date(2026, 1, 15), "SF"): date(2026, 2, 6),
        (date(2026, 1, 15), "II"): date(2026, 1, 22),
    }


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("", (1, "settlement_date, run, due_date"), ""),
        ("settlement_date,run\n", (1, "due_date"), "settlement_date,run"),
        (HEADER, (1, "settlement_date"), ""),
        (HEADER + "2026-01-15,SF,2026-02-06\n15/01/2026,R1,2026-03-12\n", (3, "settlement_date"), "15/01/2026"),
        (HEADER + "2026-01-15,S1,2026-02-06\n", (2, "run"), "S1"),
        (HEADER + "2026-01-15,SF,\n", (2, "due_date"), ""),
        (HEADER + "2026-01-15,SF,2026-01-15\n", (2, "due_date"), "2026-01-15"),
        (HEADER + "2026-01-15,SF,2026-02-06\n2026-01-15,SF,2026-02-09\n", (3, "due_date"), "2026-02-09"),
        (HEADER + "2026-01-15,SF,2026-02-06\n2026-01-15,II,2026-02-06\n", (2, "due_date"), "2026-02-06"),
        (HEADER + "2026-01-15,SF\n", (2, "due_date"), ""),
        (HEADER + '2026-01-15,"' + "S" * 200_000 + '",2026-02-06\n', (2, ""), ""),
    ],
)
def test_what_is_wrong_is_named(text, place, value):
    _, problems = read_calendar(text)
    (problem,) = problems
    assert ((problem.row, problem.column), problem.value) == (place, value)
    assert problem.fix.endswith(".")
    assert str(problem).startswith(f"row {place[0]}, column {place[1]}: {value!r}")


def test_every_bad_row_is_told_not_the_first_alone():
    _, problems = read_calendar(HEADER + "x,SF,2026-02-06\n2026-01-15,SF,2026-02-06\n2026-01-16,ZZ,y\n")
    assert [(one.row, one.column) for one in problems] == [(2, "settlement_date"), (4, "due_date"), (4, "run")]
