"""Open a dispute over a statement that stands, or over some of its settlement periods."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from flex_engine.quantities import exact
from flex_engine.quantities import pence as to_pence
from flex_engine.settle.delivery import PeriodDelivery
from flex_engine.settle.dispute_clock import dispute_until, response_due
from marketplace import events, notify
from marketplace.ledger.leaf import canonical
from marketplace.models import (
    Dispute,
    DisputeEntry,
    Order,
    Organisation,
    SettlementStatement,
    StatementLine,
    User,
    buyer_of,
    role_of,
    side_of,
)
from marketplace.rules.claim import Part, value_claim, worth_pence
from marketplace.rules.dispute import UNDECIDED, ClaimUnit, DisputeState, ReasonCode, Side
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.settle_activation import hold

SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_WORDS, MOST_REFERENCE = 1000, 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where evidence is to be found, and the SHA-256 of its bytes in hex. Both are given, or neither."""

    reference: str = ""
    sha256: str = ""


NO_EVIDENCE = Evidence()


def open_dispute(
    *,
    statement: SettlementStatement,
    organisation: Organisation | None = None,
    user: User | None = None,
    buyer_subscriber_id: str = "",
    reason: str,
    unit: str,
    claimed_value: int,
    words: str,
    periods: Iterable[tuple[date, int]] = (),
    evidence: Evidence = NO_EVIDENCE,
    now: datetime,
) -> Dispute:
    """The dispute of `organisation`, a party of the order, over `periods` (settlement date, period); none is the whole.

    A buyer elsewhere is named by `buyer_subscriber_id` alone, which the network has verified.
    The same claim opened twice is one dispute. Raises MarketError: NOT_ALLOWED (no party, or the role does not let them),
    STATEMENT_SUPERSEDED, DISPUTE_TOO_LATE (after its window), DISPUTE_OVERLAPS (the party disputes these lines already),
    or BAD_CLAIM, BAD_WORDS, BAD_EVIDENCE or BAD_PERIOD naming the field.
    """
    check_words(words, evidence)
    with transaction.atomic():
        statement = held_statement(statement)
        order = statement.order
        side, claimant = party(order, organisation, user, buyer_subscriber_id)
        lines = lines_of(statement, periods)
        claim = {
            "periods": [[line.settlement_date.isoformat(), line.settlement_period] for line in lines],
            "reason": reason_of(reason).value,
            "unit": unit_of(unit).value,
            "claimed_value": str(claimed_value),
            "words": words,
            "evidence_reference": evidence.reference,
            "evidence_sha256": evidence.sha256,
        }
        digest = hashlib.sha256(canonical(claim)).hexdigest()
        known = Dispute.objects.filter(statement=statement, side=side, digest=digest).first()
        if known is not None:
            return known
        check_open(statement, side, lines, now=now)
        valued = value_claim(part_of(statement, order, lines), unit=unit_of(unit), claimed=claimed_value)
        dispute = Dispute.objects.create(
            statement=statement,
            opened_by=claimant,
            side=side,
            reason=reason_of(reason),
            unit=valued.unit,
            stated_value=valued.stated,
            claimed_value=valued.claimed,
            difference_pence=valued.difference_pence,
            digest=digest,
            state=DisputeState.OPEN,
            opened_at=now,
            response_due_at=response_due(now),
        )
        dispute.lines.set(lines)
        note(dispute, DisputeEntry.OPENED, side, claimant, words, evidence, now=now)
        record(dispute, "dispute.opened", {**claim, **figures(dispute)}, now=now)
    return dispute


def held_statement(statement: SettlementStatement) -> SettlementStatement:
    """The statement as it is now, with its order held against every other step and settlement."""
    held = hold(activation=statement.activation, order=statement.order)
    found = SettlementStatement.objects.get(pk=statement.pk)
    found.order, found.activation = held.order, held.activation
    return found


