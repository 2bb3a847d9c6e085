"""Every entry is counted by exactly one manifest of the log and of each organisation, and a manifest that lies is found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from marketplace import events
from marketplace.agents import housekeeping
from marketplace.ledger import merkle
from marketplace.ledger.log import leaf_hashes, read_log
from marketplace.ledger.manifest import TYPE
from marketplace.ledger.recompute import chained
from marketplace.ledger.sequencer import sequence
from marketplace.ledger.verify_manifests import manifest_faults, manifests_check
from marketplace.models import Event, Lease, Organisation
from marketplace.usecases.write_manifest import write_manifest

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
EVENING = datetime(2024, 7, 3, 22, 50, tzinfo=UTC)  # 23:50 in London, where the settlement day ends at 23:00 UTC
MIDNIGHT = datetime(2024, 7, 3, 23, 0, tzinfo=UTC)


@pytest.fixture
def north():
    return Organisation.objects.create(name="North", slug="north", kind="OPERATOR", created_at=EVENING)


@pytest.fixture
def south():
    return Organisation.objects.create(name="South", slug="south", kind="OPERATOR", created_at=EVENING)


def happen(kind, *organisations, now=EVENING, **payload):
    with transaction.atomic():
        events.append(type=kind, subject="a:b", payload=payload, organisations=organisations, now=now)
    sequence(now=now)


def written():
    """(organisation's slug or "log", payload) of every manifest, in order."""
    found = Event.objects.filter(type=TYPE).order_by("pk")
    return [
        (next((one.slug for one in event.organisations.all()), "log"), json.loads(bytes(event.payload)))
        for event in found
    ]


def test_a_day_is_counted_when_london_has_ended_it(north, south):
    happen("settlement.statement", north, amount_pence="-250", delivered_wh="7", share_pence="1.5")
    happen("settlement.statement", north, south, amount_pence="1000", delivered_wh=3)
    happen("offer.drafted", south, power_w=9)
    assert write_manifest(now=MIDNIGHT - timedelta(seconds=1)) is None
    happen("offer.drafted", north, now=MIDNIGHT)
    assert write_manifest(now=MIDNIGHT + timedelta(minutes=1)) is not None
    (_, of_north), (_, of_south), (_, of_log) = made = written()
    assert [whose for whose, _ in made] == ["north", "south", "log"]
    sums = {"entries": "2", "amount_pence": "750", "delivered_wh": "10"}
    assert of_log == {
        "day": "2024-07-03",
        "scope": "log",
        "first": 0,
        "last": 2,
        "entries": 3,
        "organisations": 2,
        "types": {"offer.drafted": {"entries": "1"}, "settlement.statement": sums},
        "root": merkle.root(leaf_hashes(3)).hex(),
    }
    assert (of_north["first"], of_north["last"], of_north["types"]) == (1, 2, {"settlement.statement": sums})
    assert of_south["types"]["settlement.statement"] == {"entries": "1", "amount_pence": "1000", "delivered_wh": "3"}
    assert write_manifest(now=MIDNIGHT + timedelta(minutes=2)) is None, "a day is counted once"


def test_each_begins_where_the_one_before_ended_and_late_commits_are_counted(north):
    happen("offer.drafted", north)
    happen("offer.drafted", north, now=MIDNIGHT)
    write_manifest(now=MIDNIGHT)
    sequence(now=MIDNIGHT)
    happen("offer.drafted", north, now=EVENING)  # it began before midnight, and was committed after
    write_manifest(now=MIDNIGHT + DAY)
    sequence(now=MIDNIGHT + DAY)
    spans = [(whose, said["first"], said["last"]) for whose, said in written()]
    assert spans == [("north", 1, 1), ("log", 0, 0), ("north", 2, 4), ("log", 1, 4)]
    assert write_manifest(now=MIDNIGHT + 2 * DAY) is None, "only the counting itself happened"
    assert list(chained(read_log())) == []
    assert (manifests_check().held, manifests_check().why) == (True, "4 checked")


def test_a_manifest_that_lies_or_leaves_a_gap_is_named(north):
    happen("offer.drafted", north, amount_pence=5)
    happen("offer.drafted", north)
    write_manifest(now=MIDNIGHT)
    sequence(now=MIDNIGHT)
    log = list(read_log())
    assert list(manifest_faults(log)) == []
    for changed in (
        {"entries": 1},
        {"first": 2},
        {"last": 0},
        {"types": {"offer.drafted": {"entries": "2", "amount_pence": "6"}}},
    ):
        for at in (2, 3):
            payload = json.dumps(json.loads(log[at].payload) | changed).encode()
            lying = [*log[:at], replace(log[at], payload=payload), *log[at + 1 :]]
            assert len(list(manifest_faults(lying))) == 1, (changed, at)
    assert len(list(manifest_faults(log[1:]))) == 2, "an entry left out of the log, or kept from a party"


def test_the_housekeeper_counts_and_another_process_that_counts_is_not_disturbed(north, monkeypatch):
    happen("offer.drafted", north)
    monkeypatch.setattr(housekeeping.clock, "now", lambda: MIDNIGHT)
    monkeypatch.setattr(housekeeping.sender, "send_due", lambda *, now: 0)
    lease = Lease.objects.create(name="manifest", holder="another process", until=MIDNIGHT.replace(year=2100))
    housekeeping.anchor()
    assert written() == []
    lease.delete()
    housekeeping.anchor()
    assert [whose for whose, _ in written()] == ["north", "log"]
    assert len(list(read_log())) == 3
