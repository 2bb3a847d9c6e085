"""One statement as a PDF to file or send: the figures of its page, and the same bytes for the same statement.

Only this room knows reportlab. Its standard fonts write Western European letters; the minus sign is a hyphen there.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from flex_engine.timegrid import LONDON
from marketplace.queries.exports import utc_text
from marketplace.queries.sentences import money as pounds
from marketplace.queries.statement_page import Change, CompensationRow, StatementPage

Cells = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table under it: the first row is its head when `headed`; `note` stands where there is no row."""

    title: str
    rows: Cells
    headed: bool = True
    note: str = ""


def statement_pdf(page: StatementPage) -> bytes:
    """The document. It carries no time of its own making, so equal figures give equal bytes."""
    from reportlab.lib.pagesizes import A4, landscape  # 0.7 s that no other page needs
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    row, styles, buffer = page.row, getSampleStyleSheet(), io.BytesIO()
    title = f"Settlement statement {row.run} version {row.version}"
    document = SimpleDocTemplate(
        buffer,
        pagesize=landscape(A4),
        leftMargin=36,
        rightMargin=36,
        topMargin=36,
        bottomMargin=36,
        title=title,
        author=plain(page.row.site_name),
        subject=row.id,
        lang="en-GB",
        invariant=1,
        pageCompression=0,
    )
    story: list[Any] = [Paragraph(escape(title), styles["Title"])]
    if row.superseded:
        story.append(Paragraph(escape(f"Superseded by statement {page.superseded_by}."), styles["Normal"]))
    for section in sections(page):
        story += [Spacer(1, 8), Paragraph(escape(section.title), styles["Heading3"])]
        story.append(table_of(section) if section.rows else Paragraph(escape(plain(section.note)), styles["Normal"]))
    document.build(story)
    return buffer.getvalue()


def table_of(section: Section) -> Any:
    """The table of a section; a head is repeated on every page."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import LongTable, TableStyle

    table = LongTable(
        [[wrapped(plain(cell)) for cell in row] for row in section.rows],
        repeatRows=1 if section.headed else 0,
        hAlign="LEFT",
    )
    style: list[Any] = [
        ("FONTSIZE", (0, 0), (-1, -1), 8),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, HexColor("#b8bec4")),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    if section.headed:
        style += [("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"), ("ALIGN", (1, 0), (-1, -1), "RIGHT")]
    table.setStyle(TableStyle(style))
    return table


def sections(page: StatementPage) -> Iterable[Section]:
    """What the document says, in order; the tests read it from here as well as from the page."""
    yield Section("Statement", facts(page), headed=False)
    yield Section("Figures", figures(page))
    yield Section("Settlement periods, energy in kWh", lines(page), note="None: nothing was called.")
    if page.traded:
        yield Section("Imbalance at the system price", imbalances(page))
    yield Section("Components of the amount", components(page))
    yield Section("Supplier compensation", compensation(page), note="None under this product.")
    yield Section("Changes against the superseded statement", changes(page.changes), note="It supersedes none.")
    yield Section("Disputes", disputes(page), note="None.")
    yield Section("Proof", proof(page), headed=False)


def facts(page: StatementPage) -> Cells:
    """Who, what and when."""
    row, carbon = page.row, page.carbon
    emitted = carbon.absent or f"{carbon.kg} kg CO2e ({carbon.label}, {carbon.basis})"
    return [
        ("Statement", row.id),
        ("Order", row.order),
        ("Dispatch", page.instruction_id or "none: the order was cancelled or never called"),
        ("Site", row.site_name),
        ("Buyer", page.buyer),
        ("Window", f"{local(row.start)} to {local(row.end)}"),
        ("Run and version", f"{row.run}, version {row.version} ({row.reason_name})"),
        ("Product", f"{page.product_name or 'not recorded'}, mechanism {page.mechanism or 'none'}"),
        ("Baseline", page.baseline_method or "none: nothing was metered"),
        ("Issued", utc_text(row.created_at)),
        ("Run due", due_of(page)),
        ("Knowledge time", utc_text(row.knowledge_time)),
        ("Can be disputed until", utc_text(page.dispute_until)),
        ("Label", row.label),
        ("VAT", page.vat.absent or f"rate {page.vat.rate} on what the buyer pays, {money(page.vat.net_pence or 0)}"),
        ("Carbon", emitted),
    ]


def due_of(page: StatementPage) -> str:
    """The day the run was due and how that is known."""
    if page.run_due is None:
        return "no run of the calendar"
    how = "published Settlement Calendar" if page.run_due.basis == "PUBLISHED" else "nominal offset, assumed"
    return f"{page.run_due.day.isoformat()} by the {how} ({page.run_due_source})"


def figures(page: StatementPage) -> Cells:
    """The amount, its VAT and, apart from them, what is in dispute."""
    row, vat = page.row, page.vat
    return [
        ("Payment", "Penalty", "Amount", "VAT", "Buyer pays with VAT", "In dispute (apart)", "Delivered", "Eligible", "Short"),
        (
            *(money(pence) for pence in (row.payment_pence, row.penalty_pence, row.amount_pence)),
            *("-" if vat.absent else money(pence or 0) for pence in (vat.vat_pence, vat.gross_pence)),
            money(row.in_dispute_pence),
            *(f"{kwh(wh)} kWh" for wh in (row.delivered_wh, row.eligible_wh, row.shortfall_wh)),
        ),
    ]  # fmt: skip


def lines(page: StatementPage) -> Cells:
    """The half hours; none where nothing was called."""
    if not page.lines:
        return []
    head = ("Half hour from", "SP", "Instructed", "Baseline", "Metered", "Delivered", "Eligible", "Short", "Pay GBP", "Penalty GBP", "Reading")  # fmt: skip
    return [
        head,
        *(
            (
                local(line.start),
                str(line.period),
                *(kwh(wh) for wh in (line.instructed_wh, line.baseline_wh, line.metered_wh)),
                *(kwh(wh) for wh in (line.delivered_wh, line.eligible_wh, line.shortfall_wh)),
                line.pay_gbp or "-",
                line.penalty_gbp or "-",
                line.reading_label or "-",
            )
            for line in page.lines
        ),
    ]


def imbalances(page: StatementPage) -> Cells:
    """The half hours of a trade with the price each was settled at: whose run it is of, and when it was known."""
    head = ("Half hour from", "SP", "Imbalance MWh", "GBP/MWh", "GBP", "Price of", "Known", "Source", "Label")
    rows = [
        (
            local(line.start),
            str(line.period),
            *(str(line.imbalance.get(name, "-")) for name in ("mwh", "system_gbp_per_mwh", "gbp")),
            priced_by(str(line.imbalance.get("price_run", ""))),
            utc_text(line.price_known_at) if line.price_known_at else "-",
            str(line.imbalance.get("source", "-")),
            str(line.imbalance.get("label", "-")),
        )
        for line in page.traded
    ]
    return [head, *rows]


def priced_by(run: str) -> str:
    """The run a price is of."""
    return f"run {run}" if run else "before run II"


def components(page: StatementPage) -> Cells:
    """The components and their sum."""
    rows = [(one.type, one.description, money(one.pence), one.residual_gbp or "-") for one in page.components]
    total = ("Amount", "", money(page.row.amount_pence), page.residual_gbp or "-")
    carried = [
        (
            "Carried",
            f"by rounding, with {'the market' if one.account == 'MARKET' else 'this buyer'}: {one.before_gbp} GBP before",
            "",
            f"{one.after_gbp} after",
        )
        for one in page.rounding
        if one.is_something
    ]
    return [("Component", "What", "Amount", "Left over by rounding, GBP"), *rows, total, *carried]


def compensation(page: StatementPage) -> Cells:
    """What the supplier is compensated; a line without a price says why."""
    if not page.compensation:
        return []
    head = ("Day", "Basis", "Volume MWh", "Kind", "GBP/MWh", "Price of", "Known", "Supplier", "Pot", "Seller")
    rows = [head, *(compensated(line) for line in page.compensation)]
    if page.direct_pence:
        rows.append(("Seller's cash", "", "", "", "", "", "", "", "", money(page.seller_cash_pence)))
    return rows


def compensated(line: CompensationRow) -> Sequence[str]:
    """One day's line."""
    known = (line.day, line.basis, line.volume_mwh)
    if line.absent:
        return (*known, "not known", "-", "-", "-", "-", "-", "-")
    told = (priced_by(line.price_run), utc_text(line.known_at)) if line.known_at else (line.source, "-")
    paid = (money(pence or 0) for pence in (line.supplier_pence, line.pot_pence, line.seller_pence))
    return (*known, line.kind, line.scrp_gbp_per_mwh, *told, *paid)


