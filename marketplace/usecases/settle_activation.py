"""Settle an activation: baseline, delivery and payment per settlement period, exact to the penny."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from beckn import outbox
from flex_engine.quantities import Label
from flex_engine.settle.baseline import Baseline, BaselineError
from flex_engine.settle.delivery import MissingReadingError, PeriodDelivery, deliver
from flex_engine.settle.payment import Payment, pay
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import settlement_period
from marketplace import enqueue, events, notify
from marketplace.models import Activation, ActivationPeriod, MeterReading, SettlementStatement, Site, StatementLine
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import (
    ActivationState,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)
from marketplace.wire.activation import delivery_attributes
from marketplace.wire.contract import order_contract, performance_entry

LOOKBACK = timedelta(days=62)
UNDER_WAY = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)


def settle_activation(*, activation: Activation, run: str = "II", now: datetime) -> SettlementStatement:
    """Make the statement of `run` for a finished activation and tell the buyer. Settling a run again answers the same.

    The order is delivered with the last of its dispatches.
    Raises MarketError: not over yet, readings missing (each period is named), or too few days for the baseline.
    """
    with transaction.atomic():
        activation = (
            Activation.objects.select_for_update(of=("self", "order"))
            .select_related("order__offer__site__organisation", "order__offer__plan")
            .get(pk=activation.pk)
        )
        done = activation.statements.filter(run=run).order_by("-version").first()
        if done is not None:
            return done
        if now < activation.end_at:
            raise MarketError(
                "NOT_OVER", f"The activation ends at {activation.end_at:%Y-%m-%dT%H:%M}Z.", fix="Settle it afterwards."
            )
        check_activation_step(ActivationState(activation.state), ActivationState.DELIVERY_COMPLETE)
        baseline, lines, label = measure(activation, now=now)
        order = activation.order
        money = pay(
            lines,
            price_gbp_per_kwh=order.utilisation_price_gbp_per_kwh,
            penalty_gbp_per_kwh=order.shortfall_penalty_gbp_per_kwh,
        )
        statement = store(activation, run, baseline, lines, money, label=label, now=now)
        activation.state = ActivationState.DELIVERY_COMPLETE
        activation.save(update_fields=["state"])
        if not order.activations.filter(state__in=UNDER_WAY).exists():
            order.state = next_order_state(OrderState(order.state), OrderEvent.DELIVER)
            order.version += 1
            order.save(update_fields=["state", "version"])
        record(statement, now=now)
    return statement


def measure(activation: Activation, *, now: datetime) -> tuple[Baseline, list[PeriodDelivery], Label]:
    """Baseline and delivery of each period from the readings known at `now`, and whether any reading was simulated."""
    order = activation.order
    periods = list(activation.periods.order_by("start_at"))
    starts = [row.start_at for row in periods]
    rows = MeterReading.objects.filter(
        site=order.offer.site, start_at__gte=starts[0] - LOOKBACK, start_at__lt=activation.end_at, known_at__lte=now
    ).order_by("known_at", "pk")
    latest = {row.start_at: row for row in rows}
    readings = {start: row.import_wh for start, row in latest.items()}
    try:
        baseline = work_out(
            order.offer.baseline_method,
            readings=readings,
            periods=starts,
            event_days=event_days(order.offer.site, besides=activation),
        )
        lines = deliver(
            instructed_wh={row.start_at: int(row.requested_kw * 500) for row in periods},
            baseline_wh=baseline.periods,
            metered_wh={start: readings[start] for start in starts if start in readings},
            direction=order.offer.direction,  # type: ignore[arg-type]
            others_wh=instructed_beside(activation, starts),
        )
    except (BaselineError, MissingReadingError) as problem:
        raise MarketError(
            "READINGS_MISSING", str(problem), fix="Send the missing readings; the activation then settles by itself."
        ) from problem
    simulated = any(row.label == Label.SIMULATED for row in latest.values())
    return baseline, lines, Label.SIMULATED if simulated else Label.MEASURED


def instructed_beside(activation: Activation, starts: Sequence[datetime]) -> dict[datetime, int]:
    """Energy in Wh that other dispatches of the same site and direction instructed in each of `starts`."""
    offer = activation.order.offer
    rows = ActivationPeriod.objects.filter(
        activation__order__offer__site=offer.site,
        activation__order__offer__direction=offer.direction,
        start_at__in=starts,
    ).exclude(activation=activation)
    found: Counter[datetime] = Counter()
    for row in rows.exclude(activation__state=ActivationState.REJECTED):
        found[row.start_at] += int(row.requested_kw * 500)
    return dict(found)


def event_days(site: Site, *, besides: Activation) -> set[date]:
    """Settlement days on which the site was dispatched, which a like-day baseline leaves out."""
    others = (
        Activation.objects.filter(order__offer__site=site)
        .exclude(pk=besides.pk)
        .exclude(state=ActivationState.REJECTED)
    )
    return {settlement_period(start)[0] for start in others.values_list("start_at", flat=True)}


def store(
    activation: Activation,
    run: str,
    baseline: Baseline,
    lines: Sequence[PeriodDelivery],
    money: Payment,
    *,
    label: Label,
    now: datetime,
) -> SettlementStatement:
    """The statement's rows."""
    statement = SettlementStatement.objects.create(
        activation=activation,
        run=run,
        baseline_method=baseline.method,
        baseline_facts=baseline.facts(),
        delivered_wh=sum(line.delivered_wh for line in lines),
        eligible_wh=sum(line.eligible_wh for line in lines),
        shortfall_wh=sum(line.shortfall_wh for line in lines),
        payment_pence=money.payment_pence,
        penalty_pence=money.penalty_pence,
        amount_pence=money.amount_pence,
        label=str(label),
        created_at=now,
    )
    rows = []
    for line in lines:
        day, period = settlement_period(line.start)
        rows.append(
            StatementLine(
                statement=statement,
                start_at=line.start,
                settlement_date=day,
                settlement_period=period,
                instructed_wh=line.instructed_wh,
                baseline_wh=line.baseline_wh,
                metered_wh=line.metered_wh,
                delivered_wh=line.delivered_wh,
                eligible_wh=line.eligible_wh,
                shortfall_wh=line.shortfall_wh,
            )
        )
    StatementLine.objects.bulk_create(rows)
    return statement


