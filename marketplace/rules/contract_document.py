"""The contract document of an order: the headings of the ENA Standard Flexibility Services Agreement, filled from its terms.

A skeleton, and it says so: what the market does not hold stays open for the parties. Pure: the same terms make the same
document, and nothing of the moment it is made in enters it. Texts, whole numbers and lists alone, so that its bytes can be
canonical. Source of the headings: the ENA agreement, versions 1 to 3, as read second hand; no wording of it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from flex_engine.settle.performance import PerformanceTable
from flex_engine.settle.products import Product

TEMPLATE = "ena-fsa-skeleton-v1"
LABEL = "Skeleton, not legal advice"
NOTICE = (
    "A skeleton under the headings of the ENA Standard Flexibility Services Agreement, filled from an order. It is neither "
    "the agreement's text nor legal advice; what is marked open is for the parties to agree."
)
OPEN = "Open: for the parties to agree."
DISPATCH = {
    "NONE": "No instruction: an agreed profile, without a signal.",
    "SCHEDULE": "No instruction: the schedule of service requirements is the instruction.",
    "INSTRUCTION": "By an instruction over the network, answered before it must be.",
}
PENALTY = {
    "NONE": "No penalty beside the performance table.",
    "LOST_AVAILABILITY": "The availability fee of a window whose instruction was missed is taken back.",
    "DEFICIENCY_PRICE": "Energy instructed and not delivered bears the shortfall price.",
    "IMBALANCE": "The difference of delivered and sold energy is settled at the system price, with the market and not the buyer.",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order agrees. Prices are Decimal GBP per kWh, and per MW and hour; `required` is kW by half hour."""

    order: str
    buyer: str
    seller: str
    operator: str
    site: str
    metering_point: str
    zone: str
    direction: str
    product: Product
    utilisation_table: PerformanceTable
    availability_table: PerformanceTable | None
    required: Mapping[datetime, Decimal]
    utilisation_gbp_per_kwh: Decimal
    availability_gbp_per_mw_h: Decimal
    shortfall_gbp_per_kwh: Decimal
    quote_pence: int
    baseline_method: str
    notice_s: int
    gate_closure_at: datetime
    max_events_per_day: int
    free_cancellation_until: datetime | None
    cancellation_fee_pence: int
    policy_url: str
    terms_sha256: str


def contract_document(terms: Terms) -> dict[str, Any]:
    """The document as plain data: {template, label, notice, order, sections: [{heading, clauses: [{name, text}]}]}."""
    return {
        "template": TEMPLATE,
        "label": LABEL,
        "notice": NOTICE,
        "order": terms.order,
        "terms_sha256": terms.terms_sha256,
        "sections": [
            {"number": number, "heading": heading, "clauses": [clause(name, text) for name, text in made]}
            for number, (heading, made) in enumerate(sections(terms), 1)
        ],
    }


def clause(name: str, text: str) -> dict[str, Any]:
    """One clause; `open` where nothing is agreed yet."""
    return {"name": name, "text": text, "open": text == OPEN}


def sections(terms: Terms) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(heading, clauses) in the agreement's order."""
    yield "Parties", parties(terms)
    yield "Services", services(terms)
    yield "Service windows", windows(terms)
    yield "Service requirements schedule", [(instant(start), f"{plain(kw)} kW") for start, kw in required(terms)]
    yield "Availability and utilisation fees", fees(terms)
    yield "Technical requirements", technical(terms)
    yield "Metering and data", metering(terms)
    yield "Baseline", [("Method", terms.baseline_method), ("Adjustment", "As the method's row says, by day.")]
    yield "Performance", performance(terms)
    yield "Payment", payment(terms)
    yield "Stacking", [("Other services", "As the dated stacking matrix allows; each is held in the stacking ledger.")]
    yield "Conditions before the first service", [("Conditions", OPEN)]
    yield "Liability", [("Limits", OPEN), ("Insurance", OPEN)]
    yield "Term and termination", termination(terms)
    yield "Data protection", protection()
    yield "Disputes", [("Procedure", "Opened on a statement's lines, answered and decided in the market; then open."),
                       ("Governing law", OPEN)]  # fmt: skip
    yield "Signatures", [("Buyer", OPEN), ("Seller", OPEN)]


def parties(terms: Terms) -> list[tuple[str, str]]:
    """Who agrees with whom."""
    return [
        ("Company (buyer)", terms.buyer),
        ("Provider (seller) on the network", terms.seller),
        ("Operator of the site", terms.operator),
        ("Registered names and addresses", OPEN),
    ]


def services(terms: Terms) -> list[tuple[str, str]]:
    """What is bought."""
    return [
        ("Product", f"{terms.product.name} ({terms.product.key})"),
        ("Regulatory basis", terms.product.regulatory_basis),
        ("Direction", {"REDUCE": "Demand turned down", "INCREASE": "Demand turned up"}[terms.direction]),
        ("Site", terms.site),
        ("Zone", terms.zone or OPEN),
    ]


def required(terms: Terms) -> Sequence[tuple[datetime, Decimal]]:
    """The half hours and their power, by time."""
    return sorted(terms.required.items())