def changes(found: Sequence[Change]) -> Cells:
    """Before and after."""
    if not found:
        return []
    rows = []
    for one in found:
        shown = [money(x) if one.unit == "pence" else kwh(x) for x in (one.before, one.after, one.difference)]
        rows.append((f"{one.name} {one.place}".strip(), "GBP" if one.unit == "pence" else "kWh", *shown))
    return [("Figure", "Unit", "Before", "Now", "Change"), *rows]


def disputes(page: StatementPage) -> Cells:
    """Who disputes what."""
    if not page.disputes:
        return []
    rows = [
        (one.short_id, one.state_name, one.opened_by, one.reason, money(one.difference_pence), utc_text(one.opened_at))
        for one in page.disputes
    ]
    return [("Dispute", "State", "Opened by", "Reason", "Claimed difference", "Opened"), *rows]


def proof(page: StatementPage) -> Cells:
    """Where it stands in the log and on the chain."""
    one = page.anchoring
    return [
        ("Log entry", "not numbered yet" if page.entry is None else str(page.entry)),
        ("Record on chain", one.state),
        ("Settlement id", one.settlement_id or "-"),
        ("Commitment", one.commitment or "-"),
        ("Transaction", one.tx_hash or "-"),
    ]


def kwh(wh: int) -> str:
    """Integer Wh as kWh, exact."""
    return f"{Decimal(wh).scaleb(-3):,f}"


def money(pence: int) -> str:
    """Integer pence as pounds."""
    return pounds(pence)


def local(at: datetime) -> str:
    """Day, time and zone in London."""
    london = at.astimezone(LONDON)
    return f"{london:%a %d %b %Y %H:%M %Z}"


def wrapped(text: str) -> str:
    """The text in lines that leave room for the other columns; a hash stays whole."""
    return "\n".join(textwrap.wrap(text, 64, break_long_words=False)) or text


def plain(text: str) -> str:
    """The text with what the standard fonts cannot write in its nearest form, or as a question mark."""
    return text.replace("\u2212", "-").encode("cp1252", "replace").decode("cp1252")
