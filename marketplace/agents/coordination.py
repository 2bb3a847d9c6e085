"""The coordination agent: moves offers, orders and activations along as time passes and readings arrive."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from celery import shared_task

from marketplace import clock, enqueue
from marketplace.agents.decide import decide
from marketplace.models import Activation, AgentDecision, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.expire_offers import expire_offers
from marketplace.usecases.lease import holding
from marketplace.usecases.settle_activation import settle_activation
from marketplace.usecases.start_activations import start_activations

log = logging.getLogger(__name__)


@shared_task(name="marketplace.agents.coordination.tick")
def tick(**_: Any) -> None:
    """Close gates, start activations, settle what is over and metered, complete what is anchored."""
    with holding("coordination", seconds=60) as held:
        if not held:
            return
        now = clock.now()
        expire_offers(now=now)
        start_activations(now=now)
        settle_due(now)
        complete_due(now)


def settle_due(now: datetime) -> None:
    """Settle each activation that is over, as soon as its readings are complete. A fault in one does not hold up the rest."""
    over = Activation.objects.filter(
        state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS], end_at__lte=now
    ).select_related("order__offer__site")
    for activation in over:
        try:
            settle_one(activation, now)
        except Exception:
            log.exception("activation %s could not be settled; the next tick tries again", activation.pk)


def settle_one(activation: Activation, now: datetime) -> None:
    """Settle, or say once why the activation waits."""
    site, subject = activation.order.offer.site, f"activation:{activation.pk}"
    try:
        statement = settle_activation(activation=activation, now=now)
    except MarketError as problem:
        newest = AgentDecision.objects.filter(agent="coordination", subject=subject).order_by("-at", "-pk").first()
        if newest is None or newest.why != str(problem):
            decide(
                agent="coordination",
                site=site,
                now=now,
                subject=subject,
                saw="an activation is over",
                decided="waited",
                why=str(problem),
            )
        return
    decide(
        agent="coordination",
        site=site,
        now=now,
        subject=subject,
        saw=f"an activation is over and metered: {statement.delivered_wh / 1000:.1f} kWh delivered",
        decided=f"settled run {statement.run} at £{statement.amount_pence / 100:.2f}",
        why=f"{statement.eligible_wh / 1000:.1f} kWh eligible, {statement.shortfall_wh / 1000:.1f} kWh short, by {statement.baseline_method}",
    )


def complete_due(now: datetime) -> None:
    """Complete each settlement whose record is final on chain; ask for the anchoring of those that are not there yet."""
    waiting = SettlementStatement.objects.filter(activation__state=ActivationState.DELIVERY_COMPLETE)
    pending = False
    for statement in waiting:
        try:
            pending |= not complete_settlement(statement=statement, now=now)
        except Exception:
            log.exception("statement %s could not be completed; the next tick tries again", statement.pk)
    if pending:
        enqueue.enqueue("marketplace.agents.housekeeping.anchor")