def check_words(words: str, evidence: Evidence) -> None:
    """Raise MarketError for words or evidence that cannot be kept."""
    if not words.strip() or len(words) > MOST_WORDS:
        bad("words", words[:40], f"they have 1 to {MOST_WORDS} characters.", "Say in a few sentences what is wrong.")
    if "\0" in words or "\0" in evidence.reference:
        bad("words", "…", "it holds a NUL, which is not text.", "Leave it out.")
    if len(evidence.reference) > MOST_REFERENCE:
        bad(
            "evidence_reference", evidence.reference[:40], f"it has at most {MOST_REFERENCE} characters.", "Shorten it."
        )
    if bool(evidence.reference) != bool(evidence.sha256):
        missing = "evidence_sha256" if evidence.reference else "evidence_reference"
        bad(missing, "", "a reference and the SHA-256 of what it leads to belong together.", "Give both, or neither.")
    if evidence.sha256 and not SHA256.fullmatch(evidence.sha256):
        bad("evidence_sha256", evidence.sha256[:40], "it is not 64 hexadecimal digits.", "Write it in lower-case hex.")


def reason_of(text: str) -> ReasonCode:
    """The reason code. Raises MarketError listing them."""
    if text not in ReasonCode.__members__:
        bad("reason", text[:40], "there is no such reason code.", f"Write one of {', '.join(ReasonCode)}.")
    return ReasonCode(text)


def unit_of(text: str) -> ClaimUnit:
    """The unit of the claimed value. Raises MarketError listing them."""
    if text not in ClaimUnit.__members__:
        bad("unit", text[:40], "there is no such unit.", "Write PENCE or WH.")
    return ClaimUnit(text)


def bad(field: str, value: object, problem: str, fix: str) -> None:
    """Raise the error of a field that must be put right."""
    family = {"words": "BAD_WORDS", "periods": "BAD_PERIOD", "reason": "BAD_REASON", "unit": "BAD_CLAIM"}
    code = family.get(field, "BAD_EVIDENCE")
    raise MarketError(code, f"{field} is {value!r}: {problem}", fix=fix, details={"column": field})


def party(
    order: Order, organisation: Organisation | None, user: User | None, buyer_subscriber_id: str = ""
) -> tuple[Side, Organisation | None]:
    """The side `organisation` is on, and itself; or the buyer that the network has verified, with its organisation if it is here.

    Raises MarketError NOT_ALLOWED for a stranger, or for a role that may not dispute.
    """
    if buyer_subscriber_id and buyer_subscriber_id == order.buyer_subscriber_id:
        return Side.BUYER, buyer_of(order)
    side = side_of(order, organisation)
    if side is None or organisation is None or user is None:
        raise MarketError(
            "NOT_ALLOWED", "Only a party of the order disputes its statements.", fix="Act for the seller or the buyer."
        )
    require(role_of(user, organisation), Action.DISPUTE)
    return side, organisation


def lines_of(statement: SettlementStatement, periods: Iterable[tuple[date, int]]) -> list[StatementLine]:
    """The lines named, in order of time; none for the whole statement. Raises MarketError BAD_PERIOD naming a stranger."""
    wanted = set(periods)
    lines = [
        line
        for line in statement.lines.order_by("start_at")
        if (line.settlement_date, line.settlement_period) in wanted
    ]
    for day, period in sorted(wanted - {(line.settlement_date, line.settlement_period) for line in lines}):
        bad("periods", f"{day} SP {period}", "the statement has no such line.", "Name settlement periods it lists.")
    return lines


