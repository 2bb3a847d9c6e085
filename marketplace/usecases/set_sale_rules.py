"""Say how a site sells: which orders a person approves, and what cancelling costs. Offers on sale keep the terms they have."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from marketplace import events, notify
from marketplace.models import SaleRules, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require

LEAST_S, MOST_S = 60, 7 * 86_400


def set_sale_rules(
    *,
    site: Site,
    user: User | None,
    approve_above_kw: Decimal | None,
    floor_gbp_per_kwh: Decimal | None,
    approve_within_s: int,
    free_cancellation_s: int,
    cancellation_fee_percent: Decimal,
    now: datetime,
) -> SaleRules:
    """Replace the site's rules. None leaves that reason to wait out. Raises MarketError naming what is out of bounds."""
    if user is not None:
        require(role_of(user, site.organisation), Action.TRADE)
    given = {
        "approve_above_kw": approve_above_kw,
        "floor_gbp_per_kwh": floor_gbp_per_kwh,
        "approve_within_s": approve_within_s,
        "free_cancellation_s": free_cancellation_s,
        "cancellation_fee_percent": cancellation_fee_percent,
    }
    check(**given)  # type: ignore[arg-type] # the arguments above, by name
    with transaction.atomic():
        rules, _ = SaleRules.objects.update_or_create(site=site, defaults={**given, "updated_at": now})
        events.append(
            type="site.sale_rules",
            subject=f"site:{site.slug}",
            payload={"site": site.slug} | {name: "" if value is None else str(value) for name, value in given.items()},
            organisations=[site.organisation],
            now=now,
        )
        notify.changed(f"site:{site.slug}", "offers")
    return rules


def check(
    *,
    approve_above_kw: Decimal | None,
    floor_gbp_per_kwh: Decimal | None,  # noqa: ARG001 - any price may be a floor, a negative one too
    approve_within_s: int,
    free_cancellation_s: int,
    cancellation_fee_percent: Decimal,
) -> None:
    """Raise MarketError BAD_SALE_RULE, with the field's name in details, for a value that means nothing."""
    wrong: tuple[str, str, str] | None = None
    if approve_above_kw is not None and approve_above_kw < 0:
        wrong = "approve_above_kw", f"{approve_above_kw} kW is no size of an order.", "Write 0 kW or more."
    elif not LEAST_S <= approve_within_s <= MOST_S:
        wrong = "approve_within_s", f"{approve_within_s} s is no time to decide in.", "Write one minute to seven days."
    elif not 0 <= free_cancellation_s <= MOST_S:
        wrong = (
            "free_cancellation_s",
            f"{free_cancellation_s} s before the window is out of reach.",
            "Write 0 to 7 days.",
        )
    elif not 0 <= cancellation_fee_percent <= 100:
        said = f"{cancellation_fee_percent} % of the quote is no fee."
        wrong = "cancellation_fee_percent", said, "Write a number from 0 to 100."
    if wrong:
        raise MarketError("BAD_SALE_RULE", wrong[1], fix=wrong[2], details={"column": wrong[0]})
