"""Statements say one thing wherever they are read, add up to their totals, and can be worked out again without us."""

from __future__ import annotations

import copy
import csv
import hashlib
import json
from dataclasses import asdict
from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
import rfc8785
from django.db import transaction

from flex_engine.settle.versions import due_at
from marketplace.models import Dispute, SettlementStatement
from marketplace.queries.exports import csv_lines
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_lines import LINE_HEADER, line_export
from marketplace.queries.statement_page import statement_page
from marketplace.queries.statement_pdf import statement_pdf
from marketplace.queries.statements import (
    HEADER,
    StatementFilters,
    filtered_statements,
    statement_export,
    statement_list,
    totals_by_run,
)
from marketplace.usecases.amend_dispute import Correction
from marketplace.usecases.resettle import resettle
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import join_the_network
from tests.unit.marketplace.usecases.disputed import LATER, METERED, Table
from tests.unit.marketplace.usecases.market import END, FIRST, SECOND


@pytest.fixture(scope="module")
def sold(django_db_setup, django_db_blocker):
    """One statement that was amended after a dispute, and another dispute open over the new one; made once."""
    with django_db_blocker.unblock(), transaction.atomic():
        join_the_network()
        yield made()
        transaction.set_rollback(True)


@pytest.fixture
def table(sold, db):
    """The same; what a test changes in it is rolled back after that test."""
    return copy.copy(sold)


def made():
    found = Table(market.site(market.organisation()))
    found.buyer_is_here()
    dispute = found.open()
    found.step(dispute, "RESPOND", found.seller, agrees=True)
    found.statement = found.amend(dispute, Correction(readings=[(FIRST, 360_001)], source="revision 2")).amended_by
    found.open(periods=[(settled.DAY, 36)], unit="WH", claimed_value=100_000)
    return found


def document_of(table):
    page = statement_page(table.statement, table.buyer, LATER)
    text = json.dumps(statement_document(page, SettlementStatement.objects.get(pk=table.statement.pk)))
    return json.loads(text, parse_float=lambda digits: pytest.fail(f"{digits} is a float")), page


def half_even(pounds: Fraction) -> int:
    """Pence of exact pounds; round() of a Fraction is half to even."""
    return round(pounds * 100)


def recomputed(document):
    """(payment, penalty) from readings, baseline and rates as the document has them, in fractions, sharing no code."""
    terms, cap = document["terms"], Fraction(document["terms"]["cap_percent"], 100)
    price, penalty = (Fraction(terms[f"{name}_gbp_per_kwh"]) for name in ("utilisation_price", "shortfall_penalty"))
    earned = owed = Fraction(0)
    for period in document["periods"]:
        base = period["baseline"]["unadjusted_wh"] + period["baseline"]["adjustment_wh"]
        assert base == period["baseline"]["value_wh"]
        delivered = max(0, base - period["metered"]["value_wh"])
        eligible = min(Fraction(delivered), cap * period["instructed_wh"])
        short = max(0, period["instructed_wh"] - delivered)
        assert (delivered, eligible, short) == (period["delivered_wh"], period["eligible_wh"], period["shortfall_wh"])
        pay = eligible / 1000 * price * Fraction(period["price_scale"])
        assert (Fraction(period["pay_gbp"]), Fraction(period["penalty_gbp"])) == (pay, short * penalty / 1000)
        earned, owed = earned + pay, owed + short * penalty / 1000
    return earned, owed


def test_a_third_party_recomputes_the_amount_from_the_document_alone(table):
    document, _ = document_of(table)
    earned, owed = recomputed(document)
    totals = document["totals"]
    assert totals["payment_pence"] == half_even(earned) > 0
    assert totals["penalty_pence"] == half_even(owed) > 0
    assert (
        totals["amount_pence"]
        == half_even(earned) - half_even(owed)
        == sum(one["pence"] for one in document["components"])
    )
    left = earned - owed - Fraction(totals["amount_pence"], 100)
    assert Fraction(document["rounding_residual_gbp"]) == left
    vat = document["vat"]
    assert vat["vat_pence"] == round(Fraction(vat["rate"]) * totals["amount_pence"])
    assert (totals["delta_pence"], document["reason"], document["version"]) == (-1050, "DISPUTE", 2)
    readings = settled.history() | METERED | {FIRST: 360_001}
    assert (totals["payment_pence"], totals["penalty_pence"]) == settled.amounts_pence(readings, instructed_wh=200_000)


