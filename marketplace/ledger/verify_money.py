"""Work the money of every statement out again from its half hours, many statements at once, and hold its components to it.

Prices, shares and energies are the stored ones: whether they are those of the log is for verify_settlements. It writes
nothing. A statement from before half hours carried their money has nothing to be held to and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np

from flex_engine.quantities import exact, pence
from flex_engine.settle.bulk import SHARE, Whole, pennies, rates
from flex_engine.settle.rounding import payer_of
from marketplace.ledger.checks import Check, judged_all
from marketplace.models import RoundingAccount, SettlementStatement, StatementLine

CHUNK = 1000
Lines = Sequence[StatementLine]
# Utilisation, penalty, imbalance, availability, clawback and cancellation fee in pence, each as the seller is paid.
TYPES = ("USAGE", "PENALTY", "IMBALANCE", "AVAILABILITY", "CLAWBACK", "CANCELLATION_FEE")
Money = tuple[int, ...]
NOTHING = Decimal(0)


def money_check() -> Check:
    """Whether the components of every statement follow from its lines, its terms and its order."""
    asked = SettlementStatement.objects.exclude(terms={}).order_by("pk").select_related("order")
    asked = asked.prefetch_related("lines")
    title = "Every statement's money follows from its half hours"
    return judged_all("money", title, asked.count(), faults(asked.iterator(chunk_size=CHUNK)))


def rounding_check() -> Check:
    """Whether the statements that stand, of each seller with each buyer and with the market, pay the rounded exact sum."""
    sums: dict[tuple[int, str, str], tuple[int, Decimal]] = {}
    asked = SettlementStatement.objects.exclude(rounding=[]).filter(superseded_by__isnull=True)
    for one in asked.select_related("order__offer__site").iterator(chunk_size=CHUNK):
        for part in one.components:
            payer = payer_of(part["type"])
            name = (
                one.order.offer.site.organisation_id,
                payer,
                one.order.buyer_subscriber_id if payer == "BUYER" else "",
            )
            paid, left = sums.get(name, (0, NOTHING))
            with exact():
                sums[name] = paid + part["pence"], left + Decimal(part["residual_gbp"])
    title = "What was paid to each seller is the rounded exact sum, whoever pays"
    return judged_all("rounding", title, len(sums), account_faults(sums))


def account_faults(sums: Mapping[tuple[int, str, str], tuple[int, Decimal]]) -> Iterator[str]:
    """Every account whose pence are not its exact sum rounded once, or whose row says otherwise."""
    rows = RoundingAccount.objects.values_list("organisation_id", "payer", "counterparty", "paid_pence", "residual_gbp")
    kept = {(number, payer, other): (paid, Decimal(left)) for number, payer, other, paid, left in rows}
    for name, (paid, left) in sums.items():
        with exact():
            due = pence(Decimal(paid).scaleb(-2) + left)
        if due != paid:
            yield f"the account of organisation {name[0]} with {name[2] or 'the market'} was paid {paid} p, and {due} p are due"
        elif kept.get(name) != (paid, left):
            yield f"the account of organisation {name[0]} with {name[2] or 'the market'} does not hold what its statements come to"


def faults(statements: Iterator[SettlementStatement]) -> Iterator[str]:
    """Every statement whose components are not what its lines come to."""
    while chunk := list(islice(statements, CHUNK)):
        for one, found in zip(chunk, judged(chunk), strict=True):
            if found != stored(one):
                yield f"statement {one.pk} is paid otherwise than its half hours and its order come to"


def judged(statements: Sequence[SettlementStatement]) -> list[Money | None]:
    """What each comes to; None for one whose figures nobody could settle by. It spoils no other's."""
    try:
        return list(recomputed(statements))
    except (ValueError, OverflowError):
        return [None] if len(statements) == 1 else [found for one in statements for found in judged([one])]


def stored(statement: SettlementStatement) -> Money:
    """What the statement's components say."""
    sums = dict.fromkeys(TYPES, 0)
    for part in statement.components:
        sums[part["type"]] = sums.get(part["type"], 0) + part["pence"]
    return tuple(sums[kind] for kind in TYPES)


def recomputed(statements: Sequence[SettlementStatement]) -> Iterator[Money]:
    """What the lines of each come to. A trade is paid for what was sold, every other product for what is eligible."""
    lines = [list(one.lines.all()) for one in statements]
    width = max((len(rows) for rows in lines), default=0)
    trades = [any(line.imbalance for line in rows) for rows in lines]
    paid_for = matrix(
        [[line.instructed_wh if trade else line.eligible_wh for line in rows] for rows, trade in zip(lines, trades, strict=True)],
        width,
    )  # fmt: skip
    usage = pennies(
        paid_for, rates([price_of(rows) for rows in lines]), matrix([shares(rows) for rows in lines], width)
    )
    short = matrix([[line.shortfall_wh for line in rows] for rows in lines], width)
    penalty = pennies(short, rates([penalty_rate(one) for one in statements]), None)
    for number, rows in enumerate(lines):
        yield (int(usage[number]), -int(penalty[number]), imbalance_of(rows), *besides_delivery(statements[number]))


def besides_delivery(statement: SettlementStatement) -> Money:
    """Availability, clawback and cancellation fee in pence.

    Availability is power by hours at the price and share it names; one from before they were kept is taken as it is.
    """
    price = Decimal(statement.terms.get("availability_price_gbp_per_mw_h", "0"))
    fee = (statement.order.cancellation_charged_pence or 0) if statement.reason == "CANCELLED" else 0
    ready = dict.fromkeys(("AVAILABILITY", "CLAWBACK"), 0)
    for part in statement.components:
        if part["type"] in ready:
            ready[part["type"]] += worth(part, price)
    return ready["AVAILABILITY"], ready["CLAWBACK"], fee


def worth(part: Mapping[str, Any], price: Decimal) -> int:
    """What a component of standing ready comes to in pence: what is taken back is below zero."""
    if "basis" not in part:
        return int(part["pence"])
    with exact():
        amount = Decimal(part["basis"]["mw_h"]) * price * Decimal(part["basis"]["scale"])
        return pence(amount if part["type"] == "AVAILABILITY" else -amount)


def matrix(rows: list[list[int]], width: int) -> Whole:
    """Rows of whole numbers side by side, filled up with zeros."""
    return np.array([[*row, *[0] * (width - len(row))] for row in rows], dtype=np.int64).reshape(len(rows), width)


def shares(lines: Lines) -> list[int]:
    """The share of the price of each line, in millionths."""
    return [int((line.scale or Decimal(0)) * SHARE) for line in lines]


def price_of(lines: Lines) -> Decimal:
    """The one price of a statement."""
    return (lines[0].price_gbp_per_kwh or Decimal(0)) if lines else Decimal(0)


def penalty_rate(statement: SettlementStatement) -> Decimal:
    """What a missing kWh costs under the statement's terms."""
    terms = statement.terms
    asked = terms["shortfall_penalty_gbp_per_kwh"] if terms.get("penalty_rule") == "DEFICIENCY_PRICE" else "0"
    return Decimal(asked)


def imbalance_of(lines: Lines) -> int:
    """The imbalance of a trade in pence, rounded once; 0 for another product."""
    with exact():
        return pence(sum((Decimal(line.imbalance.get("gbp", "0")) for line in lines), NOTHING))
