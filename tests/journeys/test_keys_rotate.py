"""Keys are replaced while messages are in flight, and a newcomer is admitted by another installation's registry: over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.test_two_participants_talk import SEARCH
from tests.unit.beckn.installation import Installation

pytestmark = pytest.mark.journey
SEARCHES = 3


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    """An installation that is its own registry."""
    one = Installation(tmp_path / "house", registry_url="")
    one.set_up()
    one.start()
    yield one
    one.stop()


def test_keys_rotate_while_messages_are_in_flight(house: Installation) -> None:
    def unanswered() -> list[tuple[int]]:
        return house.rows("select id from marketplace_searchresult where answered_at is null")

    # Searches wait unsent, are under way, and are answered, with a new pair of keys at each stage.
    for _ in range(SEARCHES):
        house.run(SEARCH)
        house.manage("beckn_rotate", "--overlap", "1h")
        house.sweep()
    house.manage("beckn_rotate", "--overlap", "1h")
    while unanswered():
        house.sweep()
    assert house.rows("select state, count(*) from beckn_outboxmessage group by state") == [("DELIVERED", 2 * SEARCHES)]
    assert house.rows("select count(*) from beckn_inboxmessage where state = 'HANDLED'") == [(2 * SEARCHES,)]
    assert house.rows("select count(distinct public_key) from beckn_inboxmessage")[0][0] > 2  # several keys were in use
    keys = house.rows("select count(*) from beckn_subscriber where subscriber_id = 'market.caco.local'")
    assert keys == [(SEARCHES + 2,)]


def test_another_installations_registry_admits_a_newcomer_and_follows_its_keys(
    house: Installation, tmp_path: Path
) -> None:
    newcomer = Installation(tmp_path / "newcomer", registry_url=f"{house.url}/registry")
    newcomer.env |= {"BECKN_BPP_ID": "new.market.example", "BECKN_BAP_ID": "new.grid.example"}
    newcomer.env |= {"BECKN_DS_ID": "new.discovery.example"}
    newcomer.set_up()
    served = Installation(house.var, registry_url="")  # the same house, with Django's pages, where its registry answers
    served.env |= {"CACO_PUBLIC_URL": served.url.removesuffix("/beckn")}
    served.door = "caco_site.asgi:application"
    newcomer.env["BECKN_REGISTRY_URL"] = f"{served.url}/registry"
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            served.sweep()

    sweeper = threading.Thread(target=sweep)
    try:
        served.start()
        newcomer.start()
        sweeper.start()
        said = newcomer.manage("beckn_subscribe", "--role", "bpp", "--wait", "60")
        assert "new.market.example" in said
        ((first,),) = house.rows("select key_id from beckn_subscriber where subscriber_id = 'new.market.example'")
        newcomer.manage("beckn_rotate", "--role", "bpp", "--overlap", "1h", "--wait", "60")
        ends = dict(
            house.rows("select key_id, valid_until from beckn_subscriber where subscriber_id = 'new.market.example'")
        )
        assert len(ends) == 2
        assert ends.pop(first) < next(iter(ends.values()))  # the old key's end is near, the new one's is not
    finally:
        over.set()
        sweeper.join()
        newcomer.stop()
        served.stop()
