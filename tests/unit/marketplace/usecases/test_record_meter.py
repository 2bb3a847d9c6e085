"""Readings come in whole or not at all; a changed one is a revision, a repeated one is nothing, a wrong one is explained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle.metering import Said
from marketplace.models import MeterReading
from marketplace.rules.errors import MarketError
from marketplace.usecases.keep_readings import readings_digest
from marketplace.usecases.record_meter import record_meter
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW, SECOND

LATER = END + timedelta(minutes=5)
EARLY, LATE = datetime(2024, 1, 1), datetime(2024, 2, 1)  # noqa: DTZ001 - hypothesis adds the zone itself


def record(site, *readings, **changes):
    rows = [{"start": start, "import_wh": wh} for start, wh in readings]
    facts = {"site": site, "rows": rows, "said": Said(small=True), "source": "meter", "label": "MEASURED", "now": LATER}
    return record_meter(**facts | changes)


def test_new_readings_are_stored_and_wake_the_coordination_agent(site, woken):
    assert record(site, (FIRST, 300_000), (SECOND, 310_000)) == 2
    rows = list(MeterReading.objects.order_by("start_at").values_list("start_at", "import_wh", "label", "known_at"))
    assert rows == [(FIRST, 300_000, "MEASURED", LATER), (SECOND, 310_000, "MEASURED", LATER)]
    assert woken == [("marketplace.agents.coordination.tick", {})]
    assert events_of(f"site:{site.slug}") == ["meter.recorded"]


def test_the_same_readings_again_change_nothing(site, woken):
    record(site, (FIRST, 300_000))
    assert record(site, (FIRST, 300_000), now=LATER + HALF_HOUR) == 0
    assert MeterReading.objects.count() == 1
    assert len(woken) == 1
    assert events_of(f"site:{site.slug}") == ["meter.recorded"]


def test_a_changed_reading_is_a_revision_and_the_old_one_stays(site):
    record(site, (FIRST, 300_000))
    assert record(site, (FIRST, 290_000), (SECOND, 5), now=LATER + HALF_HOUR) == 2
    assert list(
        MeterReading.objects.filter(start_at=FIRST).order_by("known_at").values_list("import_wh", flat=True)
    ) == [
        300_000,
        290_000,
    ]


def test_a_revision_back_to_the_first_value_is_a_revision_too(site):
    for minutes, wh in ((0, 300_000), (1, 290_000), (2, 300_000)):
        assert record(site, (FIRST, wh), now=LATER + timedelta(minutes=minutes)) == 1
    assert MeterReading.objects.count() == 3


@pytest.mark.parametrize(
    ("start", "wh", "field"),
    [
        (FIRST + timedelta(minutes=10), 1, "start"),
        (FIRST + timedelta(seconds=1), 1, "start"),
        (FIRST.replace(tzinfo=None), 1, "start"),
        (END, 1, "start"),
        (FIRST, -1, "import_wh"),
        (FIRST, 2_000_001, "import_wh"),
    ],
)
def test_a_reading_that_cannot_be_right_is_named_and_nothing_is_kept(site, start, wh, field):
    with pytest.raises(MarketError) as caught:
        record(site, (SECOND, 300_000), (start, wh))
    assert caught.value.code == "BAD_READING"
    assert (caught.value.details["row"], caught.value.details["column"]) == (2, field)
    assert str(wh if field == "import_wh" else start) in caught.value.message
    assert caught.value.fix
    assert not MeterReading.objects.exists()


def test_one_half_hour_twice_in_one_file_is_refused(site):
    with pytest.raises(MarketError) as caught:
        record(site, (FIRST, 1), (FIRST, 1))
    assert "gives the same half hour" in caught.value.message


def test_a_half_hour_that_has_just_ended_is_taken(site):
    assert record(site, (SECOND, 1), now=END) == 1


@pytest.mark.parametrize("label", ["", "measured", "FORECAST", "ESTIMATED"])
def test_a_reading_is_measured_or_simulated_and_nothing_else(site, label):
    with pytest.raises(MarketError) as caught:
        record(site, (FIRST, 1), label=label)
    assert caught.value.code == "BAD_READING"


@pytest.mark.parametrize(
    ("role", "allowed"), [("OPERATOR", True), ("SETTLEMENT", True), ("TRADER", False), ("VIEWER", False)]
)
def test_who_may_record(site, owner, role, allowed):
    user = market.person(owner, role)
    if allowed:
        assert record(site, (FIRST, 1), user=user) == 1
    else:
        with pytest.raises(MarketError) as caught:
            record(site, (FIRST, 1), user=user)
        assert caught.value.code == "NOT_ALLOWED"


def test_no_reading_is_no_change(site, woken):
    assert (record(site), woken) == (0, [])


def test_two_months_of_readings_are_few_queries(site, django_assert_max_num_queries):
    many = [(NOW.replace(minute=0) - (number + 1) * HALF_HOUR, 300_000 + number) for number in range(62 * 48)]
    with django_assert_max_num_queries(40):
        assert record(site, *many) == 62 * 48


@given(st.lists(st.tuples(st.datetimes(EARLY, LATE, timezones=st.just(UTC)), st.integers(0, 10**9)), max_size=8))
def test_the_digest_does_not_depend_on_the_order_of_the_file(readings):
    assert readings_digest(readings) == readings_digest(list(reversed(readings)))
