"""The coordination agent's settling: first statements, runs by the calendar, corrections by what became known, and proofs.

Everything it acts on is in the database, so a tick that was lost is made up for by the next one: a run made late uses what
was known on its day, as a run on time would have.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from flex_engine.settle.effective import rows_of
from flex_engine.settle.versions import Reason, due_at
from marketplace import enqueue
from marketplace.agents.decide import decide
from marketplace.models import (
    Activation,
    AgentDecision,
    MeterReading,
    Order,
    SettlementProgress,
    SettlementStatement,
    SignalPoint,
    Site,
    published_dates,
    settlement_day,
    standing_statement,
    window_of,
)
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.compensate_supplier import BASES
from marketplace.usecases.compensate_supplier import SERIES as REFERENCE_PRICE
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.measure_delivery import LOOKAHEAD, LOOKBACK
from marketplace.usecases.price_delivery import SYSTEM_PRICE
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from marketplace.usecases.settle_order import orders_to_settle, settle_order

log = logging.getLogger(__name__)
SAW: dict[Reason, str] = {"NEW_READINGS": "meter readings were revised", "NEW_PRICES": "prices were revised"}
# A reading counts as known when its transaction began; one that was committed after a tick looked is seen by a later tick.
OVERLAP = timedelta(minutes=2)


def settle_due(now: datetime) -> None:
    """Settle what is over: dispatches as soon as their readings are complete, and orders that none was under.

    A fault in one does not hold up the rest.
    """
    over = Activation.objects.filter(
        state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS], end_at__lte=now
    ).select_related("order__offer__site")
    for activation in over:
        try:
            settle_one(activation, now)
        except Exception:
            log.exception("activation %s could not be settled; the next tick tries again", activation.pk)
    for order in orders_to_settle(paying=availability_products(), now=now):
        try:
            settle_order_one(order, now)
        except Exception:
            log.exception("order %s could not be settled; the next tick tries again", order.pk)


def availability_products() -> list[str]:
    """Keys of the products that pay for standing ready on some day."""
    pays = "AVAILABILITY_AND_UTILISATION"
    return sorted({row.key for row in rows_of("products") if row.values["pays"] == pays})


def settle_order_one(order: Order, now: datetime) -> None:
    """Settle an order that no dispatch was under; until its window is over nothing is said."""
    try:
        statement = settle_order(order=order, now=now)
    except MarketError as problem:
        if problem.code not in {"NOT_OVER", "DISPATCHED", "NOTHING_OWED"}:
            wait(order, None, problem, saw="an order's window is over and it was not called", now=now)
        return
    late = statement.reason == SettlementStatement.Reason.CANCELLED
    decide(
        agent="coordination",
        site=order.offer.site,
        now=now,
        subject=f"order:{order.pk}",
        saw="an order was cancelled late" if late else "an order's window is over and it was not called",
        decided=f"settled run {statement.run} at £{statement.amount_pence / 100:.2f}",
        why="the cancellation fee of its terms" if late else "availability is paid for standing ready",
    )


def settle_one(activation: Activation, now: datetime) -> None:
    """Settle, or say once why the activation waits."""
    try:
        statement = settle_activation(activation=activation, now=now)
    except MarketError as problem:
        wait(activation.order, activation, problem, saw="an activation is over", now=now)
        return
    decide(
        agent="coordination",
        site=activation.order.offer.site,
        now=now,
        subject=f"activation:{activation.pk}",
        saw=f"an activation is over and metered: {statement.delivered_wh / 1000:.1f} kWh delivered",
        decided=f"settled run {statement.run} at £{statement.amount_pence / 100:.2f}",
        why=f"{statement.eligible_wh / 1000:.1f} kWh eligible, {statement.shortfall_wh / 1000:.1f} kWh short, by {statement.baseline_method}",
    )


def settle_runs(now: datetime) -> None:
    """Make every run that is due, in the order of the runs. A fault in one activation does not hold up the rest."""
    due = SettlementProgress.objects.filter(next_due_at__lte=now).select_related("activation", "order__offer__site")
    for progress in list(due.order_by("next_due_at", "pk")):
        try:
            run_due(progress, now)
        except Exception:
            log.exception("a run of %s could not be made; the next tick tries again", named(progress))


def run_due(progress: SettlementProgress, now: datetime) -> None:
    """Make the runs of one chain up to the last that is due, each by what was known on its day.

    The stored moment only finds it; the calendar has the last word.
    """
    order, activation = progress.order, progress.activation
    day = settlement_day(activation.end_at if activation else window_of(order)[1])
    while run := progress.next_run:
        due = due_at(day, run, published=published_dates(day, known_at=now))
        if due > now:
            SettlementProgress.objects.filter(pk=progress.pk).update(next_due_at=due)
            return
        try:
            statement = resettle(activation=activation, order=order, run=run, reason="RUN_DUE", now=now, known_at=due)
        except MarketError as problem:
            wait(order, activation, problem, saw=f"run {run} was due on {due:%Y-%m-%d}", now=now)
            return
        tell(statement, saw=f"run {run} was due on {due:%Y-%m-%d}", now=now)
        progress.refresh_from_db()


def settle_news(now: datetime) -> None:
    """Correct the statements that readings or prices known since change: once for all that came in, however many."""
    failed = []
    for progress in list(with_news(now)):
        order, activation, reason = progress.order, progress.activation, reason_of(progress)
        stands = standing_statement(order, activation)
        try:
            statement = resettle(activation=activation, order=order, reason=reason, now=now)
        except Exception:
            log.exception("%s could not be corrected; the next tick tries again", named(progress))
            failed.append(progress.pk)
            continue
        if stands is not None and statement.pk != stands.pk:
            tell(statement, saw=SAW[reason], now=now)
    still_open = SettlementProgress.objects.filter(next_due_at__isnull=False, checked_at__lt=now)
    still_open.exclude(pk__in=failed).update(checked_at=now)


def with_news(now: datetime) -> QuerySet[SettlementProgress]:
    """Settlements that RF has not closed, with readings in the baseline's reach or prices of a trade not compared yet."""
    readings = MeterReading.objects.filter(
        site=OuterRef("order__offer__site"),
        start_at__gte=OuterRef("activation__start_at") - LOOKBACK,
        start_at__lt=OuterRef("activation__end_at") + LOOKAHEAD,
        known_at__gt=OuterRef("checked_at") - OVERLAP,
        known_at__lte=now,
    )
    prices = SignalPoint.objects.filter(
        series__in=[SYSTEM_PRICE, REFERENCE_PRICE],
        start_at__gt=OuterRef("activation__start_at") - timedelta(days=1),  # a day's reference price is at its first
        start_at__lt=OuterRef("activation__end_at"),
        known_at__gt=OuterRef("checked_at") - OVERLAP,
        known_at__lte=now,
    )
    trades = Q(order__offer__product__in=traded_products())
    still_open = SettlementProgress.objects.filter(next_due_at__isnull=False)
    stirred = Q(order__offer__site__in=sites_with_readings(still_open, now))
    return (
        still_open.filter(stirred | trades)
        .annotate(
            readings_came=Exists(readings), readings_new=Exists(readings.filter(known_at__gt=OuterRef("checked_at")))
        )
        .filter(Q(readings_came=True) | (trades & Exists(prices)))
        .annotate(prices_new=Exists(prices.filter(known_at__gt=OuterRef("checked_at"))))
        .select_related("activation", "order__offer__site")
        .order_by("pk")
    )


