"""Each broken participant is caught by the right rule, and by no other: a kit that cries wolf proves as little as a deaf one."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest

from beckn.conformance import RULES, Outcome, Patience, Rule, Target, run, start
from beckn.conformance.official import Official
from beckn.conformance.rules import bodies, dealing, orders
from tests.unit.beckn.conformance.broken import BROKEN, BROKEN_SHOPS
from tests.unit.beckn.conformance.fake import LIMIT, NETWORK, Fake
from tests.unit.beckn.conformance.test_official import SPEC

# What no participant should send is waited for only where one does: a shorter wait cannot make a rule cry wolf.
TOO_MUCH = frozenset({"callback-once", "copy-one-callback", "callback-none-refused", "order-replayed"})
# Whoever answers nothing, or not under the id that is waited for, is waited for in vain several times.
IN_VAIN = frozenset({"callback-owed", "callback-message"})


def patience(expected: frozenset[str]) -> Patience:
    """How long a run waits."""
    return Patience(
        answer_s=2.0 if "answer-in-time" in expected else 8.0,  # the machine may be busy with other tests
        callback_s=0.7 if expected & IN_VAIN else 2.0,
        retry_s=1.0,
        settle_s=0.3 if expected & TOO_MUCH else 0.02,
    )


def judged(
    fake: Fake, expected: frozenset[str], rules: Iterable[Rule] = RULES, *, buys: bool = False
) -> dict[str, str]:
    """What the kit finds wrong with a participant: rule and reason."""
    spec = None if buys else Official(SPEC)
    with fake.serving():
        keys = {"fake-1": fake.signer.public_key}
        target = Target(fake.url, fake.signer.subscriber_id, fake.role, NETWORK, fake.profile, keys)
        with start.started(
            target, start.identities("kit.example", ""), patience=patience(expected), official=spec, buys=buys
        ) as kit:
            for one, is_revoked in ((kit.main, False), (kit.other, False), (kit.revoked, True)):
                fake.know(one, revoked=is_revoked)
            verdicts = run(kit, rules)
    assert verdicts
    return {one.rule.id: one.why for one in verdicts if one.outcome == Outcome.FAIL}


@pytest.mark.parametrize("profile", ["lts", "onix", "v1"])
@pytest.mark.parametrize("role", ["bpp", "bap"])
def test_a_participant_that_keeps_every_rule_is_let_be(role, profile):
    assert judged(Fake(role=role, profile=profile), TOO_MUCH) == {}


@pytest.mark.parametrize(("profile", "fault"), BROKEN)
def test_a_broken_participant_is_caught_by_the_right_rule(profile, fault, monkeypatch):
    monkeypatch.setattr(bodies, "OVERSIZE", 2 * LIMIT)  # building and signing 20 MiB is most of a run's time
    expected = BROKEN[profile, fault]
    found = judged(Fake(fault, profile=profile), expected)
    assert found.keys() == expected, found


@pytest.mark.parametrize(("profile", "fault"), BROKEN_SHOPS)
def test_a_shop_that_sells_wrongly_is_caught(profile, fault):
    expected = BROKEN_SHOPS[profile, fault]
    found = judged(Fake(fault, profile=profile, sells=True), expected | {"order-replayed"}, orders.RULES, buys=True)
    assert found.keys() == expected, found


def test_every_rule_catches_somebody():
    caught = frozenset[str]().union(*BROKEN.values(), *BROKEN_SHOPS.values())
    assert {rule.id for rule in RULES} - caught == set()


def test_nothing_is_bought_unasked_and_nothing_where_nothing_is_on_sale():
    fake = Fake(sells=True)
    assert judged(fake, frozenset(), orders.RULES) == {}
    assert fake.taken == {}
    for fault in ("nothing on sale", "scraps on sale", "refuses select", "refuses init", "refuses confirm"):
        fake = Fake(fault, sells=True)
        assert judged(fake, frozenset(), orders.RULES, buys=True) == {}


@pytest.mark.parametrize(
    ("attributes", "kw"),
    [
        ({"minCapacityKw": Decimal("0.5"), "maxCapacityKw": 100}, Decimal("0.5")),
        ({"maxCapacityKw": Decimal("0.25")}, Decimal("0.25")),
        ({"maxCapacityKw": 100}, 1),
        ({"minCapacityKw": "200", "maxCapacityKw": -1}, 1),
        ("none", 1),
        (None, 1),
    ],
)
def test_the_least_there_is_gets_ordered(attributes, kw):
    offer, resource = {"id": "o1", "resourceIds": ["r1"]}, {"id": "r1", "resourceAttributes": attributes}
    target = Target("", "seller.example", "bpp", NETWORK, "lts", {})
    with start.started(target, start.identities("kit.example", "")) as kit:
        found = dealing.draft(kit, offer, resource)
    assert found["commitments"][0]["resources"][0]["quantity"]["unitQuantity"] == kw