def test_two_copies_that_differ_in_a_half_hour_have_another_root(table):
    document, _ = document_of(table)

    def root(periods):
        leaves = [hashlib.sha256(b"\0" + rfc8785.dumps(pruned(one))).digest() for one in periods]
        assert len(leaves) == 2
        return hashlib.sha256(b"\1" + leaves[0] + leaves[1]).hexdigest()

    assert root(document["periods"]) == document["evidence_root"]
    document["periods"][1]["metered"]["value_wh"] += 1
    assert root(document["periods"]) != document["evidence_root"]


def pruned(value):
    return {key: pruned(one) for key, one in value.items() if one is not None} if isinstance(value, dict) else value


def test_page_document_csv_and_pdf_say_the_same(table):
    document, page = document_of(table)
    rows = list(csv.DictReader(csv_lines(LINE_HEADER, line_export(page.lines))))
    for row, period in zip(rows, document["periods"], strict=True):
        assert (row["settlement_date"], int(row["settlement_period"])) == (
            period["settlement_date"],
            period["settlement_period"],
        )
        assert (int(row["metered_wh"]), int(row["eligible_wh"])) == (
            period["metered"]["value_wh"],
            period["eligible_wh"],
        )
        assert (row["pay_gbp"], row["penalty_gbp"]) == (period["pay_gbp"], period["penalty_gbp"])
    assert page.row.amount_pence == document["totals"]["amount_pence"]
    pdf = statement_pdf(page)
    assert pdf == statement_pdf(statement_page(table.statement, table.buyer, LATER)), (
        "the same statement, the same bytes"
    )
    assert pdf.startswith(b"%PDF")
    for pence in (page.row.amount_pence, page.row.payment_pence, page.row.in_dispute_pence):
        assert f"{pence // 100}.{pence % 100:02d}".encode() in pdf
    assert str(table.statement.pk).encode() in pdf
    assert b"360.001" in pdf
    assert page.row.in_dispute_pence == abs(document["disputes"][0]["difference_pence"]) > 0


def test_what_changed_against_the_superseded_statement_is_told_figure_by_figure(table):
    _, page = document_of(table)
    told = {(one.name, one.place): (one.before, one.after, one.difference) for one in page.changes}
    assert told["Amount", ""][2] == page.row.delta_pence == -1050
    assert told["Metered", "2024-01-16 SP 35"] == (330_001, 360_001, 30_000)
    assert ("Metered", "2024-01-16 SP 36") not in told
    first = statement_page(SettlementStatement.objects.get(version=1), None, LATER)
    assert (first.changes, first.superseded_by, first.can_dispute) == ((), str(table.statement.pk), False)
    assert page.can_dispute


def many(table, count):
    """Copies of the statement under later runs, so that the list has several pages and several runs."""
    newest = SettlementStatement.objects.latest("sequence")
    made = []
    for number in range(count):
        sequence = newest.sequence + 1 + number
        made.append(
            SettlementStatement(
                order=newest.order, activation=newest.activation, start_at=FIRST, end_at=END, sequence=sequence, run=("SF", "R1", "R2")[number % 3], version=1 + number // 3,
                knowledge_time=LATER, baseline_method="m", delivered_wh=1_000 + number, eligible_wh=900 + number, shortfall_wh=number,
                payment_pence=10_000 + number, penalty_pence=3 * number, amount_pence=10_000 - 2 * number, delta_pence=-2,
                vat={"vat_pence": 2_000 - number, "net_pence": 1}, label="MEASURED", created_at=LATER,
            )
        )  # fmt: skip
    for before, one in pairwise([newest, *made]):
        one.supersedes = before
    for one in made:
        one.save(force_insert=True)


