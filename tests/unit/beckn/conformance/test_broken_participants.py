"""Each broken participant is caught by the right rule, and by no other: a kit that cries wolf proves as little as a deaf one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from beckn.conformance import RULES, Outcome, Patience, Rule, Target, run, start
from beckn.conformance.rules import orders
from tests.unit.beckn.conformance.fake import NETWORK, Fake

PATIENCE = Patience(answer_s=2.0, callback_s=2.0, retry_s=1.5, settle_s=0.3)
BROKEN = {
    "needs no signature": "signature-missing",
    "verifies nothing": "signature-wrong-key signature-tampered signature-times-moved signature-other-digest",
    "digest left out": "signature-no-digest",
    "stale signatures": "signature-stale",
    "signatures from the future": "signature-ahead",
    "no patience with clocks": "signature-clock",
    "parameters twice": "signature-twice",
    "two headers": "signature-two-headers",
    "other digests": "signature-other-digest",
    "any algorithm": "signature-algorithm",
    "any key of the subscriber": "key-unknown",
    "revoked keys": "key-revoked",
    "any identity": "identity-not-signer context-receiver",
    "any receiver": "context-receiver",
    "any callback address": "context-callback",
    "any network": "context-network",
    "any action": "context-action",
    "any version": "context-version",
    "any id": "context-uuid",
    "any age": "context-ttl",
    "from the future": "context-future",
    "takes malformed JSON": "body-malformed body-nan body-overflow body-duplicate body-deep body-surrogate body-utf8 "
    "body-trailing body-array",
    "breaks on junk": "body-malformed body-nan body-overflow body-duplicate body-deep body-surrogate body-utf8 body-trailing "
    "body-array answer-no-5xx",
    "NaN": "body-nan",
    "overflow": "body-overflow",
    "surrogates": "body-surrogate",
    "duplicate members": "body-duplicate",
    "no limit": "body-oversize",
    "any type": "http-type",
    "answers GET": "http-get",
    "unknown members": "schema-unknown",
    "no pointers": "schema-pointer",
    "other receipts": "receipt-ack",
    "other refusals": "receipt-nack schema-pointer",
    "unsigned receipts": "receipt-ack-signed receipt-nack-signed",
    "receipt signs no request": "receipt-ack-signed receipt-nack-signed",
    "receipts as HTML": "receipt-ack receipt-nack",
    "no challenge": "signature-challenge",
    "409 for conflicts": "copy-conflict",
    "same id for anything": "copy-conflict",
    "new receipts": "copy-same-receipt copy-at-once",
    "a callback for each copy": "copy-one-callback callback-once",
    "slow once": "answer-in-time",
    "no callbacks": "callback-owed",
    "callbacks with new message ids": "callback-message",
    "callbacks with new transactions": "callback-transaction",
    "callbacks to nobody": "callback-addressed",
    "unsigned callbacks": "callback-signed",
    "wrongly signed callbacks": "callback-signed",
    "stale callbacks": "callback-signed",
    "invalid callbacks": "callback-valid",
    "no second attempt": "callback-retried",
    "new bytes at each attempt": "callback-retried",
    "repeats callbacks": "callback-once copy-one-callback",
    "answers what it refuses": "callback-none-refused",
}
BROKEN_SHOPS = {
    "shop": "",
    "sells twice": "order-once",
    "confirms nothing": "order-confirmed",
    "a callback for each confirm": "order-replayed",
}


def judged(fake: Fake, rules: Iterable[Rule] = RULES, *, buys: bool = False) -> dict[str, str]:
    """What the kit finds wrong with a participant: rule and reason."""
    with fake.serving():
        keys = {"fake-1": fake.signer.public_key}
        target = Target(fake.url, fake.signer.subscriber_id, fake.role, NETWORK, "lts", keys)
        with start.started(target, start.identities("kit.example", ""), patience=PATIENCE, buys=buys) as kit:
            for one, is_revoked in ((kit.main, False), (kit.other, False), (kit.revoked, True)):
                fake.know(one, revoked=is_revoked)
            verdicts = run(kit, rules)
    assert verdicts
    return {one.rule.id: one.why for one in verdicts if one.outcome == Outcome.FAIL}


@pytest.mark.parametrize("role", ["bpp", "bap"])
def test_a_participant_that_keeps_every_rule_is_let_be(role):
    assert judged(Fake(role=role)) == {}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_participant_is_caught_by_the_right_rule(fault):
    found = judged(Fake(fault))
    assert set(found) == set(BROKEN[fault].split()), found


@pytest.mark.parametrize("fault", BROKEN_SHOPS)
def test_a_shop_that_sells_wrongly_is_caught(fault):
    found = judged(Fake(fault), orders.RULES, buys=True)
    assert set(found) == set(BROKEN_SHOPS[fault].split()), found


def test_nothing_is_bought_unasked():
    fake = Fake("shop")
    assert judged(fake, orders.RULES) == {}
    assert fake.taken == {}
