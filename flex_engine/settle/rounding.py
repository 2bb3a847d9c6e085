"""What rounding leaves over, carried: what one party has paid another in all is the rounded exact sum, however it was split.

Each component of a payment is rounded once, half to even. An account between a seller and whoever pays keeps what that left
over, and the next payment settles it by a component of its own of a whole number of pence. It knows no rows and no parties.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from flex_engine.quantities import exact, pence
from flex_engine.settle.payment import NOT_THE_BUYERS, Component

Payer = Literal["BUYER", "MARKET"]
CARRIED: dict[Payer, str] = {"BUYER": "ROUNDING", "MARKET": "IMBALANCE_ROUNDING"}
PENNY = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Account:
    """What was paid in all, in pence, and the exact sum less that, in GBP: half a penny at most after every payment."""

    paid_pence: int = 0
    residual_gbp: Decimal = Decimal(0)

    @property
    def is_odd(self) -> bool:
        """Whether an odd number of pence was paid: with the residual it decides which way half a penny is rounded."""
        return self.paid_pence % 2 == 1


def payer_of(kind: str) -> Payer:
    """Who pays a component of this type: an imbalance is the market's, all else the buyer's."""
    return "MARKET" if kind in NOT_THE_BUYERS else "BUYER"


def after(account: Account, components: Iterable[Component]) -> Account:
    """The account once `components` are paid besides, rounding not carried yet."""
    with exact():
        paid, left = account.paid_pence, account.residual_gbp
        for part in components:
            paid, left = paid + part.pence, left + part.residual_gbp
    return Account(paid, left)


def before(account: Account, components: Iterable[Component]) -> Account:
    """The account as if `components`, which it holds, had not been paid: a statement that is superseded is taken back first."""
    with exact():
        paid, left = account.paid_pence, account.residual_gbp
        for part in components:
            paid, left = paid - part.pence, left - part.residual_gbp
    return Account(paid, left)


def carry(account: Account, components: Iterable[Component], *, payer: Payer) -> tuple[Component | None, Account]:
    """(the component that settles what rounding left over, the account after it); None where it comes to nothing.

    After it `paid_pence` is the exact sum rounded once, half to even.

    >>> half = Component("USAGE", "", 0, Decimal("0.005"))
    >>> first, account = carry(Account(), [half], payer="BUYER")
    >>> second, account = carry(account, [half], payer="BUYER")
    >>> (first, second.pence, account.paid_pence)
    (None, 1, 1)
    """
    paid = after(account, components)
    with exact():
        due = pence(Decimal(paid.paid_pence) * PENNY + paid.residual_gbp)
        moved = due - paid.paid_pence
        settled = Account(due, paid.residual_gbp - moved * PENNY)
    if not moved:
        return None, settled
    earlier = f"{account.residual_gbp.normalize() + 0:f} GBP from before"
    return Component(CARRIED[payer], f"what rounding left over above, with {earlier}", moved, -moved * PENNY), settled