def record(statement: SettlementStatement, *, now: datetime) -> None:
    """The event, the buyer's on_status and the anchoring that follow from a statement."""
    activation = statement.activation
    order = activation.order
    organisation = order.offer.site.organisation
    events.append(
        type="settlement.statement",
        subject=f"order:{order.pk}",
        payload={
            "statement": str(statement.pk),
            "order": str(order.pk),
            "activation": activation.instruction_id,
            "run": statement.run,
            "version": statement.version,
            "baseline_method": statement.baseline_method,
            "delivered_wh": str(statement.delivered_wh),
            "eligible_wh": str(statement.eligible_wh),
            "shortfall_wh": str(statement.shortfall_wh),
            "payment_pence": str(statement.payment_pence),
            "penalty_pence": str(statement.penalty_pence),
            "amount_pence": str(statement.amount_pence),
            "label": statement.label,
            "lines": [
                {
                    "date": line.settlement_date.isoformat(),
                    "period": line.settlement_period,
                    "baseline_wh": str(line.baseline_wh),
                    "metered_wh": str(line.metered_wh),
                    "delivered_wh": str(line.delivered_wh),
                    "eligible_wh": str(line.eligible_wh),
                }
                for line in statement.lines.order_by("start_at")
            ],
        },
        organisations=[organisation],
        now=now,
    )
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    contract = order_contract(order, seller=seller)
    contract["performance"] = [performance_entry(activation, "DELIVERY_COMPLETE", delivery_attributes(statement))]
    outbox.send(
        role="bpp",
        action="on_status",
        message={"contract": contract},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
    enqueue.enqueue("marketplace.agents.housekeeping.anchor")
    notify.changed(f"order:{order.pk}", f"orders:{organisation.slug}", "ledger")
