"""Choose, by its name, the rule that may stand in for missing readings: of one activation, or of a site from now on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from flex_engine.settle.metering_estimates import rules
from marketplace import enqueue, events, notify
from marketplace.models import Activation, EstimationChoice, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState
from marketplace.rules.roles import Action, require
from marketplace.usecases.fill_gaps import fill_gaps


def choose_estimation(
    *, site: Site, activation: Activation | None = None, rule: str, user: User | None, now: datetime
) -> tuple[EstimationChoice, int]:
    """The stored choice, and how many half hours of `activation` were estimated at once.

    An empty rule ends a site's choice. Raises MarketError: a rule nobody knows, an activation that is not over or not of
    the site, an estimate the rule cannot make, or a user who may not settle.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.SETTLE)
    known = {one.id for one in rules()}
    if rule not in known and (rule or activation):
        raise MarketError(
            "BAD_RULE", f"There is no estimation rule {rule!r}.", fix=f"Choose one of {', '.join(sorted(known))}."
        )
    if activation is not None:
        check_waits(activation, site, now=now)
    with transaction.atomic():
        choice = EstimationChoice.objects.create(
            site=site, activation=activation, rule=rule, chosen_by=user, chosen_at=now
        )
        events.append(
            type="meter.rule_chosen",
            subject=f"site:{site.slug}",
            payload={
                "site": site.slug,
                "activation": activation.instruction_id if activation else "",
                "rule": rule,
                "by": user.email if user else "",
            },
            organisations=[site.organisation],
            now=now,
        )
        filled = fill_gaps(activation=activation, rule=rule, standing=False, now=now) if activation else 0
        enqueue.enqueue("marketplace.agents.metering.tick")
        notify.changed(f"site:{site.slug}")
    return choice, filled


def check_waits(activation: Activation, site: Site, *, now: datetime) -> None:
    """Raise MarketError unless the activation is one of `site`, over, and not settled."""
    if activation.order.offer.site_id != site.pk:
        raise MarketError("NOT_OF_THE_SITE", "This dispatch is of another site.", fix="Choose one of this site.")
    if now < activation.end_at:
        raise MarketError(
            "NOT_OVER", f"The dispatch ends at {activation.end_at:%Y-%m-%dT%H:%M}Z.", fix="Choose a rule afterwards."
        )
    if activation.state not in {ActivationState.ACCEPTED, ActivationState.IN_PROGRESS}:
        raise MarketError(
            "NOT_WAITING", "This dispatch does not wait for readings.", fix="To correct readings, send a revision."
        )


def standing_rule(site: Site) -> str:
    """The rule in force for all of `site`, or nothing."""
    newest = EstimationChoice.objects.filter(site=site, activation=None).order_by("-chosen_at", "-pk").first()
    return newest.rule if newest else ""
