"""A site's meters change on a day, with right numbers, and no meter is registered twice for one day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from marketplace.models import MsidPair
from marketplace.rules.errors import MarketError
from marketplace.usecases.register_meter import register_meter
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import NOW

TODAY = date(2024, 1, 16)
IMPORT, EXPORT, OTHER = "2310000000015", "2310000000024", "1010000000019"


def register(site, import_msid=IMPORT, **changes):
    facts = {"gsp_group": "_M", "effective_from": TODAY, "user": None, "now": NOW}
    return register_meter(site=site, import_msid=import_msid, **facts | changes)


def test_the_meter_before_ends_on_the_day_the_new_one_begins(site):
    register(site, OTHER, effective_from=TODAY - timedelta(days=30))
    register(site, export_msid=EXPORT, unit="V__CACO01")
    rows = MsidPair.objects.order_by("effective_from").values_list("import_msid", "effective_to")
    assert list(rows) == [(OTHER, TODAY), (IMPORT, None)]
    site.refresh_from_db()
    assert (site.msid, site.gsp_group) == (IMPORT, "_M")
    assert events_of(f"site:{site.slug}") == ["meter.registered", "meter.registered"]


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"import_msid": "2310000000016"}, "import_msid", "check digit 6 where 5"),
        ({"export_msid": "231000000002"}, "export_msid", "12 digits"),
        ({"amsid": "x"}, "amsid", "digits alone"),
        ({"export_msid": IMPORT}, None, "same number"),
        ({"gsp_group": "_I"}, "gsp_group", "no GSP group"),
        ({"effective_from": TODAY + timedelta(days=1)}, "effective_from", "still to come"),
    ],
)
def test_what_cannot_be_is_named(site, changes, column, words):
    with pytest.raises(MarketError, match=words) as caught:
        register(site, **changes)
    assert (caught.value.code, caught.value.details.get("column")) == ("BAD_MSID", column)


def test_a_meter_of_another_seller_is_refused_by_the_database_and_nothing_is_ended(site):
    register(site, OTHER, effective_from=TODAY - timedelta(days=30))
    theirs = market.site(market.organisation("Mersey Data Halls"), "wirral-2")
    register(theirs)
    with pytest.raises(MarketError, match="registered elsewhere"):
        register(site)
    assert MsidPair.objects.get(site=site).effective_to is None
    with pytest.raises(MarketError, match="begins on 2024-01-16"):
        register(theirs, EXPORT)


def test_only_who_manages_registers(site, owner):
    with pytest.raises(MarketError, match="role"):
        register(site, user=market.person(owner, "OPERATOR"))
