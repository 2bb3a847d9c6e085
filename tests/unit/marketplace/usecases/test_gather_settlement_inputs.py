"""What is gathered for a pack is enough for an outsider to come to every figure of a statement, product by product."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from marketplace.ledger.evidence_lines import price_book, reading_lines
from marketplace.models import Event, SettlementStatement, SignalPoint
from marketplace.usecases.gather_settlement_inputs import gather_settlement_inputs
from tests.unit.marketplace.usecases.market import FIRST, SECOND
from tests.unit.marketplace.usecases.test_direct_compensation import END as ENDED
from tests.unit.marketplace.usecases.test_direct_compensation import STARTS, sold
from tests.unit.marketplace.usecases.test_price_delivery import PARTLY, ready, statement_of
from verifiers.verify_pack import Book, Site, day_of, half_hour, half_hour_faults, micros, money_faults, worked_out

pytestmark = pytest.mark.usefixtures("network")


def faults(statement: SettlementStatement, *, lowered: datetime | None = None) -> list[str]:
    """What an outsider finds wrong, the reading of the half hour `lowered` taken for one Wh less."""
    rows = price_book([statement])
    book, meter = Book(rows, {day_of(one) for one in rows["bank_holidays"]}), Site()
    for line in reading_lines(statement.order.offer.site, size=0, known_at=statement.knowledge_time):
        for start, wh in line["readings"]:
            less = lowered is not None and start == lowered.isoformat()
            meter.readings.setdefault(half_hour(start), []).append((micros(line["known_at"]), wh - less))
    payloads = [json.loads(bytes(one.payload)) for one in Event.objects.filter(type="settlement.statement")]
    (said,) = [one for one in payloads if one["statement"] == str(statement.pk)]
    inputs = gather_settlement_inputs(statement=statement, now=statement.knowledge_time)
    found = worked_out(said, inputs, meter.known(micros(said["knowledge_time"])), book)
    half_hours = [what for _, what in half_hour_faults(said, found)]
    return half_hours or list(money_faults(said, found))


@pytest.mark.parametrize("sold_as", ["OPERATIONAL_UTILISATION", "SCHEDULED_UTILISATION", "NESO_DFS"])
def test_every_figure_follows_from_what_is_gathered(site, sold_as):
    statement = statement_of(site, sold_as=sold_as)
    assert faults(statement) == []
    found = faults(statement, lowered=FIRST)
    assert found[0].startswith(f"metered_wh is {PARTLY[FIRST]}, and {PARTLY[FIRST] - 1} follows")


def test_standing_ready_and_what_was_missed_follow_too(site):
    assert [faults(one) for one in ready(site, (FIRST,), (SECOND,), metered=PARTLY)] == [[], []]


@pytest.mark.parametrize("sold_as", ["P415_WHOLESALE", "P444_BM"])
def test_a_trade_follows_with_its_nomination_and_system_prices(site, sold_as):
    for start in STARTS:
        SignalPoint.objects.create(
            series="price", start_at=start, value=87.65, unit="GBP/MWh", source="s", label="MEASURED", known_at=ENDED
        )
    assert faults(sold(site, sold_as)) == []
