"""Carry what rounding left over from statement to statement, on the account between a seller and whoever pays.

The account holds the statements that stand: a superseded one is taken off it when its successor is put on. Statements from
before accounts were kept are not on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flex_engine.settle.payment import Component, Payment, total
from flex_engine.settle.rounding import Account, Payer, before, carry, payer_of
from marketplace.models import Order, RoundingAccount, SettlementStatement


def carry_rounding(
    *, order: Order, money: Payment, supersedes: SettlementStatement | None, now: datetime
) -> tuple[Payment, list[dict[str, str]]]:
    """`money` with the components that settle what was left over, and what the statement tells of each account.

    The accounts are locked until the transaction of the caller ends, the buyer's before the market's.
    """
    taken_back = components_on_account(supersedes) if supersedes is not None else []
    parts, told = list(money.components), []
    for payer in sorted({payer_of(part.type) for part in (*parts, *taken_back)}):
        row = account_of(order, payer, now=now)
        held = before(Account(row.paid_pence, Decimal(row.residual_gbp)), of_payer(payer, taken_back))
        extra, settled = carry(held, of_payer(payer, money.components), payer=payer)
        parts += [extra] if extra else []
        row.paid_pence, row.residual_gbp, row.updated_at = settled.paid_pence, written(settled.residual_gbp), now
        row.save(update_fields=["paid_pence", "residual_gbp", "updated_at"])
        told.append(
            {
                "account": payer,
                "before_gbp": written(held.residual_gbp),
                "before_odd": str(int(held.is_odd)),
                "after_gbp": written(settled.residual_gbp),
            }
        )
    return total(parts), told


def of_payer(payer: Payer, parts: Sequence[Component]) -> list[Component]:
    """The components that `payer` pays."""
    return [part for part in parts if payer_of(part.type) == payer]


def components_on_account(statement: SettlementStatement) -> list[Component]:
    """The components of a statement, if it is on an account."""
    return [component_from(part) for part in statement.components] if statement.rounding else []


def component_from(stored: Mapping[str, Any]) -> Component:
    """A stored component as the engine takes it."""
    return Component(stored["type"], stored["description"], stored["pence"], Decimal(stored["residual_gbp"]))


def account_of(order: Order, payer: Payer, *, now: datetime) -> RoundingAccount:
    """The account of the order's seller with its buyer, or with the market, locked."""
    counterparty = order.buyer_subscriber_id if payer == "BUYER" else ""
    found, _ = RoundingAccount.objects.select_for_update(of=("self",)).get_or_create(
        organisation=order.offer.site.organisation,
        payer=payer,
        counterparty=counterparty,
        defaults={"updated_at": now},
    )
    return found


def written(amount: Decimal) -> str:
    """Exact GBP without empty digits."""
    return f"{amount.normalize() + 0:f}"
