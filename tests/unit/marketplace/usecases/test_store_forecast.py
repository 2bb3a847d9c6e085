"""The forecast store knows what was forecast when: an issue is written once, changed never, and read as it was known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from marketplace.models import Forecast
from marketplace.usecases.store_forecast import store_forecast
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW, PLANNED

pytestmark = pytest.mark.django_db


def issue(*values, issued=NOW, now=None, start=PLANNED, **more):
    told = {
        "series": "demand_published",
        "unit": "MW",
        "model": "m",
        "model_version": "1",
        "inputs_digest": "0" * 64,
        "sources": [],
    }
    return store_forecast(issued_at=issued, start=start, p50=list(values), now=now or issued, **(told | more))


def test_the_same_issue_is_one_row_whenever_it_is_fetched_again():
    first, new = issue(1.0, 2.0)
    again, second_time = issue(1.0, 2.0, now=NOW + HALF_HOUR, inputs_digest="1" * 64)
    assert (new, second_time, again.pk, again.known_at) == (True, False, first.pk, NOW)


def test_other_values_under_the_same_issue_are_another_row_known_later():
    first, _ = issue(1.0, 2.0)
    other, new = issue(1.0, 3.0, now=NOW + HALF_HOUR, inputs_digest="1" * 64)
    assert new
    at = [Forecast.objects.as_known(NOW + minutes).first() for minutes in (timedelta(0), HALF_HOUR)]
    assert [row.pk for row in at] == [first.pk, other.pk]
    first.refresh_from_db()
    assert first.p50 == [1.0, 2.0]


def test_an_issue_is_read_only_by_those_who_could_know_it():
    """Issued at 08:30 and fetched at 09:10, it is not known at nine."""
    issue(1.0, issued=NOW, now=NOW + timedelta(minutes=40))
    assert not Forecast.objects.as_known(NOW + timedelta(minutes=39)).exists()
    assert Forecast.objects.as_known(NOW + timedelta(minutes=40)).exists()


def test_the_newest_issue_that_was_known_comes_first_and_must_hold_what_is_asked():
    issue(*[1.0] * 4)
    issue(*[2.0] * 2, issued=NOW + HALF_HOUR)
    known = Forecast.objects.as_known(NOW + timedelta(hours=1))
    assert [row.p50[0] for row in known] == [2.0, 1.0]
    assert known.holding(PLANNED, PLANNED + 4 * HALF_HOUR).first().p50[0] == 1.0
    assert known.holding(PLANNED, PLANNED + 5 * HALF_HOUR).first() is None


def test_the_database_refuses_to_change_an_issue_or_to_know_it_too_early():
    row, _ = issue(1.0)
    with pytest.raises(IntegrityError, match="an issued forecast is never changed"), transaction.atomic():
        Forecast.objects.filter(pk=row.pk).update(p50=[9.0])
    row.p50 = [9.0]
    with pytest.raises(IntegrityError, match="an issued forecast is never changed"), transaction.atomic():
        row.save()
    row.pk, row.known_at, row.inputs_digest, row._state.adding = None, NOW - HALF_HOUR, "2" * 64, True
    with pytest.raises(IntegrityError, match="no_forecast_known_before_its_issue"), transaction.atomic():
        row.save(force_insert=True)
    assert [one.p50 for one in Forecast.objects.all()] == [[1.0]]


@pytest.mark.parametrize(
    ("values", "more"),
    [((), {}), ((1.0,), {"p10": [1.0, 2.0], "p90": [1.0]}), ((1.0,), {"issued": NOW + HALF_HOUR, "now": NOW})],
)
def test_what_is_no_issue_is_refused(values, more):
    with pytest.raises(ValueError, match="demand_published of m"):
        issue(*values, **more)
