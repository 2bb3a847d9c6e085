"""A buyer's side and a seller's side with separate keys find each other and talk over real sockets.

Each direction is signed, acknowledged after it is stored, and answered by a signed callback; the worker is not there for
the first message, and the door is slammed between two of them.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from beckn.testing import Listener, Participant
from beckn.wire import receipts, signing
from tests.unit.beckn.installation import Installation

pytestmark = pytest.mark.journey
SEARCH = """
from django.utils import timezone
from marketplace.models import Organisation
from marketplace.usecases.search_catalogue import search_catalogue
now = timezone.now()
buyer, _ = Organisation.objects.get_or_create(slug="grid", defaults={"name": "Grid", "kind": "GRID", "created_at": now})
search_catalogue(organisation=buyer, direction="REDUCE", now=now)
"""
SEARCH_FAR = SEARCH.replace(
    "search_catalogue(", "from django.conf import settings; settings.BECKN_PARTICIPANTS['bpp']['subscriber_id'] = 'far.example'\nsearch_catalogue("
)  # fmt: skip


@pytest.fixture
def far() -> Iterator[Listener]:
    """Another installation: a seller that listens, and a registry that names it."""
    with Listener(Participant("bpp", "far.example")).listening() as listener:
        listener.directory = [listener.participant.subscription()]
        yield listener


@pytest.fixture
def house(far: Listener, tmp_path) -> Iterator[Installation]:
    """Our installation, with both sides in it."""
    one = Installation(tmp_path / "house", registry_url=f"{far.base}/registry")
    one.set_up()
    one.start()
    yield one
    one.stop()


def test_two_participants_talk(house: Installation, far: Listener) -> None:
    # Our buyer asks our seller. Nobody is woken: the sweeps carry everything, through our own door, by HTTP.
    house.run(SEARCH)
    house.sweep()
    assert house.rows("select state, attempts from beckn_outboxmessage") == [("DELIVERED", 1)]
    house.stop(signal.SIGKILL)
    assert house.rows("select action, role, state from beckn_inboxmessage") == [("discover", "bpp", "RECEIVED")]
    house.start()
    while house.rows("select 1 from marketplace_searchresult where answered_at is null"):
        house.sweep()
    seller, buyer = "market.caco.local", "grid.caco.local"
    assert house.rows("select role, subscriber_id, action, state from beckn_inboxmessage order by id") == [
        ("bpp", buyer, "discover", "HANDLED"),
        ("bap", seller, "on_discover", "HANDLED"),
    ]
    keys = dict(house.rows("select subscriber_id, public_key from beckn_subscriber"))
    assert keys[seller] != keys[buyer]
    for authorization, raw in house.rows("select authorization, raw from beckn_inboxmessage"):
        found = signing.parse(authorization)
        signing.verify(found, raw, keys[found.subscriber_id])
    sent = house.rows('select "to", raw, receipt, message_id from beckn_outboxmessage')
    assert len(sent) == 2
    for to, raw, receipt, message_id in sent:
        dashed = f"{message_id[:8]}-{message_id[8:12]}-{message_id[12:16]}-{message_id[16:20]}-{message_id[20:]}"
        assert receipts.is_countersigned(receipt, request=raw, message_id=dashed, public_key=keys[to])

    # Our buyer asks a seller of another installation, which our sweep learnt of from the other registry.
    house.run(SEARCH_FAR)
    house.sweep()
    (got,) = far.received
    assert (got.path, got.told["context"]["bppId"]) == ("/bpp/discover", "far.example")
    signing.verify(signing.parse(got.headers["authorization"]), got.raw, keys[buyer])
    # It answers, and our installation verifies it with the key that the other registry gave.
    context = got.told["context"]
    answer = far.participant.envelope("on_discover", {"catalogs": []})
    answer["context"] |= {name: context[name] for name in ("transactionId", "messageId", "bapId", "bapUri")}
    assert far.participant.post(f"{house.url}/bap", answer).status == 200
    house.sweep()
    assert house.rows("select count(*) from marketplace_searchresult where answered_at is null") == [(0,)]
