"""Settle a dispatch, or an order that none was under, again: a later run, or a correction of the run that stands. Nothing that was stated is changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from flex_engine.settle.settlement_calendar import run_date
from flex_engine.settle.versions import AFTER_DISPUTE, Named, Reason, RunOrderError, next_name, run_to_make
from flex_engine.timegrid import day_start
from marketplace.models import Activation, Held, Order, SettlementProgress, SettlementStatement, published_dates
from marketplace.rules.errors import MarketError
from marketplace.usecases.make_statement import make_statement, says_the_same, work_out
from marketplace.usecases.settle_activation import hold


def resettle(
    *,
    activation: Activation | None = None,
    order: Order | None = None,
    run: str | None = None,
    reason: Reason,
    now: datetime,
    known_at: datetime | None = None,
) -> SettlementStatement:
    """The statement of `run` by what was known at `known_at` (now, unless it is named); made only if it says more.

    It settles `activation`, or where none is named the order itself.

    `run` None is the run that stands, or DF for a dispute after RF. A figure of energy or money that differs from the
    newest statement's gives a new statement: version 1 of a later run, the next version of the same one. It supersedes
    the newest, carries the difference in `delta_pence`, is logged, goes on chain and is told to the buyer; order and
    activation stay as they are. A later run is made though nothing differs; otherwise the newest is returned as it is.
    Knowledge never goes back: what the newest statement knew is used in any case.

    Raises MarketError: NOT_SETTLED (run II comes first), RUN_ORDER (an earlier run after a later one, a change after RF
    other than by dispute, DF before RF), RUN_NOT_DUE (before its day), RUN_TOO_LATE (DF after 28 months), or
    READINGS_MISSING. ValueError for a code that is no run, or where nothing is named.
    """
    with transaction.atomic():
        held = hold(activation=activation, order=order)
        stands = held.stands
        if stands is None:
            raise MarketError(
                "NOT_SETTLED", "The activation has no statement yet.", fix="Run II comes first; it is made by itself."
            )
        wanted = run or run_to_make(stands.run, reason=reason)
        check_may_follow(stands, wanted, reason)
        check_day(held, stands, wanted, now=now)
        worked = work_out(held, known_at=max(known_at or now, stands.knowledge_time))
        same = says_the_same(stands, worked)
        name = next_name(Named(stands.run, stands.version), wanted, reason=reason, same=same)
        if name is None:
            note_checked(held, at=worked.known_at)
            return stands
        return make_statement(held=held, worked=worked, name=name, reason=reason, supersedes=stands, now=now)


def note_checked(held: Held, *, at: datetime) -> None:
    """Note what has been compared, so that nobody compares it again."""
    SettlementProgress.objects.filter(order=held.order, activation=held.activation).update(checked_at=at)


def check_may_follow(stands: SettlementStatement, run: str, reason: Reason) -> None:
    """Raise MarketError RUN_ORDER where no statement of `run` may follow the one that stands."""
    try:
        next_name(Named(stands.run, stands.version), run, reason=reason, same=True)
    except RunOrderError as problem:
        raise MarketError("RUN_ORDER", str(problem), fix="Dispute the statement that stands instead.") from problem


def check_day(held: Held, stands: SettlementStatement, run: str, *, now: datetime) -> None:
    """Raise MarketError where a later run is not due yet, or DF may no longer be made."""
    day = held.settlement_day
    due = run_date(day, run, published=published_dates(day, known_at=now)).day
    if run == AFTER_DISPUTE:
        if now >= day_start(due + timedelta(days=1)):
            raise MarketError("RUN_TOO_LATE", f"Run DF of {day} could be made until {due}.", fix="RF stands for good.")
    elif run != stands.run and now < day_start(due):
        raise MarketError("RUN_NOT_DUE", f"Run {run} of {day} is due on {due}.", fix="Wait for it.")
