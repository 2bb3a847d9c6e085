"""Which statement may follow which: runs in their order, versions within a run. Pure rules on codes and days.

A later run supersedes an earlier one; within a run a correction is the next version. What was known when, and what it is
worth, is for the room that asks: this one says only what the next statement would be called, or why there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Literal

from flex_engine.settle.settlement_calendar import Published, run_date, runs, supersedes
from flex_engine.timegrid import day_start

Reason = Literal["RUN_DUE", "NEW_READINGS", "NEW_PRICES", "DISPUTE", "CANCELLED"]
FIRST, LAST, AFTER_DISPUTE = "II", "RF", "DF"


class RunOrderError(ValueError):
    """This statement cannot be made now; the message says why and what could be made."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a statement is called: its run and, from 1 on, its version within it."""

    run: str
    version: int


def next_name(stands: Named | None, run: str, *, reason: Reason, same: bool) -> Named | None:
    """The name of the statement that follows the one that `stands`; None where that one says it all already.

    `same`: no figure differs. Raises RunOrderError: a first run other than II, an earlier run after a later one, anything
    but a dispute after RF, or DF otherwise than by a dispute after RF. Raises ValueError for a code that is no run.

    >>> next_name(Named("II", 1), "SF", reason="RUN_DUE", same=True)
    Named(run='SF', version=1)
    >>> next_name(Named("SF", 1), "SF", reason="NEW_READINGS", same=True) is None
    True
    """
    if stands is None:
        if supersedes(run, FIRST):
            raise RunOrderError(f"Run {run} follows run II, which has not been made.")
        return Named(run, 1)
    if supersedes(stands.run, run):
        raise RunOrderError(f"Run {run} comes before {stands.run}, which stands: money has moved on from it.")
    check_closing(stands.run, run, reason)
    if run == stands.run:
        return None if same else Named(run, stands.version + 1)
    return Named(run, 1)


def check_closing(stands: str, run: str, reason: Reason) -> None:
    """RF closes, and only a dispute opens it again, as DF. Raises RunOrderError."""
    if run == AFTER_DISPUTE and (reason != "DISPUTE" or stands not in (LAST, AFTER_DISPUTE)):
        raise RunOrderError("Run DF follows a dispute after run RF; before that a dispute makes a new version.")
    if run == LAST == stands:
        raise RunOrderError("Run RF closed the settlement; only a dispute opens it again, as run DF.")


def run_to_make(stands: str, *, reason: Reason) -> str:
    """The run in which a correction of the run that `stands` is made: the same, or DF for a dispute after RF."""
    return AFTER_DISPUTE if stands == LAST and reason == "DISPUTE" else stands


def due_at(day: date, run: str, *, published: Published | None = None) -> datetime:
    """UTC moment from which `run` of settlement day `day` is due: the start of its day in London.

    Raises NothingInForceError where no date is held.
    """
    return day_start(run_date(day, run, published=published).day) if published else computed_due_at(day, run)


@cache
def computed_due_at(day: date, run: str) -> datetime:
    """due_at by the dated rows alone."""
    return day_start(run_date(day, run).day)


def next_run(stands: str) -> str | None:
    """The run after the one that `stands`; None after RF, for DF comes of a dispute alone.

    >>> next_run("II"), next_run("RF"), next_run("DF")
    ('SF', None, None)
    """
    order = runs()
    return None if stands in (LAST, AFTER_DISPUTE) else order[order.index(stands) + 1]
