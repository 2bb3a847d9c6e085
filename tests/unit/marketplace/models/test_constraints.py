"""Each sentence that the database itself enforces, broken once: code above may be wrong, rows may not."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from marketplace.models import (
    BaselineNomination,
    Bid,
    ContractDocument,
    Dispute,
    ExportReading,
    Forecast,
    MsidPair,
    Offer,
    OfferPeriod,
    Order,
    OrderPeriod,
    Organisation,
    PositionNotification,
    PublishedRunDate,
    Purchase,
    PurchaseReading,
    SaleRules,
    SettlementStatement,
    Site,
    SiteCapacity,
    StackingRow,
    Tender,
    TenderPeriod,
)
from tests.unit.marketplace.usecases import market, planned
from tests.unit.marketplace.usecases.conftest import offer, owner, site
from tests.unit.marketplace.usecases.market import END, FIRST, NOW

__all__ = ["offer", "owner", "site"]


def statement(amount, **more):
    activation = market.dispatched(market.confirmed(Offer.objects.get()))
    SettlementStatement.objects.create(
        order=activation.order, activation=activation, start_at=FIRST, end_at=END, baseline_method="m", delivered_wh=1, eligible_wh=1, shortfall_wh=0, payment_pence=10,
        penalty_pence=3, amount_pence=amount, label="MEASURED", created_at=NOW,
        knowledge_time=NOW, **more,
    )  # fmt: skip


def undecided():
    """A dispute that says it was amended and names no new statement."""
    statement(7)
    made = SettlementStatement.objects.get()
    Dispute.objects.create(
        statement=made, opened_by=Site.objects.get().organisation, side="SELLER", reason="OTHER", unit="PENCE",
        stated_value=7, claimed_value=8, difference_pence=1, digest="d", state="AMENDED", opened_at=NOW, response_due_at=NOW,
    )  # fmt: skip


def of_the_order(*, version=1, supersedes=False):
    """A statement of the order itself, and another beside it: the same place in its chain, or the same version of a run."""
    statement(7)
    SettlementStatement.objects.update(activation=None)
    first = SettlementStatement.objects.get()
    facts = {field.attname: getattr(first, field.attname) for field in first._meta.concrete_fields}
    facts |= {"id": uuid.uuid4(), "version": version}
    if supersedes:
        facts |= {"sequence": 2, "supersedes_id": first.pk, "delta_pence": 0}
    SettlementStatement.objects.create(**facts)


def sale_rules(**facts):
    SaleRules.objects.create(site=Site.objects.get(), updated_at=NOW, **facts)


BROKEN = {
    "statement_window_ends_after_its_start": lambda: (
        statement(7),
        SettlementStatement.objects.update(end_at=FIRST),
    ),
    "one_statement_per_order_and_place_in_its_chain": lambda: of_the_order(version=2),
    "one_statement_per_order_and_version_of_a_run": lambda: of_the_order(supersedes=True),
    "a_run_is_due_after_its_day": lambda: PublishedRunDate.objects.create(
        settlement_date="2024-01-16", run="SF", due_date="2024-01-16", source="c.csv", sha256="0" * 64, known_at=NOW
    ),
    "a_forecast_holds_a_half_hour": lambda: forecast(known_at=NOW, end_at=FIRST),
    "no_forecast_known_before_its_issue": lambda: forecast(known_at=NOW - timedelta(seconds=1), end_at=END),
    "what_went_out_has_its_moment": lambda: PositionNotification.objects.create(
        site=Site.objects.get(),
        unit="V__CACO01",
        start_at=FIRST,
        position_wh=1,
        state="SENT",
        notify_by=NOW,
        gate_closure_at=NOW,
        key="k",
        content=b"",
        content_sha256="0" * 64,
        planned_at=NOW,
    ),
    "site_import_limit_is_positive": lambda: Site.objects.update(import_limit_kw=0),
    "site_must_run_is_not_negative": lambda: Site.objects.update(must_run_kw=Decimal("-0.001")),
    "site_pue_is_at_least_one": lambda: Site.objects.update(pue=Decimal("0.999")),
    "job_deadline_after_arrival": lambda: planned.job(Site.objects.get(), "j", deadline_at=NOW, arrival_at=NOW),
    "job_power_is_positive": lambda: planned.job(Site.objects.get(), "j", power_kw=0),
    "import_energy_is_not_negative": lambda: market.metered(Site.objects.get(), {FIRST: -1}),
    "export_energy_is_not_negative": lambda: ExportReading.objects.create(
        site=Site.objects.get(), start_at=FIRST, export_wh=-1, source="m", label="MEASURED", known_at=NOW
    ),
    "msid_pair_ends_after_it_begins": lambda: pair("2310000000015", "2024-01-01", "2024-01-01"),
    "import_msid_has_thirteen_digits": lambda: pair("231000000001", "2024-01-01"),
    "export_msid_has_thirteen_digits": lambda: pair("2310000000015", "2024-01-01", export_msid="x"),
    "amsid_has_thirteen_digits": lambda: pair("2310000000015", "2024-01-01", amsid="x"),
    "one_import_msid_in_one_pair_at_a_time": lambda: [
        pair("2310000000015", "2024-01-01", "2024-02-01"),
        pair("2310000000015", "2024-01-31", of=market.site(market.organisation("Mersey"), "wirral-2")),
    ],
    "one_export_msid_in_one_pair_at_a_time": lambda: [
        pair("2310000000015", "2024-01-01", export_msid="2310000000024"),
        pair("1010000000019", "2024-03-01", "2024-03-02", export_msid="2310000000024"),
    ],
    "one_pair_moved_over_another": lambda: [
        pair("2310000000015", "2024-01-01", "2024-02-01"),
        pair("2310000000015", "2024-02-01"),
        MsidPair.objects.filter(effective_to="2024-02-01").update(effective_to="2024-02-02"),
    ],
    "offer_ends_after_it_starts": lambda: Offer.objects.update(end_at=FIRST),
    "offer_prices_are_not_negative": lambda: Offer.objects.update(shortfall_penalty_gbp_per_kwh=Decimal("-0.0001")),
    "offer_availability_price_is_not_negative": lambda: Offer.objects.update(
        availability_price_gbp_per_mw_h=Decimal("-0.0001")
    ),
    "nominated_energy_is_not_negative": lambda: BaselineNomination.objects.create(
        site=Site.objects.get(), start_at=FIRST, import_wh=-1, received_at=NOW
    ),
    "reserved_never_exceeds_offered": lambda: OfferPeriod.objects.update(reserved_kw=Decimal("400.001")),
    "a_site_never_sells_more_than_it_can_deliver": lambda: (
        market.confirmed(Offer.objects.get()),
        SiteCapacity.objects.update(reserved_kw=Decimal("400.001")),
    ),
    "a_stacking_row_holds_something": lambda: (
        market.confirmed(Offer.objects.get()),
        StackingRow.objects.update(kw=0),
    ),
    "only_co_delivery_stands_beside_another_row": lambda: (
        market.confirmed(Offer.objects.get()),
        StackingRow.objects.update(form="CO_DELIVERY"),
    ),
    "cancellation_fee_is_a_share_of_the_quote": lambda: sale_rules(cancellation_fee_percent=Decimal("100.01")),
    "approval_size_is_not_negative": lambda: sale_rules(approve_above_kw=-1),
    "approval_has_a_minute_at_least": lambda: sale_rules(approve_within_s=59),
    "cancellation_fee_is_at_most_the_quote": lambda: (
        market.quoted(Offer.objects.get()),
        Order.objects.update(cancellation_fee_pence=10_001),
    ),
    "cancelling_costs_the_agreed_fee_or_nothing": lambda: (
        market.quoted(Offer.objects.get()),
        Order.objects.update(cancellation_fee_pence=100, cancellation_charged_pence=99),
    ),
    "document_versions_begin_with_one": lambda: (
        market.confirmed(Offer.objects.get()),
        ContractDocument.objects.update(version=0),
    ),
    "tender_closes_before_its_need_begins": lambda: a_bid() and Tender.objects.update(closes_at=FIRST),
    "tender_ceilings_are_not_negative": lambda: a_bid() and Tender.objects.update(ceiling_gbp_per_kwh=-1),
    "needed_kw_is_not_negative": lambda: a_bid() and TenderPeriod.objects.update(needed_kw=-1),
    "bid_holds_at_least_what_it_must": lambda: a_bid() and Bid.objects.update(least_kw=Decimal(401)),
    "bid_prices_are_not_negative": lambda: a_bid() and Bid.objects.update(utilisation_price_gbp_per_kwh=-1),
    "an_offer_stands_in_one_bid_at_a_time": lambda: a_bid() and a_bid(),
    "order_quote_is_not_negative": lambda: (market.quoted(Offer.objects.get()), Order.objects.update(quote_pence=-1)),
    "ordered_kw_is_positive": lambda: (market.quoted(Offer.objects.get()), OrderPeriod.objects.update(ordered_kw=0)),
    "statement_components_sum_to_the_amount": lambda: statement(8),
    "all_but_the_first_statement_supersede": lambda: statement(7, sequence=2),
    "an_amended_dispute_names_its_new_statement": lambda: undecided(),
    "a_reported_half_hour_says_something": lambda: PurchaseReading.objects.create(
        purchase=a_purchase(),
        instruction_id="d",
        meter_id="m",
        start_at=FIRST,
        methodology="m",
        told_at=NOW,
        known_at=NOW,
    ),
    "one_job_per_site_and_external_id": lambda: [planned.job(Site.objects.get(), "same") for _ in range(2)],
    "one_reading_per_site_start_and_known": lambda: twice_metered(),
    "one_row_per_offer_and_period": lambda: OfferPeriod.objects.create(
        offer=Offer.objects.get(), start_at=FIRST, offered_kw=1
    ),
    "one_activation_per_order_and_instruction": lambda: twice_dispatched(),
}


def a_purchase():
    return Purchase.objects.create(
        organisation=Organisation.objects.get(),
        transaction_id=uuid.uuid4(),
        requested_kw=1,
        created_at=NOW,
        updated_at=NOW,
    )


def pair(import_msid, begin, end=None, *, of=None, **changes):
    return MsidPair.objects.create(
        site=of or Site.objects.get(slug="leeds-1"),
        import_msid=import_msid,
        gsp_group="_A",
        effective_from=begin,
        effective_to=end,
        **changes,
    )


def test_a_meter_moves_to_another_site_on_the_day_it_leaves_the_first(offer):
    pair("2310000000015", "2024-01-01", "2024-02-01", export_msid="2310000000024")
    pair("2310000000015", "2024-02-01", of=market.site(market.organisation("Mersey"), "wirral-2"))
    pair("1010000000019", "2024-01-01", amsid="1010000000028")
    pair("1010000000046", "2023-01-01", "2024-01-01", amsid="1010000000028")
    MsidPair.objects.filter(import_msid="1010000000019").update(unit="V__CACO01")


def forecast(known_at, end_at):
    Forecast.objects.create(
        series="carbon", issued_at=NOW, known_at=known_at, start_at=FIRST, end_at=end_at, model="m", model_version="1", unit="g/kWh",
        p10=[], p50=[], p90=[], inputs_digest="0" * 64,
    )  # fmt: skip


def a_bid():
    offer = Offer.objects.get()
    tender = Tender.objects.create(
        organisation=offer.site.organisation, name="t", product=offer.product, gsp_group="_A", start_at=offer.start_at,
        end_at=offer.end_at, closes_at=NOW, ceiling_gbp_per_kwh=1, created_at=NOW,
    )  # fmt: skip
    TenderPeriod.objects.create(tender=tender, start_at=FIRST, needed_kw=1)
    return Bid.objects.create(tender=tender, offer=offer, kw=400, utilisation_price_gbp_per_kwh=1, placed_at=NOW)


def twice_metered():
    for wh in (1, 2):
        market.metered(Site.objects.get(), {FIRST: wh})


def twice_dispatched():
    activation = market.dispatched(market.confirmed(Offer.objects.get()))
    activation.pk = None
    activation.save(force_insert=True)


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_refuses(offer, name):
    with pytest.raises(IntegrityError), transaction.atomic():
        BROKEN[name]()


def test_no_check_is_left_untried():
    checks = {
        constraint.name
        for model in apps.get_app_config("marketplace").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    }
    assert checks - set(BROKEN) == set()


def test_a_statement_that_adds_up_is_kept(offer):
    statement(7)
    assert SettlementStatement.objects.get().amount_pence == 7


def test_what_was_sold_or_measured_cannot_be_deleted_with_its_site(offer):
    market.confirmed(offer)
    with pytest.raises(models.ProtectedError):
        Site.objects.all().delete()
    with pytest.raises(models.ProtectedError):
        Offer.objects.all().delete()
    assert Order.objects.count() == 1
