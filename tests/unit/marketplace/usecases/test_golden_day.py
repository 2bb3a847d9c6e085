"""8 January 2025, run by run through the database: sold at the contract price, the difference settled at £2,900/MWh."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.template.loader import render_to_string

from beckn.models import OutboxMessage
from beckn.wire import body
from flex_engine.settle.versions import due_at
from flex_engine.timegrid import HALF_HOUR, day_start, period_start
from marketplace.agents.settling import settle_news
from marketplace.ledger.log import as_bytes
from marketplace.ledger.verify_money import money_check
from marketplace.models import BaselineNomination, Event, SettlementStatement, SignalPoint
from marketplace.queries.dispatches import statement_row
from marketplace.queries.exports import csv_lines, utc_text
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_lines import LINE_HEADER, line_export
from marketplace.queries.statement_page import statement_page
from marketplace.queries.statement_pdf import sections
from marketplace.rules.errors import MarketError
from marketplace.usecases.activate_schedules import activate_schedules
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from tests.shared_data import shared
from tests.unit.marketplace.usecases import market

pytestmark = pytest.mark.usefixtures("network")
DAY = date(2025, 1, 8)
SOLD = datetime(2025, 1, 8, 10, 0, tzinfo=UTC)
STARTS = [period_start(DAY, sp) for sp in range(33, 39)]
END = STARTS[-1] + HALF_HOUR


def golden() -> dict[str, Any]:
    return dict(json.loads(shared("fixtures/golden_p415_day_2025-01-08.json").read_text()))


def wh(text: str) -> int:
    return int(Decimal(text) * 10**6)


def point(start: datetime, value: float, *, series: str = "price", known_at: datetime = END) -> None:
    SignalPoint.objects.create(
        series=series, start_at=start, value=value, unit="GBP/MWh", source="golden day", label="MEASURED", known_at=known_at
    )  # fmt: skip


def meter(site, run: dict[str, Any], *, known_at: datetime) -> None:
    values = {period_start(DAY, line["sp"]): wh(line["metered"]) for line in run["lines"]}
    market.metered(site, values, known_at=known_at)


@pytest.fixture
def trade(site):
    """1.5 MWh sold at £160/MWh against the nominated baseline of the fixture, and the readings and prices of run II."""
    day = golden()
    plan = market.plan(site, start=SOLD)
    offer = market.offer(
        site, kw="500", start=STARTS[0], periods=6, plan=plan, product="P415_WHOLESALE", baseline_method="nominated-v1",
        utilisation_price_gbp_per_kwh=Decimal("0.1600"), shortfall_penalty_gbp_per_kwh=Decimal(0),
    )  # fmt: skip
    market.confirmed(offer, kw="500", now=SOLD)
    (activation,) = activate_schedules(now=offer.gate_closure_at)  # what was sold is the instruction
    for line in day["runs"][0]["lines"]:
        start = period_start(DAY, line["sp"])
        BaselineNomination.objects.create(
            site=site, start_at=start, import_wh=wh(line["baseline"]), received_at=SOLD - timedelta(days=1)
        )
        point(start, float(day["prices"][str(line["sp"])]["system_price"]))
    point(day_start(DAY), float(day["scrp"]), series="supplier_reference_price")
    meter(site, day["runs"][0], known_at=END)
    return activation


def test_the_golden_day_run_by_run(site, trade):
    day = golden()
    statement = settle_activation(activation=trade, now=END)
    made = [statement]
    for run in day["runs"][1:]:
        due = due_at(DAY, run["run"])
        meter(site, run, known_at=due - timedelta(days=1))
        made.append(resettle(activation=trade, run=run["run"], reason="RUN_DUE", now=due))
    for one, want in zip(made, day["runs"], strict=True):
        check_run(one, want)
    assert [one.amount_pence for one in made] == [-650, 5150, 5730]
    assert (money_check().held, money_check().why) == (True, "3 checked")
    assert [one.delta_pence for one in made] == [None, 5800, 580]
    told = orjson.loads(as_bytes(Event.objects.filter(type="settlement.statement").order_by("id").last().payload))
    assert told["compensation"][0]["supplier_pence"] == "12532", "the auditor is shown what the pot pays"
    assert told["lines"][5]["imbalance_gbp"].startswith("-")


def check_run(statement: SettlementStatement, want: dict[str, Any]) -> None:
    """Every figure of a run, to the last digit."""
    assert (statement.run, statement.version) == (want["run"], 1)
    assert Decimal(statement.amount_pence) / 100 == Decimal(want["seller_cash"])
    for line, expected in zip(statement.lines.order_by("start_at"), want["lines"], strict=True):
        assert line.settlement_period == expected["sp"]
        assert Decimal(line.pay_gbp) == Decimal(expected["contract_cash"])
        assert Decimal(line.imbalance["mwh"]) == Decimal(expected["imbalance"])
        assert Decimal(line.imbalance["gbp"]) == Decimal(expected["imbalance_cash"])
    (paid,) = statement.compensation
    assert (paid["kind"], paid["seller_pence"]) == ("MUTUALISED", 0)
    assert Decimal(paid["supplier_pence"]) / 100 == Decimal(want["supplier_compensation"])
    assert paid["pot_pence"] == -paid["supplier_pence"]
    assert Decimal(paid["volume_mwh"]) == Decimal(want["delivered_mwh"])


def test_the_buyer_pays_for_what_was_sold_and_not_for_the_imbalance(trade, settings):
    settings.CHAIN_RPC_URL = "none"
    statement = settle_activation(activation=trade, now=END)
    assert [part["type"] for part in statement.components] == ["USAGE", "IMBALANCE"]
    assert (statement.buyer_pence, statement.amount_pence) == (24000, -650)
    assert statement.vat == {"net_pence": 24000, "rate": "0.20", "vat_pence": 4800, "gross_pence": 28800}
    complete_settlement(statement=statement, now=END)
    told = body.parse(bytes(OutboxMessage.objects.get(action="on_update").raw))["message"]["contract"]
    assert told["settlements"][0]["settlementAttributes"]["amount"]["value"] == 240
    assert told["consideration"][0]["considerationAttributes"]["value"] == 240


def test_every_price_says_which_run_it_is_of_and_when_it_was_known_wherever_it_is_read(trade):
    """What was known before run II's day is indicative; a price that came after SF's day is one of SF."""
    settle_activation(activation=trade, now=END)
    later = due_at(DAY, "SF") + timedelta(days=1)
    point(STARTS[0], 2800.0, known_at=later)
    point(day_start(DAY), float(golden()["scrp"]), series="supplier_reference_price", known_at=later)
    statement = resettle(activation=trade, reason="NEW_PRICES", now=later)
    page = statement_page(statement, None, later)
    rows = list(csv.DictReader(csv_lines(LINE_HEADER, line_export(page.lines))))
    assert [row["price_run"] for row in rows] == ["SF", "", "", "", "", ""]
    assert (rows[0]["system_gbp_per_mwh"], rows[0]["price_source"]) == ("2800.0", "golden day")
    assert [rows[0]["price_known_utc"], rows[1]["price_known_utc"]] == [utc_text(later), utc_text(END)]
    document = statement_document(page, statement)
    assert document["periods"][0]["imbalance"]["price_run"] == "SF"
    assert document["compensation"][0]["price_run"] == "SF"
    assert document["compensation"][0]["known_at"] == later.isoformat()
    pdf = {section.title: section.rows for section in sections(page)}
    assert [row[5] for row in pdf["Imbalance at the system price"]] == ["Price of", "run SF", *["before run II"] * 5]
    assert pdf["Supplier compensation"][1][5:7] == ("run SF", utc_text(later))
    shown = render_to_string("statements/beside.html", {"p": page})
    assert "run SF" in shown
    point(day_start(DAY), float(golden()["scrp"]), series="supplier_reference_price", known_at=later + HALF_HOUR)
    assert resettle(activation=trade, reason="NEW_PRICES", now=later + HALF_HOUR) == statement, (
        "the same price, told again"
    )


def test_the_page_of_the_order_tells_what_the_buyer_pays_from_the_seller_s_cash(trade):
    statement = settle_activation(activation=trade, now=END)
    shown = " ".join(render_to_string("orders/statement.html", {"statement": statement_row(statement)}).split())
    for words in ("£240.00", "Seller's cash, with imbalance", "−£6.50", "The run was due"):
        assert words in shown


def test_a_price_that_is_not_known_stops_the_statement_and_is_named(trade):
    SignalPoint.objects.filter(series="price", start_at=STARTS[3]).delete()
    with pytest.raises(MarketError) as caught:
        settle_activation(activation=trade, now=END)
    assert (caught.value.code, SettlementStatement.objects.exists()) == ("PRICES_MISSING", False)
    assert "2025-01-08T17:30Z" in caught.value.message


def test_a_revised_price_makes_a_new_version_by_itself(trade):
    settle_activation(activation=trade, now=END)
    later = END + timedelta(days=1)
    point(STARTS[0], 1900.0, known_at=later)
    for _ in range(2):
        settle_news(later)
    _, corrected = SettlementStatement.objects.order_by("sequence")
    assert (corrected.version, corrected.reason) == (2, "NEW_PRICES")
    assert corrected.delta_pence == 1000, "0.01 MWh short at £1,000 less"
    point(day_start(DAY), 100.0, series="supplier_reference_price", known_at=later + HALF_HOUR)
    settle_news(later + HALF_HOUR)
    newest = SettlementStatement.objects.order_by("sequence").last()
    assert (newest.version, newest.delta_pence) == (3, 0)
    assert newest.compensation[0]["supplier_pence"] == 14150


def test_an_unknown_reference_price_is_a_named_absence_and_never_zero(trade):
    SignalPoint.objects.filter(series="supplier_reference_price").delete()
    (line,) = settle_activation(activation=trade, now=END).compensation
    assert "Nothing is held for SCRP on 2025-01-08" in line["absent"]
    assert "supplier_pence" not in line
