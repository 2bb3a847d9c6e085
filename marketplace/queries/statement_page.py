"""One settlement statement in full, for its page and its exports: lines, components, what changed, disputes and proof.

Every figure is the stored one; nothing is worked out again here but differences to the statement before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from flex_engine.quantities import exact
from flex_engine.settle.dispute_clock import dispute_until
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.products import product
from flex_engine.settle.settlement_calendar import RunDate, run_date
from marketplace.ledger.log import statement_entry
from marketplace.models import (
    Dispute,
    Organisation,
    SettlementStatement,
    calendar_source,
    published_dates,
    settlement_day,
    side_of,
)
from marketplace.queries.dispatches import Anchoring, anchoring_of
from marketplace.queries.disputes import DisputeRow, dispute_row, whole
from marketplace.queries.naming import named, written
from marketplace.queries.statement_lines import LineRow, line_rows
from marketplace.queries.statements import ALL, StatementFilters, StatementRow, filtered_statements, statement_row
from marketplace.rules.dispute import UNDECIDED


@dataclass(frozen=True, slots=True)
class Change:
    """One figure that differs from the superseded statement, in `unit` (Wh or pence); `place` is its settlement period."""

    name: str
    unit: str
    before: int
    after: int
    place: str = ""

    @property
    def difference(self) -> int:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One component of the amount, in whole pence, and what rounding it left over in GBP.

    `basis` is what it was worked out from where that is no settlement period.
    """

    type: str
    description: str
    pence: int
    residual_gbp: str
    basis: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Carried:
    """What rounding had left over on an account, BUYER or MARKET, before the statement, and leaves over after it; exact GBP."""

    account: str
    before_gbp: str
    after_gbp: str

    @property
    def is_something(self) -> bool:
        """Whether anything was left over before or is now."""
        return (self.before_gbp, self.after_gbp) != ("0", "0")


@dataclass(frozen=True, slots=True)
class Vat:
    """VAT on what the buyer pays, in pence; `absent` says why there is none, and the figures are then None."""

    net_pence: int | None
    rate: str
    vat_pence: int | None
    gross_pence: int | None
    absent: str


@dataclass(frozen=True, slots=True)
class Carbon:
    """The carbon of the delivery, in kg CO2e and g/kWh as text, with its provenance; or why there is no figure."""

    kg: str
    g_per_kwh: str
    source: str
    label: str
    basis: str
    absent: str


@dataclass(frozen=True, slots=True)
class CompensationRow:
    """What the supplier is compensated for one settlement day, in pence by who is credited; or why it is not known."""

    day: str
    basis: str
    volume_mwh: str
    kind: str
    scrp_gbp_per_mwh: str
    source: str
    price_run: str
    known_at: datetime | None
    supplier_pence: int | None
    pot_pence: int | None
    seller_pence: int | None
    absent: str


@dataclass(frozen=True, slots=True)
class StatementPage:
    """One statement in full. `can_dispute` says whether the organisation asking may open a dispute now."""

    row: StatementRow
    sequence: int
    supersedes: str
    superseded_by: str
    buyer: str
    instruction_id: str
    mechanism: str
    terms: tuple[tuple[str, str], ...]
    product: str
    product_name: str
    regulatory_basis: str
    terms_digest: str
    baseline_method: str
    baseline_facts: tuple[tuple[str, str], ...]
    lines: tuple[LineRow, ...]
    components: tuple[ComponentRow, ...]
    residual_gbp: str
    rounding: tuple[Carried, ...]
    compensation: tuple[CompensationRow, ...]
    vat: Vat
    carbon: Carbon
    changes: tuple[Change, ...]
    disputes: tuple[DisputeRow, ...]
    run_due: RunDate | None
    run_due_source: str
    dispute_until: datetime
    can_dispute: bool
    anchoring: Anchoring
    entry: int | None

    @property
    def direct_pence(self) -> int:
        """What the seller pays the supplier directly, beside the amount: below zero under P444, else nothing."""
        return sum(line.seller_pence or 0 for line in self.compensation)

    @property
    def seller_cash_pence(self) -> int:
        """The amount less what the seller pays the supplier."""
        return self.row.amount_pence + self.direct_pence

    @property
    def traded(self) -> tuple[LineRow, ...]:
        """The settlement periods of a wholesale trade, whose imbalance was settled at the system price."""
        return tuple(line for line in self.lines if line.imbalance)


def statement_page(statement: SettlementStatement, organisation: Organisation | None, now: datetime) -> StatementPage:
    """One statement as `organisation` sees it."""
    found = filtered_statements(
        SettlementStatement.objects.filter(pk=statement.pk).select_related(
            "activation", "record__anchor", "supersedes"
        ),
        StatementFilters(state=ALL),
    ).get()
    order, called = found.order, found.activation
    row, until = statement_row(found), dispute_until(found.created_at)
    lines, entry = tuple(line_rows(found)), statement_entry(found)
    due, source = run_due(found)
    disputes = whole(Dispute.objects.filter(disputed(found))).order_by("-opened_at", "pk")
    return StatementPage(
        row=row,
        sequence=found.sequence,
        supersedes=str(found.supersedes_id or ""),
        superseded_by=str(found.superseded_by.pk) if row.superseded else "",
        buyer=order.buyer_subscriber_id,
        instruction_id=called.instruction_id if called else "",
        mechanism=called.mechanism if called else "",
        terms=tuple((named(key), written(value)) for key, value in found.terms.items()),
        product=str(found.terms.get("product", "")),
        product_name=product_name(found),
        regulatory_basis=str(found.terms.get("regulatory_basis", "")),
        terms_digest=order.terms_digest,
        baseline_method=found.baseline_method,
        baseline_facts=tuple((named(str(key)), written(value)) for key, value in found.baseline_facts.items()),
        lines=lines,
        components=tuple(components_of(found)),
        residual_gbp=residual(found),
        rounding=tuple(Carried(one["account"], one["before_gbp"], one["after_gbp"]) for one in found.rounding),
        compensation=tuple(compensation_row(line) for line in found.compensation),
        vat=vat_of(found.vat),
        carbon=carbon_of(found.carbon),
        changes=changes(found, lines),
        disputes=tuple(dispute_row(one, now) for one in disputes),
        run_due=due,
        run_due_source=source,
        dispute_until=until,
        can_dispute=not row.superseded and now < until and side_of(order, organisation) is not None,
        anchoring=anchoring_of(found),
        entry=entry.seq if entry else None,
    )


