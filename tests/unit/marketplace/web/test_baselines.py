"""The plan is nominated for a settlement day by one button, and what was nominated comes out as it was kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.models import BaselineNomination, Plan, Site, User
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]
DAY = "2024-01-18"


@pytest.fixture
def operator(world: World, signed_in: SignedIn) -> Client:
    plan = market.plan(world.site, load_kw=1000.0, slots=336, start=market.NOW - timedelta(minutes=10))
    Plan.objects.filter(pk=plan.pk).update(created_at=market.NOW)
    return signed_in(world.operator)


def press(client: Client, day: str = DAY) -> str:
    return read(client.post(reverse("baseline", args=["leeds-1"]), {"day": day}, follow=True)).text


def test_a_day_of_the_plan_is_nominated_once(operator: Client, world: World) -> None:
    assert "48 half hours were nominated." in press(operator)
    assert "The same was nominated before." in press(operator)
    page = read(operator.get(reverse("baseline", args=["leeds-1"]))).text
    assert "48 of 48" in page
    assert "24,000" in page  # kWh: 1000 kW over a day
    rows = list(csv.reader(io.StringIO(operator.get(reverse("nominations-csv", args=["leeds-1"])).getvalue().decode())))
    assert len(rows) == 1 + 48
    assert rows[1][:4] == [DAY, "1", "2024-01-18T00:00:00Z", "500000"]


def test_a_day_that_cannot_be_nominated_is_refused_in_words(operator: Client, world: World) -> None:
    assert "had to be nominated by 2024-01-16T12:00Z" in press(operator, "2024-01-17")
    assert "The day is not a date." in press(operator, "soon")
    assert "The plan covers" in press(operator, "2024-06-01")
    assert not BaselineNomination.objects.exists()
    Site.objects.get(slug="leeds-1").plans.update(state=Plan.State.INFEASIBLE)
    assert "There is no plan to nominate." in press(operator)
