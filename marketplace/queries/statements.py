"""Settlement statements as people look them up: the list with its filters and its control totals.

The totals are those of exactly the statements listed, over all pages. Every figure is the stored one; nothing is worked out
again here but sums.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, QuerySet, When

from marketplace.models import Dispute, SettlementStatement
from marketplace.queries.disputes import in_dispute_of_chain, same_chain
from marketplace.queries.exports import utc_text
from marketplace.queries.pages import Page, page_of
from marketplace.rules.dispute import UNDECIDED

RUNS = ("II", "SF", "R1", "R2", "R3", "RF", "DF")
STANDING, SUPERSEDED, ALL = "STANDING", "SUPERSEDED", "ALL"
STATES = {STANDING: "Standing", SUPERSEDED: "Superseded", ALL: "All versions"}
HEADER = (
    "statement",
    "order",
    "site",
    "run",
    "version",
    "state",
    "reason",
    "start_utc",
    "end_utc_exclusive",
    "delivered_wh",
    "eligible_wh",
    "shortfall_wh",
    "payment_pence",
    "penalty_pence",
    "amount_pence",
    "delta_pence",
    "vat_pence",
    "in_dispute_pence",
    "label",
    "issued_utc",
    "knowledge_utc",
)


@dataclass(frozen=True, slots=True)
class StatementFilters:
    """What the address asks for. `order` is an order's id or its first characters; `disputed` yes keeps those in dispute."""

    run: str = ""
    order: str = ""
    state: str = STANDING
    disputed: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over statements; energy in Wh, money in pence. `in_dispute_pence` is kept apart from the amount.

    `vat_unknown` counts the statements whose VAT is not known and not in `vat_pence`.
    """

    count: int = 0
    delivered_wh: int = 0
    eligible_wh: int = 0
    shortfall_wh: int = 0
    payment_pence: int = 0
    penalty_pence: int = 0
    amount_pence: int = 0
    vat_pence: int = 0
    vat_unknown: int = 0
    in_dispute_pence: int = 0


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One line of the list. `vat_pence` is None where no rate is known for the day."""

    id: str
    short_id: str
    order: str
    site_name: str
    site_slug: str
    run: str
    version: int
    superseded: bool
    reason: str
    reason_name: str
    start: datetime
    end: datetime
    delivered_wh: int
    eligible_wh: int
    shortfall_wh: int
    payment_pence: int
    penalty_pence: int
    amount_pence: int
    delta_pence: int | None
    vat_pence: int | None
    in_dispute_pence: int
    label: str
    created_at: datetime
    knowledge_time: datetime
    called: bool

    @property
    def state(self) -> str:
        """STANDING or SUPERSEDED."""
        return SUPERSEDED if self.superseded else STANDING


@dataclass(frozen=True, slots=True)
class StatementList:
    """A page of statements and the totals of all pages, in all and by run."""

    page: Page[StatementRow]
    totals: Totals
    by_run: tuple[tuple[str, Totals], ...]


def filtered_statements(
    statements: QuerySet[SettlementStatement], filters: StatementFilters
) -> QuerySet[SettlementStatement]:
    """Exactly the statements the filters name, newest first, each with the money in dispute.

    A claim stays in dispute when a later run supersedes the statement it was made against, so that the money stands beside
    the statement that stands now, and a superseded one has none: no claim is lost, and none counts twice.
    """
    if filters.run:
        statements = statements.filter(run=filters.run)
    if filters.order:
        statements = statements.filter(order__in=[one] if (one := as_uuid(filters.order)) else [])
    if filters.state != ALL:
        statements = statements.filter(superseded_by__isnull=filters.state != SUPERSEDED)
    claimed = in_dispute_of_chain()
    found = statements.annotate(in_dispute=Case(When(superseded_by__isnull=True, then=claimed), default=0))
    if filters.disputed == "yes":
        undecided = Dispute.objects.filter(same_chain("statement__"), state__in=UNDECIDED)
        found = found.filter(Exists(undecided), superseded_by__isnull=True)
    return found.select_related("order__offer__site", "superseded_by").order_by("-created_at", "pk")


def as_uuid(text: str) -> uuid.UUID | None:
    """The id of an order; None for a text that is none, which fits no order."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def statement_list(statements: QuerySet[SettlementStatement], filters: StatementFilters, number: int) -> StatementList:
    """Page `number` of the list with the totals of all its pages."""
    found = filtered_statements(statements, filters)
    by_run = totals_by_run(found)
    return StatementList(page_of(found, number, statement_row), added(by_run.values()), tuple(by_run.items()))


def totals_by_run(statements: QuerySet[SettlementStatement]) -> dict[str, Totals]:
    """Sums by run, in the order of the runs. VAT is kept by statement, each rounded once, so it is summed here."""
    names = ("delivered_wh", "eligible_wh", "shortfall_wh", "payment_pence", "penalty_pence", "amount_pence")
    found: dict[str, Totals] = {}
    for row in statements.values("run", "vat", "in_dispute", *names).iterator():
        figures = {name: row[name] for name in names}
        vat, run = row["vat"].get("vat_pence"), row["run"]
        unknown = int(vat is None)
        one = Totals(1, **figures, vat_pence=vat or 0, vat_unknown=unknown, in_dispute_pence=row["in_dispute"])
        found[run] = added([found.get(run, Totals()), one])
    return {run: found[run] for run in RUNS if run in found}


def added(totals: Iterable[Totals]) -> Totals:
    """The sum of totals, figure by figure."""
    parts = list(totals)
    return Totals(*(sum(getattr(part, name) for part in parts) for name in Totals.__slots__))


def statement_row(statement: Any) -> StatementRow:
    """The row of a statement annotated by filtered_statements."""
    site = statement.order.offer.site
    return StatementRow(
        id=str(statement.pk),
        short_id=str(statement.pk)[:8],
        order=str(statement.order_id),
        site_name=site.name,
        site_slug=site.slug,
        run=statement.run,
        version=statement.version,
        superseded=hasattr(statement, "superseded_by"),
        reason=statement.reason,
        reason_name=statement.get_reason_display(),
        start=statement.start_at,
        end=statement.end_at,
        delivered_wh=statement.delivered_wh,
        eligible_wh=statement.eligible_wh,
        shortfall_wh=statement.shortfall_wh,
        payment_pence=statement.payment_pence,
        penalty_pence=statement.penalty_pence,
        amount_pence=statement.amount_pence,
        delta_pence=statement.delta_pence,
        vat_pence=statement.vat.get("vat_pence"),
        in_dispute_pence=statement.in_dispute,
        label=statement.label,
        created_at=statement.created_at,
        knowledge_time=statement.knowledge_time,
        called=statement.activation_id is not None,
    )


def statement_export(statements: QuerySet[SettlementStatement]) -> Iterator[list[object]]:
    """The rows under HEADER of exactly these statements."""
    for statement in statements.iterator(chunk_size=500):
        row = statement_row(statement)
        yield [
            row.id,
            row.order,
            row.site_slug,
            row.run,
            row.version,
            row.state,
            row.reason,
            utc_text(row.start),
            utc_text(row.end),
            row.delivered_wh,
            row.eligible_wh,
            row.shortfall_wh,
            row.payment_pence,
            row.penalty_pence,
            row.amount_pence,
            "" if row.delta_pence is None else row.delta_pence,
            "" if row.vat_pence is None else row.vat_pence,
            row.in_dispute_pence,
            row.label,
            utc_text(row.created_at),
            utc_text(row.knowledge_time),
        ]
