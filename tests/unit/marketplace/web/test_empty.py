"""The house on its first day: no row but people and a bare site, and every page still says why it is empty and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from marketplace.models import User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world.parties import organisation, person
from tests.unit.marketplace.web.world.places import make_site

PAGES = {
    "OPERATOR": {
        "/": "Upload a queue",
        "/sites": "No plan yet",
        "/sites/leeds-1": "Never received",
        "/sites/leeds-1/queue": "The queue is empty.",
        "/sites/leeds-1/schedule": "There is no plan yet.",
        "/sites/leeds-1/flexibility": "Flexibility is worked out from a plan, and there is none yet.",
        "/offers": "No offer yet.",
        "/offers?state=SOLD": "No offer fits these filters.",
        "/orders": "No order yet.",
        "/orders?state=SETTLED": "No order fits these filters.",
        "/statements": "No statement yet.",
        "/statements?run=SF": "No statement fits these filters.",
        "/disputes": "No dispute.",
        "/disputes?state=OPEN": "No dispute fits these filters.",
        "/reconciliation": "Nothing was sold as P415 on this day.",
        "/ledger": "The log holds nothing of yours yet.",
        "/operations": "Load a signals file or switch the live feeds on.",
        "/operations/feeds": "No forecast was issued in the last 7 days.",
        "/operations/messages": "No message yet.",
        "/operations/messages?way=in": "No message fits these filters.",
    },
    "GRID": {
        "/": "No purchase yet.",
        "/catalogue": "You have not searched yet.",
        "/purchases": "No purchase yet.",
        "/purchases?state=SETTLED": "No purchase is in this state.",
        "/statements": "No statement yet.",
        "/ledger": "The log holds nothing of yours yet.",
        "/operations": "No message yet.",
    },
    "AUDITOR": {
        "/": "No dispatch has been settled yet.",
        "/ledger": "No tree head has been made yet.",
        "/orders": "No order yet.",
        "/operations": "each is shown to the parties of its deal only",
        "/operations/messages": "each is shown to the parties of its deal only",
    },
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(PAGES))
def test_each_page_says_why_it_is_empty(signed_in: Callable[[User], Client], kind: str) -> None:
    party = organisation("Aire Valley Compute", kind)
    if kind == "OPERATOR":
        make_site(party, "Leeds 1", "leeds-1")
    client = signed_in(person("first@aire.example", party, "ADMIN"))
    for path, words in PAGES[kind].items():
        answer = client.get(path)
        assert answer.status_code == 200, path
        page = read(answer)
        assert words in page.text, path
        assert page.faults() == []


@pytest.mark.django_db
def test_exports_of_nothing_are_a_header(signed_in: Callable[[User], Client]) -> None:
    party = organisation("Aire Valley Compute", "OPERATOR")
    make_site(party, "Leeds 1", "leeds-1")
    client = signed_in(person("first@aire.example", party, "ADMIN"))
    for path in ("/sites/leeds-1/queue.csv", "/offers.csv", "/orders.csv", "/ledger.csv", "/operations/messages.csv"):
        answer = client.get(path)
        lines = answer.getvalue().decode().splitlines()
        assert len(lines) == 1, path
    assert client.get("/sites/leeds-1/schedule.csv").status_code == 404