def check_open(statement: SettlementStatement, side: Side, lines: list[StatementLine], *, now: datetime) -> None:
    """Raise MarketError unless the statement stands, is in its window, and the lines are not disputed already."""
    if hasattr(statement, "superseded_by"):
        raise MarketError(
            "STATEMENT_SUPERSEDED",
            "A later statement has superseded this one.",
            fix="Dispute the statement that stands.",
            details={"stands": str(statement.superseded_by.pk)},
        )
    until = dispute_until(statement.created_at)
    if now >= until:
        raise MarketError(
            "DISPUTE_TOO_LATE",
            f"This statement could be disputed until {until:%Y-%m-%dT%H:%M}Z.",
            fix="The next settlement run makes a statement that can be disputed again.",
        )
    mine = {line.pk for line in lines}
    for other in Dispute.objects.filter(statement=statement, side=side, state__in=UNDECIDED).prefetch_related("lines"):
        theirs = {line.pk for line in other.lines.all()}
        if not mine or not theirs or mine & theirs:
            raise MarketError(
                "DISPUTE_OVERLAPS",
                f"Your organisation already disputes this under {str(other.pk)[:8]}.",
                fix="Wait for its decision, or name other settlement periods.",
                details={"dispute": str(other.pk)},
            )


def part_of(statement: SettlementStatement, order: Order, lines: list[StatementLine]) -> Part:
    """The disputed part: named lines at what they were paid, or the whole statement at its amount."""
    penalised = statement.terms.get("penalty_rule", "DEFICIENCY_PRICE") == "DEFICIENCY_PRICE"
    price = order.utilisation_price_gbp_per_kwh
    penalty = order.shortfall_penalty_gbp_per_kwh if penalised else Decimal(0)
    found = tuple(delivery_of(line) for line in lines or statement.lines.order_by("start_at"))
    if not lines:
        pence = statement.amount_pence
    elif all(line.pay_gbp for line in lines):
        pence = paid_pence(lines)
    else:
        pence = worth_pence(found, price=price, penalty=penalty)
    return Part(found, pence, price, penalty)


def paid_pence(lines: Sequence[StatementLine]) -> int:
    """What lines were paid, from the exact amounts they carry: each kind of amount rounded once, as in a statement."""
    kinds = (
        [Decimal(line.pay_gbp) for line in lines],
        [-Decimal(line.penalty_gbp or 0) for line in lines],
        [Decimal(line.imbalance.get("gbp", 0)) for line in lines],
    )
    with exact():
        return sum(to_pence(sum(amounts, Decimal(0))) for amounts in kinds)


def delivery_of(line: StatementLine) -> PeriodDelivery:
    """A stored line as the engine's value."""
    return PeriodDelivery(
        line.start_at,
        line.instructed_wh,
        line.baseline_wh,
        line.metered_wh,
        line.delivered_wh,
        line.eligible_wh,
        line.shortfall_wh,
    )


def note(
    dispute: Dispute,
    step: str,
    side: Side,
    organisation: Organisation | None,
    words: str,
    evidence: Evidence,
    *,
    agrees: bool | None = None,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Keep one step."""
    DisputeEntry.objects.create(
        dispute=dispute,
        step=step,
        side=side,
        organisation=organisation,
        words=words,
        evidence_reference=evidence.reference,
        evidence_sha256=evidence.sha256,
        agrees=agrees,
        facts=dict(facts or {}),
        at=now,
    )


def figures(dispute: Dispute) -> dict[str, Any]:
    """The valued claim as an event tells it: whole numbers as text."""
    return {"stated_value": str(dispute.stated_value), "difference_pence": str(dispute.difference_pence)}


def record(dispute: Dispute, kind: str, payload: Mapping[str, Any], *, now: datetime) -> None:
    """The event, under the order so that both parties read it, and the pages that changed."""
    statement = dispute.statement
    order = statement.order
    seller, buyer = order.offer.site.organisation, buyer_of(order)
    events.append(
        type=kind,
        subject=f"order:{order.pk}",
        payload={
            "dispute": str(dispute.pk),
            "statement": str(statement.pk),
            "run": statement.run,
            "version": statement.version,
            "side": dispute.side,
            **payload,
        },
        organisations=[seller, *([buyer] if buyer else [])],
        now=now,
    )
    parties = [f"orders:{one.slug}" for one in (seller, buyer) if one]
    notify.changed(f"order:{order.pk}", *parties, "ledger")
