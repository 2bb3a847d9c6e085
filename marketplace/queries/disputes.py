"""Disputes as people read them: the list, one dispute with its steps, and the money that is in dispute.

What a party can do next is the rules' answer; this room only asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Abs, Coalesce

from marketplace.models import Dispute, Organisation, opener_of, other_is_here, side_of
from marketplace.queries.exports import utc_text
from marketplace.queries.pages import Page, page_of
from marketplace.rules.dispute import (
    UNDECIDED,
    DisputeState,
    DisputeStep,
    ReasonCode,
    Side,
    Standing,
    is_overdue,
    steps_for,
)

HEADER = (
    "dispute",
    "order",
    "statement",
    "run",
    "version",
    "state",
    "overdue",
    "opened_by",
    "side",
    "reason",
    "settlement_periods",
    "unit",
    "stated_value",
    "claimed_value",
    "difference_pence",
    "opened_utc",
    "response_due_utc",
    "decision_due_utc",
    "closed_utc",
    "amended_by",
)
STATES = {
    DisputeState.OPEN: "Open",
    DisputeState.ANSWERED: "Answered",
    DisputeState.ESCALATED: "Escalated",
    DisputeState.UPHELD: "Statement upheld",
    DisputeState.AMENDED: "Amended",
}
REASONS = {
    ReasonCode.BASELINE_INPUT: "An input of the baseline is wrong",
    ReasonCode.EVENT_DAY_MISSING: "An event day is missing",
    ReasonCode.METER_GAP: "The meter has a gap",
    ReasonCode.CLOCK: "A clock was wrong",
    ReasonCode.INSTRUCTION_NOT_RECEIVED: "The instruction was not received",
    ReasonCode.PRIMACY_OVERRIDE: "Another instruction had primacy",
    ReasonCode.STACKING_EXCLUSION: "Another service excludes this one",
    ReasonCode.PRICE_RUN: "The price is of another run",
    ReasonCode.SIGN: "A sign is wrong",
    ReasonCode.ROUNDING: "The rounding is wrong",
    ReasonCode.OTHER: "Another reason",
}
STEPS = {"OPEN": "Opened", "RESPOND": "Answered", "UPHOLD": "Upheld", "AMEND": "Amended", "ESCALATE": "Escalated"}


@dataclass(frozen=True, slots=True)
class DisputeFilters:
    """What the address asks for. `state` UNDECIDED is every state that waits for a step."""

    state: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One line of the list; `stated` and `claimed` are in `unit`, pence or Wh."""

    id: str
    short_id: str
    order: str
    statement: str
    run: str
    version: int
    site_name: str
    state: str
    state_name: str
    overdue: bool
    due_at: datetime | None
    opened_by: str
    side: str
    reason: str
    reason_name: str
    periods: tuple[tuple[date, int], ...]
    unit: str
    stated: int
    claimed: int
    difference_pence: int
    opened_at: datetime
    response_due_at: datetime
    decision_due_at: datetime | None
    closed_at: datetime | None
    amended_by: str


@dataclass(frozen=True, slots=True)
class DisputeEntryRow:
    """One step with who took it, in which words and on which evidence."""

    step: str
    step_name: str
    side: str
    organisation: str
    words: str
    evidence_reference: str
    evidence_sha256: str
    agrees: bool | None
    at: datetime
    facts: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class DisputePage:
    """One dispute in full, with the steps that the organisation asking can take now."""

    row: DisputeRow
    entries: tuple[DisputeEntryRow, ...]
    side: str
    steps: tuple[str, ...]
    delta_pence: int | None


def filtered_disputes(disputes: QuerySet[Dispute], filters: DisputeFilters) -> QuerySet[Dispute]:
    """Exactly the disputes the filters name, newest first."""
    if filters.state == "UNDECIDED":
        disputes = disputes.filter(state__in=UNDECIDED)
    elif filters.state:
        disputes = disputes.filter(state=filters.state)
    if filters.reason:
        disputes = disputes.filter(reason=filters.reason)
    return whole(disputes).order_by("-opened_at", "pk")


def whole(disputes: QuerySet[Dispute]) -> QuerySet[Dispute]:
    """Disputes with all that a row names."""
    return disputes.select_related("statement__order__offer__site", "opened_by").prefetch_related("lines")


def dispute_list(disputes: QuerySet[Dispute], filters: DisputeFilters, number: int, now: datetime) -> Page[DisputeRow]:
    """Page `number` of the list."""
    return page_of(filtered_disputes(disputes, filters), number, lambda row: dispute_row(row, now))