def windows(terms: Terms) -> list[tuple[str, str]]:
    """When it is delivered; each stretch of consecutive half hours is a window."""
    starts = [start for start, _ in required(terms)]
    seconds = [start.timestamp() for start in starts]
    breaks = [0, *(i for i in range(1, len(starts)) if seconds[i] - seconds[i - 1] != 1800), len(starts)]
    found = [(starts[a], b - a) for a, b in pairwise(breaks)]
    said = [(f"Window {n}", f"{instant(start)}, {count} half hours") for n, (start, count) in enumerate(found, 1)]
    return [*said, ("Gate closure", instant(terms.gate_closure_at))]


def fees(terms: Terms) -> list[tuple[str, str]]:
    """Prices and the quote."""
    availability = "Not paid: the product pays utilisation only."
    if terms.product.pays_availability:
        availability = f"{plain(terms.availability_gbp_per_mw_h)} GBP per MW and hour held ready"
    return [
        ("Availability fee", availability),
        ("Utilisation fee", f"{plain(terms.utilisation_gbp_per_kwh)} GBP per eligible kWh"),
        ("Shortfall price", f"{plain(terms.shortfall_gbp_per_kwh)} GBP per kWh instructed and not delivered"),
        ("Sum for full delivery, net of VAT", f"{terms.quote_pence} p"),
    ]


def technical(terms: Terms) -> list[tuple[str, str]]:
    """How it is called and how fast it comes."""
    found = terms.product
    return [
        ("Instruction", DISPATCH[found.dispatch]),
        ("Notice", f"{terms.notice_s} s"),
        ("Ramp", f"{found.ramp_s} s"),
        ("Dispatches a day", f"{terms.max_events_per_day} at most"),
        ("Smallest power", f"{plain(found.minimum_kw)} kW"),
        ("Communication failure", "What was agreed before stands; a lost link is no instruction."),
    ]


def metering(terms: Terms) -> list[tuple[str, str]]:
    """What measures it."""
    return [
        ("Metering point", terms.metering_point or OPEN),
        ("Granularity", "Settlement periods of half an hour, energy in whole Wh."),
        ("Missing readings", "Asked for, and never taken as zero."),
        ("Deadline for readings", OPEN),
    ]


def performance(terms: Terms) -> list[tuple[str, str]]:
    """How delivery scales what is paid."""
    lines = [
        ("Utilisation table", table_in_words(terms.utilisation_table)),
        ("Paid for at most", f"{terms.product.cap_percent} % of what was instructed"),
        ("Penalty", PENALTY[terms.product.penalty_rule]),
    ]
    if terms.availability_table is not None:
        lines.insert(1, ("Availability table", table_in_words(terms.availability_table)))
    return lines


def table_in_words(table: PerformanceTable) -> str:
    """The points of a table, with how well they are known."""
    points = "; ".join(f"{plain(x * 100)} % delivered pays {plain(y * 100)} %" for x, y in table.points)
    return f"{table.id} ({table.evidence}): {points}; straight lines between"


def payment(terms: Terms) -> list[tuple[str, str]]:
    """How money moves."""
    return [
        ("Currency", "GBP, whole pence, each line rounded once, half to even."),
        ("Settlement policy", terms.policy_url),
        (
            "Statements",
            "By settlement run and version; a correction is a new statement, and money moves by the difference.",
        ),
        ("VAT", "Apart from the net amount."),
        ("Payment days", OPEN),
    ]


def termination(terms: Terms) -> list[tuple[str, str]]:
    """When it ends."""
    last = "until the gate closes" if not terms.product.needs_instruction else "before it is dispatched"
    costs = "Free"
    if terms.cancellation_fee_pence and terms.free_cancellation_until is not None:
        costs = f"Free until {instant(terms.free_cancellation_until)}, then {terms.cancellation_fee_pence} p"
    return [
        ("Term", "To the last settlement run of its last window."),
        ("Cancellation by the buyer", f"{costs}, {last}; the power goes back on sale while the gate is open."),
        ("Termination for repeated failure", OPEN),
    ]


def protection() -> list[tuple[str, str]]:
    """What is shown to whom."""
    return [
        ("Half-hourly data", "Shown to the parties and their auditor alone."),
        ("Public log", "Holds hashes; no reading, price or name."),
        ("Processing of personal data", OPEN),
    ]


def instant(moment: datetime) -> str:
    """A time in UTC to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def plain(value: Decimal) -> str:
    """A number without an exponent or trailing zeros: one spelling for one value.

    >>> plain(Decimal("0.2500")), plain(Decimal("100")), plain(Decimal("0.000"))
    ('0.25', '100', '0')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def changes(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(where, what it said, what it says) of every clause that differs, in the later document's order, gone ones last."""
    before, after = clauses_of(earlier), clauses_of(later)
    places = [*after, *(place for place in before if place not in after)]
    return [
        (place, before.get(place, ""), after.get(place, ""))
        for place in places
        if before.get(place, "") != after.get(place, "")
    ]


def clauses_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Every clause by section heading and name."""
    return {
        f"{section['heading']}: {one['name']}": one["text"]
        for section in document["sections"]
        for one in section["clauses"]
    }