def product_name(statement: SettlementStatement) -> str:
    """The product's name on the day that was settled; its key where no row is in force any more, empty where none is recorded."""
    key = str(statement.terms.get("product", ""))
    try:
        return product(key, settlement_day(statement.end_at)).name if key else ""
    except NothingInForceError:
        return key


def run_due(statement: SettlementStatement) -> tuple[RunDate | None, str]:
    """When the run was due by what was known when the statement was made, and where that is from.

    A cancellation fee is no run of the calendar; a day without an offset has no date.
    """
    if statement.reason == SettlementStatement.Reason.CANCELLED:
        return None, ""
    day, run, known_at = settlement_day(statement.end_at), statement.run, statement.created_at
    try:
        due = run_date(day, run, published=published_dates(day, known_at=known_at))
    except NothingInForceError:
        return None, ""
    return due, calendar_source(day, run, known_at=known_at) if due.basis == "PUBLISHED" else due.source


def disputed(statement: SettlementStatement) -> Q:
    """Disputes over the statement; beside the one that stands also those over earlier ones that nobody has decided."""
    own = Q(statement=statement)
    if hasattr(statement, "superseded_by"):
        return own
    chain = {"statement__order": statement.order_id, "statement__activation": statement.activation_id}
    return own | Q(**chain, state__in=UNDECIDED)


def components_of(statement: SettlementStatement) -> Iterator[ComponentRow]:
    """The stored components; a statement from before they were kept has its payment and its penalty."""
    if not statement.components:
        yield ComponentRow("USAGE", "Payment", statement.payment_pence, "", {})
        yield ComponentRow("PENALTY", "Penalty", -statement.penalty_pence, "", {})
    for part in statement.components:
        facts = part.get("basis", {})
        yield ComponentRow(part["type"], part["description"], part["pence"], part["residual_gbp"], facts)


def vat_of(stored: Mapping[str, Any]) -> Vat:
    """VAT as it was stored."""
    known = {name: stored.get(name) for name in ("net_pence", "vat_pence", "gross_pence")}
    return Vat(**known, rate=stored.get("rate", ""), absent="" if "vat_pence" in stored else why(stored))


def carbon_of(stored: Mapping[str, Any]) -> Carbon:
    """Carbon as it was stored."""
    known = {name: stored.get(name, "") for name in ("kg", "g_per_kwh", "source", "label", "basis")}
    return Carbon(**known, absent="" if "kg" in stored else why(stored))


def compensation_row(stored: Mapping[str, Any]) -> CompensationRow:
    """One line as it was stored."""
    names = ("day", "basis", "volume_mwh", "kind", "scrp_gbp_per_mwh", "source", "price_run")
    text = {name: stored.get(name, "") for name in names}
    known_at = stored.get("known_at")
    return CompensationRow(
        **text,
        known_at=datetime.fromisoformat(known_at) if known_at else None,
        supplier_pence=stored.get("supplier_pence"),
        pot_pence=stored.get("pot_pence"),
        seller_pence=stored.get("seller_pence"),
        absent="" if "kind" in stored else why(stored),
    )


def why(stored: Mapping[str, Any]) -> str:
    """Why a figure is missing, in the words it was stored with."""
    return str(stored.get("absent", "It was not recorded with this statement."))


def residual(statement: SettlementStatement) -> str:
    """What rounding left over, in exact GBP, over all components; empty where it was not kept."""
    if not statement.components:
        return ""
    with exact():
        return f"{sum((Decimal(part['residual_gbp']) for part in statement.components), Decimal(0)).normalize():f}"


FIGURES = (
    ("Delivered", "Wh", "delivered_wh"),
    ("Eligible", "Wh", "eligible_wh"),
    ("Shortfall", "Wh", "shortfall_wh"),
    ("Payment", "pence", "payment_pence"),
    ("Penalty", "pence", "penalty_pence"),
    ("Amount", "pence", "amount_pence"),
)
LINE_FIGURES = (
    ("Metered", "metered_wh"),
    ("Baseline", "baseline_wh"),
    ("Delivered", "delivered_wh"),
    ("Eligible", "eligible_wh"),
)


def changes(statement: SettlementStatement, lines: tuple[LineRow, ...]) -> tuple[Change, ...]:
    """Every figure of the whole beside that of the superseded statement, then those of half hours that differ."""
    before = statement.supersedes
    if before is None:
        return ()
    found = [Change(name, unit, getattr(before, field), getattr(statement, field)) for name, unit, field in FIGURES]
    found.append(Change("VAT", "pence", before.vat.get("vat_pence", 0), statement.vat.get("vat_pence", 0)))
    old = {line.start: line for line in line_rows(before)}
    for line in lines:
        for name, field in LINE_FIGURES:
            was, now = getattr(old[line.start], field), getattr(line, field)
            if was != now:
                found.append(Change(name, "Wh", was, now, f"{line.day} SP {line.period}"))
    return tuple(found)
