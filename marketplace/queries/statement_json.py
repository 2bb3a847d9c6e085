"""One statement as a document that a third party can work out again without us: docs/reference/settlement.md says how.

Energy is whole Wh, money whole pence, exact GBP and rates are decimal text; there is no float in it. The document holds
what the settlement reference asks of a statement, and nothing of the site beyond the periods that were sold.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings

from marketplace.ledger import merkle
from marketplace.ledger.leaf import canonical
from marketplace.models import SettlementStatement
from marketplace.queries.disputes import DisputeRow
from marketplace.queries.exports import utc_text
from marketplace.queries.statement_lines import LineRow
from marketplace.queries.statement_page import StatementPage

FORMAT = "caco-settlement-statement/1"


def statement_document(page: StatementPage, statement: SettlementStatement) -> dict[str, Any]:
    """The document of one statement, JSON-safe. `evidence_root` is the RFC 6962 root over its periods as written here."""
    row = page.row
    periods = [period_of(line, statement) for line in page.lines]
    return {
        "format": FORMAT,
        "statement_id": row.id,
        "run_type": row.run,
        "version": row.version,
        "sequence": page.sequence,
        "supersedes": page.supersedes or None,
        "superseded_by": page.superseded_by or None,
        "reason": row.reason,
        "run_due": {"date": page.run_due.day.isoformat(), "basis": page.run_due.basis, "source": page.run_due_source}
        if page.run_due
        else None,
        "issued_at": utc_text(row.created_at),
        "knowledge_time": moment(row.knowledge_time),
        "dispute_until": utc_text(page.dispute_until),
        "contract_id": row.order,
        "contract_hash": page.terms_digest,
        "settles": "DISPATCH" if page.instruction_id else "ORDER",
        "event_id": page.instruction_id or None,
        "asset": pseudonym(row.site_slug),
        "seller": settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"],
        "buyer": page.buyer,
        "mechanism": page.mechanism or None,
        "terms": statement.terms,
        "baseline": {"method": page.baseline_method or None, "facts": statement.baseline_facts},
        "periods": periods,
        "components": [
            {
                "type": one.type,
                "description": one.description,
                "pence": one.pence,
                "residual_gbp": one.residual_gbp,
                "basis": dict(one.basis),
            }
            for one in page.components
        ],
        "rounding_residual_gbp": page.residual_gbp,
        "rounding": list(statement.rounding),
        "compensation": list(statement.compensation),
        "carbon": dict(statement.carbon),
        "vat": dict(statement.vat),
        "totals": totals_of(page),
        "currency": "GBP",
        "label": row.label,
        "disputes": [dispute_of(one) for one in page.disputes],
        "proof": proof_of(page),
        "evidence_root": root_of(periods),
    }


def period_of(line: LineRow, statement: SettlementStatement) -> dict[str, Any]:
    """One settlement period."""
    unadjusted = statement.baseline_facts.get("unadjusted_wh", {}).get(line.start.isoformat())
    return {
        "utc_start": utc_text(line.start),
        "settlement_date": line.day.isoformat(),
        "settlement_period": line.period,
        "instructed_wh": line.instructed_wh,
        "baseline": {
            "value_wh": line.baseline_wh,
            "unadjusted_wh": unadjusted,
            "adjustment_wh": statement.baseline_facts.get("adjustment_wh"),
            "status": "T",
        },
        "metered": {
            "value_wh": line.metered_wh,
            "source": line.reading_source,
            "quality": line.reading_quality,
            "label": line.reading_label,
            "received_at": moment(line.reading_known_at),
        },
        "delivered_wh": line.delivered_wh,
        "eligible_wh": line.eligible_wh,
        "shortfall_wh": line.shortfall_wh,
        "delivered_ratio": text(line.ratio),
        "price_scale": text(line.scale),
        "price_gbp_per_kwh": text(line.price_gbp_per_kwh),
        "pay_gbp": line.pay_gbp,
        "penalty_gbp": line.penalty_gbp,
        "imbalance": dict(line.imbalance),
    }


def totals_of(page: StatementPage) -> dict[str, int | None]:
    """The statement's figures; the money in dispute stands beside the amount and is not taken off it."""
    row = page.row
    return {
        "delivered_wh": row.delivered_wh,
        "eligible_wh": row.eligible_wh,
        "shortfall_wh": row.shortfall_wh,
        "payment_pence": row.payment_pence,
        "penalty_pence": row.penalty_pence,
        "amount_pence": row.amount_pence,
        "direct_compensation_pence": page.direct_pence,
        "seller_cash_pence": page.seller_cash_pence,
        "delta_pence": row.delta_pence,
        "in_dispute_pence": row.in_dispute_pence,
    }


def dispute_of(row: DisputeRow) -> dict[str, Any]:
    """One dispute over the statement, without its words: those are for its parties."""
    return {
        "dispute_id": row.id,
        "statement_id": row.statement,
        "state": row.state,
        "side": row.side,
        "reason": row.reason,
        "periods": [{"settlement_date": day.isoformat(), "settlement_period": period} for day, period in row.periods],
        "unit": row.unit,
        "stated_value": row.stated,
        "claimed_value": row.claimed,
        "difference_pence": row.difference_pence,
        "opened_at": utc_text(row.opened_at),
        "amended_by": row.amended_by or None,
    }


def proof_of(page: StatementPage) -> dict[str, Any]:
    """Where the statement stands in the log and on the chain; the chain holds a commitment to it and no figure."""
    one = page.anchoring
    return {
        "log_entry": page.entry,
        "state": one.state,
        "settlement_id": one.settlement_id,
        "commitment": one.commitment,
        "tx_hash": one.tx_hash,
        "block_number": one.block_number,
    }


def root_of(periods: list[dict[str, Any]]) -> str:
    """The RFC 6962 root over the canonical JSON of each period, so that two copies that differ show where."""
    leaves = [merkle.leaf_hash(canonical(without_nothing(one))) for one in periods]
    return merkle.root(leaves).hex()


def without_nothing(value: Any) -> Any:
    """The value without members that are null: the canonical form writes what is absent by leaving it out."""
    if isinstance(value, dict):
        return {key: without_nothing(one) for key, one in value.items() if one is not None}
    return value


def pseudonym(slug: str) -> str:
    """A name for the asset that stays the same in every statement and says neither its place nor its meter."""
    return hashlib.sha256(f"caco/asset/v1\0{settings.LEDGER_LOG_ID}\0{slug}".encode()).hexdigest()[:16]


def moment(at: datetime | None) -> str | None:
    """UTC with every digit it has: what was known is told apart to the microsecond."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def text(value: Any) -> str | None:
    """A Decimal as its digits."""
    return None if value is None else f"{value:f}"