def dispute_row(dispute: Dispute, now: datetime) -> DisputeRow:
    """The row of a dispute."""
    statement = dispute.statement
    state = DisputeState(dispute.state)
    due = {DisputeState.OPEN: dispute.response_due_at, DisputeState.ANSWERED: dispute.decision_due_at}
    lines = sorted(dispute.lines.all(), key=lambda line: line.start_at)
    return DisputeRow(
        id=str(dispute.pk),
        short_id=str(dispute.pk)[:8],
        order=str(statement.order_id),
        statement=str(statement.pk),
        run=statement.run,
        version=statement.version,
        site_name=statement.order.offer.site.name,
        state=state.value,
        state_name=STATES[state],
        overdue=is_overdue(standing_of(dispute, other_is_here=True), now=now),
        due_at=due.get(state),
        opened_by=opener_of(dispute),
        side=dispute.side,
        reason=dispute.reason,
        reason_name=REASONS[ReasonCode(dispute.reason)],
        periods=tuple((line.settlement_date, line.settlement_period) for line in lines),
        unit=dispute.unit,
        stated=dispute.stated_value,
        claimed=dispute.claimed_value,
        difference_pence=dispute.difference_pence,
        opened_at=dispute.opened_at,
        response_due_at=dispute.response_due_at,
        decision_due_at=dispute.decision_due_at,
        closed_at=dispute.closed_at,
        amended_by=str(dispute.amended_by_id or ""),
    )


def standing_of(dispute: Dispute, *, other_is_here: bool) -> Standing:
    """What the rules want to know of it."""
    return Standing(
        DisputeState(dispute.state),
        Side(dispute.side),
        other_is_here,
        dispute.answer_agrees,
        dispute.response_due_at,
        dispute.decision_due_at,
    )


def dispute_page(dispute: Dispute, organisation: Organisation | None, now: datetime) -> DisputePage:
    """One dispute as `organisation` sees it: a party with its next steps, or anybody else without."""
    order = dispute.statement.order
    side = side_of(order, organisation)
    steps = steps_for(standing_of(dispute, other_is_here=other_is_here(dispute)), side, now=now)
    amended = dispute.amended_by
    return DisputePage(
        row=dispute_row(dispute, now),
        entries=tuple(
            entry_row(row, order.buyer_subscriber_id)
            for row in dispute.entries.select_related("organisation").order_by("pk")
        ),
        side=side.value if side else "",
        steps=tuple(step.value for step in steps),
        delta_pence=amended.amount_pence - dispute.statement.amount_pence if amended else None,
    )


def entry_row(entry: Any, buyer_elsewhere: str) -> DisputeEntryRow:
    """One step; whoever has no organisation here is the buyer elsewhere."""
    return DisputeEntryRow(
        step=entry.step,
        step_name=STEPS[entry.step],
        side=entry.side,
        organisation=entry.organisation.name if entry.organisation else buyer_elsewhere,
        words=entry.words,
        evidence_reference=entry.evidence_reference,
        evidence_sha256=entry.evidence_sha256,
        agrees=entry.agrees,
        at=entry.at,
        facts=tuple(entry.facts.items()),
    )


def money_in_dispute(disputes: QuerySet[Dispute]) -> int:
    """Pence in dispute: the claimed differences that nobody has decided, each without its sign, so that none hides another."""
    undecided = disputes.filter(state__in=UNDECIDED)
    return int(undecided.aggregate(total=Sum(Abs("difference_pence")))["total"] or 0)


def in_dispute(path: str, outer: str = "pk") -> Coalesce:
    """The same sum as a column of other rows: `path` leads from a dispute to their `outer`."""
    undecided = Dispute.objects.filter(**{path: OuterRef(outer)}, state__in=UNDECIDED).order_by().values(path)
    claimed = undecided.annotate(total=Sum(Abs("difference_pence"))).values("total")
    return Coalesce(Subquery(claimed, output_field=IntegerField()), 0)


def same_chain(path: str = "") -> Q:
    """Rows along `path` to a statement that belong to the chain of the outer statement: of its dispatch, or of its order."""
    own = Q(**{f"{path}activation": OuterRef("activation")})
    return own | Q(**{f"{path}activation__isnull": True, f"{path}order": OuterRef("order")})


def in_dispute_of_chain() -> Coalesce:
    """The same sum as a column of statements, over every statement of the chain of each."""
    undecided = Dispute.objects.filter(same_chain("statement__"), state__in=UNDECIDED)
    claimed = undecided.order_by().values("statement__order").annotate(total=Sum(Abs("difference_pence")))
    return Coalesce(Subquery(claimed.values("total"), output_field=IntegerField()), 0)


def dispute_export(disputes: QuerySet[Dispute], now: datetime) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these disputes."""
    for dispute in disputes.iterator(chunk_size=500):
        row = dispute_row(dispute, now)
        yield [
            row.id,
            row.order,
            row.statement,
            row.run,
            row.version,
            row.state,
            "yes" if row.overdue else "no",
            row.opened_by,
            row.side,
            row.reason,
            " ".join(f"{day}/{period}" for day, period in row.periods) or "all",
            row.unit,
            row.stated,
            row.claimed,
            row.difference_pence,
            *(
                utc_text(at) if at else ""
                for at in (row.opened_at, row.response_due_at, row.decision_due_at, row.closed_at)
            ),
            row.amended_by,
        ]


__all__ = [
    "DisputeFilters",
    "DisputePage",
    "DisputeRow",
    "DisputeStep",
    "dispute_list",
    "dispute_page",
    "filtered_disputes",
]