def sites_with_readings(progress: QuerySet[SettlementProgress], now: datetime) -> list[int]:
    """Sites that sent anything since the earliest look: the others need not be searched, however much is open there."""
    since = progress.aggregate(earliest=Min("checked_at"))["earliest"]
    if since is None:
        return []
    sent = MeterReading.objects.filter(site=OuterRef("pk"), known_at__gt=since - OVERLAP, known_at__lte=now)
    return list(Site.objects.filter(Exists(sent)).values_list("pk", flat=True))


def traded_products() -> list[str]:
    """Keys of the products whose statements rest on prices of the day."""
    return sorted({row.key for row in rows_of("products") if row.values["regulatory_basis"] in BASES})


def reason_of(progress: Any) -> Reason:
    """Why a settlement of `with_news` is looked at: what is newer than the last look, readings before prices."""
    if progress.readings_new or not progress.prices_new:
        return "NEW_READINGS"
    return "NEW_PRICES"


def named(settled: SettlementProgress | SettlementStatement) -> str:
    """What a chain of statements settles, as decisions name it."""
    return f"activation:{settled.activation_id}" if settled.activation_id else f"order:{settled.order_id}"


def wait(order: Order, activation: Activation | None, problem: MarketError, *, saw: str, now: datetime) -> None:
    """Leave a decision that says why nothing was settled, unless the newest one says so already."""
    subject = f"activation:{activation.pk}" if activation else f"order:{order.pk}"
    newest = AgentDecision.objects.filter(agent="coordination", subject=subject).order_by("-at", "-pk").first()
    if newest is None or newest.why != str(problem):
        site = order.offer.site
        decide(agent="coordination", site=site, now=now, subject=subject, saw=saw, decided="waited", why=str(problem))


def tell(statement: SettlementStatement, *, saw: str, now: datetime) -> None:
    """Leave a decision about a statement that supersedes another."""
    change = statement.delta_pence or 0
    moved = f"{'+' if change > 0 else '−'}£{abs(change) / 100:.2f}" if change else "no change"
    decide(
        agent="coordination",
        site=statement.order.offer.site,
        now=now,
        subject=named(statement),
        saw=saw,
        decided=f"settled run {statement.run}, version {statement.version}, at £{statement.amount_pence / 100:.2f}",
        why=f"{moved} against the statement before, by what was known at {statement.knowledge_time:%Y-%m-%dT%H:%M}Z",
    )


def complete_due(now: datetime) -> None:
    """Tell the buyer of each standing statement whose record is final; ask for the anchoring of those not there yet."""
    told = SettlementProgress.objects.filter(announced=OuterRef("pk"))
    waiting = SettlementStatement.objects.filter(~Exists(told), superseded_by__isnull=True).order_by("created_at", "pk")
    pending = False
    for statement in waiting:
        try:
            pending |= not complete_settlement(statement=statement, now=now)
        except Exception:
            log.exception("statement %s could not be completed; the next tick tries again", statement.pk)
    if pending:
        enqueue.enqueue("marketplace.agents.housekeeping.anchor")
