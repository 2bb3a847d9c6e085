"""A search that nobody will answer says why, on its page and in the API, instead of finding nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace.models import User
from tests.unit.marketplace.api.conftest import program  # noqa: F401 - the fixture
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World


def test_the_reason_stands_where_the_offers_would(
    world: World,
    signed_in: Callable[[User], Client],
    program: Any,  # noqa: F811 - the fixture
) -> None:
    search = world.searches["pending"]
    search.refusal = {"code": "AUT_KEY_NOT_FOUND", "message": "The registry has no such key."}
    search.save()
    shown = read(signed_in(world.grid).get(reverse("search", args=[search.pk])))
    assert shown.faults() == []
    assert "This search was not answered." in shown.text
    assert "The registry has no such key. AUT_KEY_NOT_FOUND" in shown.text
    assert "Nothing on sale fits" not in shown.text
    assert "Waiting for the sellers" not in shown.text
    told = program(world.grid).get(f"/searches/{search.transaction_id}")[1]
    assert told["refusal"] == search.refusal
    assert told["late"] is False


def test_what_came_all_the_same_is_shown_beside_the_reason(world: World, signed_in: Callable[[User], Client]) -> None:
    search = world.searches["answered"]
    search.refusal = {"code": "NET_CATALOG_SOURCE_UNAVAILABLE", "message": "One seller is away."}
    search.save()
    shown = read(signed_in(world.grid).get(reverse("search", args=[search.pk])))
    assert "Some of the network did not answer. One seller is away." in shown.text
    assert "cheapest first" in shown.text


def test_an_answer_that_is_not_all_there_is_says_how_much_of_it_came(
    world: World,
    signed_in: Callable[[User], Client],
    program: Any,  # noqa: F811 - the fixture
) -> None:
    search = world.searches["answered"]
    assert (program(world.grid).get(f"/searches/{search.transaction_id}")[1]["matched"]) is None
    search.refusal = {"code": "BIZ_GENERIC_ERROR", "message": "2 of 1207 fit.", "returned": 2, "matched": 1207}
    search.save()
    shown = read(signed_in(world.grid).get(reverse("search", args=[search.pk])))
    assert shown.faults() == []
    assert "2 of 1,207 matching resources fitted into the answer." in shown.text
    assert "Some of the network did not answer" not in shown.text
    assert "cheapest first" in shown.text
    told = program(world.grid).get(f"/searches/{search.transaction_id}")[1]
    assert (told["returned"], told["matched"]) == (2, 1207)
    assert told["refusal"] == {"code": "BIZ_GENERIC_ERROR", "message": "2 of 1207 fit."}
