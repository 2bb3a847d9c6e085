"""The flexibility page: what it says of a plan that has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from marketplace.models import Plan, User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

ENDED = "The plan in force has ended"


@pytest.mark.parametrize(("earlier", "ended"), [(timedelta(0), False), (timedelta(days=30), True)])
def test_a_plan_that_has_ended_is_not_shown_as_what_lies_ahead(
    world: World, signed_in: Callable[[User], Client], earlier: timedelta, ended: bool
) -> None:
    Plan.objects.filter(site=world.site).update(start_at=F("start_at") - earlier)
    shown = read(signed_in(world.viewer).get(reverse("flexibility", args=[world.site.slug])))
    assert shown.faults() == []
    assert (ENDED in shown.text, "Most turn-down ahead" in shown.text) == (ended, not ended)