def test_the_totals_are_the_sums_of_what_is_listed_over_all_pages(table):
    many(table, 60)
    rows = SettlementStatement.objects.all()
    for filters in [StatementFilters(state="ALL"), StatementFilters(), StatementFilters(run="R1", state="SUPERSEDED")]:
        first = statement_list(rows, filters, 1)
        pages = [statement_list(rows, filters, number).page for number in range(1, first.page.pages + 1)]
        listed = [row for page in pages for row in page.rows]
        assert first.totals.count == len(listed) == len({row.id for row in listed})
        unknown = sum(row.vat_pence is None for row in listed)
        assert asdict(first.totals) == {"count": len(listed), "vat_unknown": unknown} | {
            name: sum(getattr(row, name) or 0 for row in listed)
            for name in asdict(first.totals)
            if name not in {"count", "vat_unknown"}
        }
        for run, sums in first.by_run:
            assert sums.amount_pence == sum(row.amount_pence for row in listed if row.run == run)
        exported = list(csv.DictReader(csv_lines(HEADER, statement_export(filtered_statements(rows, filters)))))
        assert sum(int(row["amount_pence"]) for row in exported) == first.totals.amount_pence
        assert {row["statement"] for row in exported} == {row.id for row in listed}
    assert statement_list(rows, StatementFilters(state="ALL"), 1).page.pages == 2


def test_money_in_dispute_is_apart_and_each_claim_counts_once_without_its_sign(table):
    first = SettlementStatement.objects.filter(pk=table.statement.pk)
    before = totals_by_run(filtered_statements(first, StatementFilters(state="ALL")))["II"]
    table.open(by=table.seller, claimed_value=table.statement.amount_pence + 5_000)
    after = totals_by_run(filtered_statements(first, StatementFilters(state="ALL", disputed="yes")))["II"]
    assert after.count == 1
    assert after.amount_pence == before.amount_pence
    assert after.in_dispute_pence == before.in_dispute_pence + 5_000
    assert Dispute.objects.filter(state="AMENDED").count() == 1, "what is decided is not in dispute"


def test_a_claim_stays_in_dispute_beside_the_run_that_supersedes_what_it_was_made_against(table):
    rows = SettlementStatement.objects.all()
    claimed = statement_list(rows, StatementFilters(), 1).totals.in_dispute_pence
    due = due_at(settled.DAY, "SF")
    later = resettle(activation=table.statement.activation, run="SF", reason="RUN_DUE", now=due)
    standing, everything = (statement_list(rows, StatementFilters(state=state), 1) for state in ("STANDING", "ALL"))
    assert [row.id for row in standing.page.rows] == [str(later.pk)]
    assert standing.totals.in_dispute_pence == everything.totals.in_dispute_pence == claimed > 0
    assert [row.id for row in statement_list(rows, StatementFilters(disputed="yes", state="ALL"), 1).page.rows] == [
        str(later.pk)
    ]
    (open_one,) = statement_page(later, table.buyer, due).disputes
    assert (open_one.statement, open_one.run) == (str(table.statement.pk), "II")
    table.step(Dispute.objects.get(state="OPEN"), "RESPOND", table.seller, agrees=True, now=due)
    amended = table.amend(Dispute.objects.get(state="ANSWERED"), Correction(readings=[(SECOND, 300_001)]), now=due)
    assert (amended.amended_by.run, amended.amended_by.version, amended.amended_by.supersedes_id) == ("SF", 2, later.pk)
    assert statement_list(rows, StatementFilters(state="ALL"), 1).totals.in_dispute_pence == 0


def test_an_unknown_order_or_no_statement_gives_an_empty_list(table):
    for filters in [
        StatementFilters(order="nobody"),
        StatementFilters(order=str(table.statement.pk)),
        StatementFilters(run="RF"),
    ]:
        found = statement_list(SettlementStatement.objects.all(), filters, 1)
        assert (found.page.rows, found.totals.count, found.by_run) == ((), 0, ())
    mine = StatementFilters(order=str(table.order.pk))
    assert statement_list(SettlementStatement.objects.all(), mine, 1).totals.count == 1


def test_a_day_of_fifty_periods_keeps_its_numbers(table):
    """The repeated hour of autumn: 01:00 twice on the clock, periods 3 and 5, and no two lines alike."""
    statement = SettlementStatement.objects.get(version=1)
    lines = list(statement.lines.order_by("start_at"))
    for line, (start, period) in zip(
        lines, [("2024-10-27T00:00+00:00", 3), ("2024-10-27T01:00+00:00", 5)], strict=True
    ):
        line.start_at, line.settlement_date, line.settlement_period = start, date(2024, 10, 27), period
        line.save()
    page = statement_page(statement, None, LATER)
    pdf = statement_pdf(page)
    assert b"Sun 27 Oct 2024 01:00 BST" in pdf
    assert b"Sun 27 Oct 2024 01:00 GMT" in pdf
    assert [row[1] for row in line_export(page.lines)] == [3, 5]
    assert [row[2] for row in line_export(page.lines)] == ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z"]
