"""The sender: one effect for each anchor, whatever crashes, whatever the chain does, and words where it has to wait."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from hypothesis import Phase, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from marketplace.ledger import chain, merkle
from marketplace.ledger.onchain import ChainPort
from marketplace.ledger.sender import MOST_REVERTED, REPLACE_AFTER, retry, send_due
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, SettlementRecord
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.record_settlements import record_settlements
from tests.embedded_chain import EmbeddedChain
from tests.unit.marketplace.ledger.fake_chain import Crash, FakeChain, signed
from tests.unit.marketplace.ledger.logged import statement
from tests.unit.marketplace.usecases.market import END

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(64)]
pytestmark = pytest.mark.django_db


def head(number: int, size: int, *, before: int = 0) -> Anchor:
    """A HEAD anchor as anchor_events makes it."""
    return Anchor.objects.create(
        kind="HEAD", seq=number, size=size, root=merkle.root(LEAVES[:size]).hex(), created_at=NOW, updated_at=NOW,
        proof=[one.hex() for one in merkle.consistency_proof(LEAVES[:size], before)],
    )  # fmt: skip


def tick(on: ChainPort | None, *, now: datetime = NOW) -> int:
    """One run of the sender."""
    return send_due(now=now, connect=lambda: on)


def state(anchor: Anchor) -> str:
    """The anchor's state in the database."""
    anchor.refresh_from_db()
    return anchor.state


# --- against the real contract


def test_a_head_and_a_record_become_final_in_one_run(anchored_in: chain.Chain) -> None:
    statement()
    anchor_events(now=END)
    record_settlements(now=END)
    assert send_due(now=NOW) == 2
    first, batch = Anchor.objects.order_by("pk")
    assert (first.state, batch.state) == ("FINAL", "FINAL")
    found = anchored_in.anchored(1)
    assert found is not None
    assert (found.size, found.root) == (first.size, first.root)
    assert (found.place.tx_hash, found.place.block_number, found.place.block_hash) == (
        first.tx_hash, first.block_number, first.block_hash,
    )  # fmt: skip
    row = SettlementRecord.objects.get()
    event = anchored_in.recorded([record_key(row.settlement_id, row.run)])[record_key(row.settlement_id, row.run)]
    assert (event.settlement_id, event.commitment, event.run, event.supersedes) == (
        row.settlement_id,
        row.commitment,
        "II",
        "",
    )
    assert event.place.tx_hash == batch.tx_hash
    assert (batch.chain_id, batch.contract) == (anchored_in.chain_id, anchored_in.address)
    assert [one.outcome for anchor in (first, batch) for one in anchor.attempts.all()] == ["MINED", "MINED"]
    assert send_due(now=NOW) == 0


def test_a_log_that_was_changed_is_refused_before_anything_is_spent(anchored_in: chain.Chain) -> None:
    head(1, 9)
    send_due(now=NOW)
    forged = head(2, 20, before=9)
    Anchor.objects.filter(pk=forged.pk).update(root="ab" * 32)
    nonce = anchored_in.next_nonce()
    send_due(now=NOW)
    assert state(forged) == "FAILED"
    assert "does not extend the one before" in forged.last_error
    assert (anchored_in.next_nonce(), forged.attempts.count()) == (nonce, 0)


def test_what_stands_already_is_adopted_and_not_sent_again(anchored_in: chain.Chain) -> None:
    first = head(1, 9)
    send_due(now=NOW)
    first.refresh_from_db()
    # The database is restored to before the sending.
    Anchor.objects.all().delete()
    again, height = head(1, 9), anchored_in.block_number()
    assert send_due(now=NOW) == 1
    assert (state(again), again.tx_hash, again.block_hash) == ("FINAL", first.tx_hash, first.block_hash)
    assert anchored_in.block_number() == height


def test_a_log_that_has_parted_from_the_chain_says_so(anchored_in: chain.Chain) -> None:
    head(1, 9)
    send_due(now=NOW)
    Anchor.objects.all().delete()
    other = head(1, 8)
    send_due(now=NOW)
    assert state(other) == "FAILED"
    assert "have parted" in other.last_error


def test_a_paused_contract_makes_it_wait_and_go_on(anchored_in: chain.Chain, embedded: EmbeddedChain) -> None:
    embedded.transact(anchored_in.contract.functions.pause())
    first = head(1, 9)
    send_due(now=NOW)
    assert (state(first), first.attempts.count()) == ("PENDING", 0)
    assert "paused" in first.last_error
    embedded.transact(anchored_in.contract.functions.unpause())
    assert send_due(now=NOW) == 1
    assert (state(first), first.last_error) == ("FINAL", "")


def test_a_key_without_the_role_is_told_what_it_lacks(anchored_in: chain.Chain, settings: Settings) -> None:
    settings.CHAIN_KEY_FILE.write_text(hashlib.sha256(b"another key").hexdigest())
    first = head(1, 9)
    send_due(now=NOW)
    assert state(first) == "PENDING"
    assert "ANCHOR_ROLE" in first.last_error


def test_the_chain_dies_and_comes_back(
    anchored_in: chain.Chain, embedded: EmbeddedChain, settings: Settings, free_port: Callable[[], int]
) -> None:
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"
    first, updated = head(1, 9), NOW + timedelta(seconds=3)
    assert send_due(now=updated) == 0
    assert (state(first), first.updated_at) == ("PENDING", updated)
    assert "does not answer" in first.last_error
    settings.CHAIN_RPC_URL = embedded.url
    assert send_due(now=NOW) == 1
    assert (state(first), first.last_error) == ("FINAL", "")


def test_without_a_chain_anchors_wait(settings: Settings) -> None:
    settings.CHAIN_RPC_URL = "none"
    first = head(1, 9)
    assert send_due(now=NOW) == 0
    assert (state(first), first.last_error, first.attempts.count()) == ("PENDING", "", 0)


def test_a_new_contract_gets_what_the_old_one_had_not_finished(anchored_in: chain.Chain) -> None:
    first = head(1, 9)
    Anchor.objects.filter(pk=first.pk).update(state="SENT", chain_id=5, contract="0x" + "11" * 20)
    first.attempts.create(nonce=0, tx_hash="0x" + "22" * 32, raw_tx=b"signed for another chain", created_at=NOW)
    assert send_due(now=NOW) == 1
    assert (state(first), first.contract) == ("FINAL", anchored_in.address)
    assert [one.outcome for one in first.attempts.order_by("pk")] == ["OTHER CHAIN", "MINED"]


# --- against a chain that misbehaves


def test_bytes_are_committed_before_they_are_sent_and_sent_again_after_a_crash() -> None:
    on, first = FakeChain(), head(1, 9)
    on.down = True
    assert tick(on) == 0
    on.down = False
    for call in range(1, 40):
        on.crash_in = call
        try:
            tick(on)
        except Crash:
            assert state(first) in {"PENDING", "SIGNED", "SENT", "MINED"}
            for raw in on.sent:
                assert first.attempts.filter(raw_tx=raw).exists(), "sent before it was committed"
        else:
            break
    assert state(first) == "FINAL"
    assert len(set(on.sent)) == 1, "the same bytes"
    assert on.world().emitted == ["head 1"]


def test_an_answer_that_got_lost_is_looked_up() -> None:
    on, first = FakeChain(), head(1, 9)
    on.lose_answers = True
    tick(on)
    assert (state(first), "answer was lost" in first.last_error) == ("SIGNED", True)
    assert tick(on) == 1
    assert (first.attempts.count(), on.world().emitted) == (1, ["head 1"])


def test_it_is_final_only_when_enough_blocks_stand_on_it(settings: Settings) -> None:
    settings.CHAIN_CONFIRMATIONS = 3
    on, first = FakeChain(), head(1, 9)
    tick(on)
    assert state(first) == "MINED"
    on.mine()
    assert (tick(on), state(first)) == (0, "MINED")
    on.mine()
    assert (tick(on), state(first)) == (1, "FINAL")


@pytest.mark.parametrize("forget", [True, False])
def test_a_reorganisation_is_noticed_shown_and_mended(settings: Settings, forget: bool) -> None:
    settings.CHAIN_CONFIRMATIONS = 3
    on, first = FakeChain(), head(1, 9)
    tick(on)
    raw, place = on.sent[0], first.attempts.get().tx_hash
    on.reorganise(1, forget=forget)
    tick(on)
    assert state(first) == "REORGED"
    assert "was replaced by another" in first.last_error
    tick(on)
    if not forget:
        on.mine()
        tick(on)
    assert (state(first), first.tx_hash) == ("MINED", place)
    on.mine()
    on.mine()
    tick(on)
    assert (state(first), set(on.sent), on.world().emitted) == ("FINAL", {raw}, ["head 1"])


def test_a_block_that_moved_gives_the_new_place(settings: Settings) -> None:
    settings.CHAIN_CONFIRMATIONS = 2
    on, first = FakeChain(), head(1, 9)
    tick(on)
    first.refresh_from_db()
    before = first.block_hash
    on.reorganise(1, forget=False)
    on.mine()
    tick(on)
    tick(on)
    assert (state(first), first.block_hash != before, first.block_number) == ("MINED", True, 2)


def test_one_goes_after_the_other() -> None:
    on, first, second = FakeChain(), head(1, 9), head(2, 20, before=9)
    on.automine = False
    tick(on)
    assert (state(first), state(second), len(on.pool)) == ("SENT", "PENDING", 1)
    on.mine()
    tick(on)
    assert (state(first), state(second)) == ("FINAL", "SENT")


def test_a_transaction_that_hangs_is_replaced_by_a_dearer_one_with_the_same_nonce() -> None:
    on, first = FakeChain(), head(1, 9)
    on.automine = False
    tick(on)
    tick(on, now=NOW + REPLACE_AFTER)
    assert first.attempts.count() == 1
    tick(on, now=NOW + REPLACE_AFTER + timedelta(seconds=1))
    old, new = first.attempts.order_by("pk")
    assert (new.nonce, list(on.pool)) == (old.nonce, [old.nonce])
    on.mine()
    assert tick(on, now=NOW + REPLACE_AFTER + timedelta(seconds=2)) == 1
    assert [one.outcome for one in first.attempts.order_by("pk")] == ["REPLACED", "MINED"]
    assert (state(first), first.tx_hash) == ("FINAL", new.tx_hash)


def test_the_older_of_two_attempts_may_win() -> None:
    on, first = FakeChain(), head(1, 9)
    on.automine = False
    tick(on)
    on.lowest_fee = 10**6
    late = NOW + REPLACE_AFTER + timedelta(seconds=1)
    tick(on, now=late)
    assert (state(first), first.last_error) == ("SENT", "underpriced")
    on.mine()
    assert tick(on, now=late) == 1
    assert (state(first), first.tx_hash) == ("FINAL", first.attempts.earliest("pk").tx_hash)


def test_a_fee_that_is_too_low_is_raised_until_it_is_taken() -> None:
    on, first = FakeChain(), head(1, 9)
    signed_low = on.sign_anchor(seq=1, size=9, root=first.root, proof=[], nonce=0)
    first.attempts.create(nonce=0, tx_hash=signed_low.tx_hash, raw_tx=signed_low.raw, created_at=NOW)
    Anchor.objects.filter(pk=first.pk).update(state="SIGNED", chain_id=on.chain_id, contract=on.address)
    on.lowest_fee = 11
    ticks = 0
    while state(first) != "FINAL":
        tick(on)
        ticks += 1
        assert ticks < 10
    assert first.attempts.count() == 3  # 8, 10, 12: each at least an eighth more
    assert on.world().emitted == ["head 1"]


def test_a_nonce_somebody_else_took_is_signed_anew() -> None:
    on, first = FakeChain(), head(1, 9)
    on.automine = False
    tick(on)
    on.pool.clear()
    on.mine(foreign=True)
    tick(on)
    assert state(first) == "PENDING"
    assert "took the nonce" in first.last_error
    on.automine = True
    assert tick(on) == 1
    assert [(one.nonce, one.outcome) for one in first.attempts.order_by("pk")] == [(0, "NONCE TAKEN"), (1, "MINED")]


def test_a_mined_transaction_that_reverted_is_tried_out_again_and_not_for_ever() -> None:
    on, first = FakeChain(), head(1, 9)
    on._sign = lambda tx: signed(tx | {"fee": 8, "reverts": "Whim"})  # type: ignore[method-assign]
    for _ in range(MOST_REVERTED + 1):
        tick(on)
    assert state(first) == "FAILED"
    assert first.attempts.filter(outcome="REVERTED").count() == MOST_REVERTED
    assert "Whim" in first.last_error


@pytest.mark.parametrize(
    ("name", "words"), [("TooSoon", "interval"), ("Paused", "paused"), ("NotEnoughWitnesses", "witness")]
)
def test_a_refusal_that_passes_is_waited_for(name: str, words: str) -> None:
    on, first = FakeChain(), head(1, 9)
    on.refuses = name
    tick(on)
    assert (state(first), words in first.last_error) == ("PENDING", True)
    on.refuses = ""
    assert tick(on) == 1


def test_a_failed_head_says_why_and_the_next_anchor_goes_on() -> None:
    on, bad, good = FakeChain(), head(7, 9), head(1, 9)
    tick(on)
    assert (state(bad), state(good)) == ("FAILED", "FINAL")
    assert "another head number" in bad.last_error


def test_a_chain_without_logs_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    on, first = FakeChain(), head(1, 9)
    monkeypatch.setattr(on, "anchored", lambda seq: None)
    tick(on)
    assert state(first) == "SENT"
    assert "keeps logs" in first.last_error
    monkeypatch.undo()
    assert tick(on) == 1


def test_an_empty_batch_is_named() -> None:
    empty = Anchor.objects.create(kind="RECORD", created_at=NOW, updated_at=NOW)
    tick(FakeChain())
    assert (state(empty), empty.last_error) == ("FAILED", "The batch holds no records.")


def test_part_of_a_batch_that_stands_is_completed() -> None:
    on = FakeChain()
    statement()
    anchor_events(now=END)
    record_settlements(now=END)
    row = SettlementRecord.objects.get()
    rival = on._sign({"call": "record", "records": [[row.settlement_id, "ee" * 32, "", row.run]], "nonce": 0})
    on.broadcast(rival.raw)
    tick(on)
    batch = Anchor.objects.get(kind="RECORD")
    assert batch.state == "FAILED"
    assert "another commitment" in batch.last_error


def test_a_process_that_was_overtaken_stops() -> None:
    on, first = FakeChain(), head(1, 9)
    asked = on.sign_anchor

    def slow(**call: object) -> object:
        Anchor.objects.filter(pk=first.pk).update(state="SIGNED")
        return asked(**call)  # type: ignore[arg-type]

    on.sign_anchor = slow  # type: ignore[method-assign, assignment]
    assert tick(on) == 0
    assert (state(first), first.attempts.count(), on.sent) == ("SIGNED", 0, [])


def test_a_final_head_that_a_deep_reorganisation_took_is_sent_again_before_the_next_is_signed() -> None:
    on, first = FakeChain(), head(1, 9)
    tick(on)
    assert state(first) == "FINAL"
    raw = on.sent[0]
    on.reorganise(1, forget=True)
    second = head(2, 20, before=9)
    tick(on)
    assert (state(first), state(second), on.sent[:2]) == ("FINAL", "FINAL", [raw, raw])
    assert [one.nonce for one in second.attempts.all()] == [1]
    assert on.world().emitted == ["head 1", "head 2"]


def test_a_node_that_counts_fewer_than_it_shows_is_not_signed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    on, first, second = FakeChain(), head(1, 9), head(2, 20, before=9)
    Anchor.objects.filter(pk=second.pk).update(state="FAILED")
    tick(on)
    Anchor.objects.filter(pk=second.pk).update(state="PENDING")
    monkeypatch.setattr(on, "next_nonce", lambda: 0)
    tick(on)
    assert (state(first), state(second), second.attempts.count()) == ("FINAL", "PENDING", 0)
    assert "counts 0 transactions of the chain key and shows the receipt of number 1" in second.last_error
    monkeypatch.undo()
    assert tick(on) == 1


def test_a_key_that_was_changed_in_flight_signs_anew_and_the_old_transaction_may_still_win() -> None:
    on, first = FakeChain(), head(1, 9)
    on.automine = False
    tick(on)
    old = first.attempts.get()
    assert (old.sender, old.max_fee_wei, old.priority_fee_wei, old.sent_at) == (on.sender, 8, 1, NOW)
    on.sender = "0x" + "7e" * 20
    on.pool.clear()
    tick(on)
    assert [(one.sender, one.outcome) for one in first.attempts.order_by("pk")] == [
        (old.sender, "OTHER KEY"),
        (on.sender, ""),
    ]
    on.pool = {0: json.loads(bytes(old.raw_tx))}
    on.mine()
    assert tick(on) == 1
    assert (state(first), first.tx_hash, on.world().emitted) == ("FINAL", old.tx_hash, ["head 1"])


def test_the_wait_before_a_dearer_one_counts_from_the_sending() -> None:
    on, first = FakeChain(), head(1, 9)
    on.automine, on.lose_answers = False, True
    signed_then = NOW - REPLACE_AFTER * 2
    cheap = on.sign_anchor(seq=1, size=9, root=first.root, proof=[], nonce=0)
    first.attempts.create(nonce=0, tx_hash=cheap.tx_hash, raw_tx=cheap.raw, created_at=signed_then, sender=on.sender)
    Anchor.objects.filter(pk=first.pk).update(state="SIGNED", chain_id=on.chain_id, contract=on.address)
    tick(on)
    on.lose_answers = False
    tick(on, now=NOW + timedelta(seconds=1))
    tick(on, now=NOW + REPLACE_AFTER)
    assert first.attempts.get().sent_at == NOW
    tick(on, now=NOW + REPLACE_AFTER + timedelta(seconds=1))
    assert first.attempts.count() == 2


def test_a_sending_that_never_answers_and_left_a_gap_before_it_is_signed_anew() -> None:
    on, first = FakeChain(), head(1, 9)
    on.next_nonce = lambda: 1  # type: ignore[method-assign] # the node told a nonce too high
    on.lose_answers = True
    tick(on)
    assert (state(first), first.attempts.get().nonce, list(on.pool)) == ("SIGNED", 1, [1])
    on.next_nonce = lambda: 2  # type: ignore[method-assign] # and counts what waits above the gap
    tick(on, now=NOW + REPLACE_AFTER + timedelta(seconds=1))
    assert [(one.nonce, one.outcome) for one in first.attempts.order_by("pk")] == [(1, "NONCE GAP"), (0, "")]
    on.lose_answers = False
    assert tick(on, now=NOW + REPLACE_AFTER + timedelta(seconds=2)) == 1
    assert on.world().emitted == ["head 1"]


def test_a_failed_anchor_that_is_put_back_in_line_goes_on_with_a_clean_count() -> None:
    on, first = FakeChain(), head(1, 9)
    fine = on._sign
    on._sign = lambda tx: signed(tx | {"fee": 8, "reverts": "Whim"})  # type: ignore[method-assign]
    for _ in range(MOST_REVERTED):
        tick(on)
    assert state(first) == "FAILED"
    retry(first, now=NOW)
    assert (state(first), first.last_error) == ("PENDING", "")
    tick(on)
    assert state(first) == "FAILED"
    outcomes = [one.outcome for one in first.attempts.order_by("pk")]
    assert outcomes == ["GIVEN UP"] * MOST_REVERTED + ["REVERTED"] * MOST_REVERTED
    retry(first, now=NOW)
    on._sign = fine  # type: ignore[method-assign]
    assert tick(on) == 1
    assert on.world().emitted == ["head 1"]


ACTIONS = st.one_of(
    st.just(("tick", 0)),
    st.tuples(st.just("crash"), st.integers(1, 12)),
    st.tuples(st.just("lose"), st.booleans()),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("automine"), st.booleans()),
    st.tuples(st.just("mine"), st.booleans()),
    st.tuples(st.just("forget"), st.integers(1, 2)),
    st.tuples(st.just("return"), st.integers(1, 2)),
    st.tuples(st.just("hang"), st.integers(1, 200)),
    st.just(("fee", 40)),
)


# Found by longer campaigns: a lost nonce below a later one, a foreign transaction lost below ours, the same bytes signed twice.
LOST_NONCE = [("tick", 0), ("tick", 0), ("forget", 1), ("forget", 2), ("mine", True), ("fee", 40)]
LOST_STRANGER = [("automine", False), ("mine", True), ("tick", 0), ("forget", 2), ("tick", 0), ("mine", False)]
SAME_BYTES = [("tick", 0), ("forget", 3), ("mine", True), ("tick", 0), ("tick", 0), ("forget", 1), ("tick", 0)]


@profile(max_examples=50, phases=[Phase.explicit, Phase.generate])  # shrinking would take minutes
@example(actions=LOST_NONCE)
@example(actions=LOST_STRANGER)
@example(actions=SAME_BYTES)
@given(actions=st.lists(ACTIONS, max_size=25))
def test_whatever_happens_each_effect_happens_once(actions: list[tuple[str, int]]) -> None:
    """Crashes, lost answers, dead chains, reorganisations below the finality depth, foreign transactions, rising fees."""
    Anchor.objects.all().delete()
    on, now = FakeChain(), NOW
    anchors = [head(1, 9), head(2, 20, before=9), head(3, 40, before=20)]
    with override_settings(CHAIN_CONFIRMATIONS=3):
        for name, much in actions:
            now += timedelta(seconds=1)
            if name in {"tick", "crash"}:
                on.crash_in = much
                with suppress(Crash):
                    tick(on, now=now)
                on.crash_in = 0
            elif name == "mine":
                on.mine(foreign=bool(much))
            elif name in {"forget", "return"}:
                on.reorganise(much, forget=name == "forget")
            elif name == "hang":
                now += timedelta(seconds=much)
            else:
                field = {"lose": "lose_answers", "fee": "lowest_fee"}.get(name, name)
                setattr(on, field, much)
        on.down = on.lose_answers = False
        on.automine = True
        for _ in range(60):
            now += timedelta(seconds=30)
            tick(on, now=now)
            on.mine()
    world = on.world()
    assert [state(one) for one in anchors] == ["FINAL"] * 3, [one.last_error for one in anchors]
    assert world.emitted == ["head 1", "head 2", "head 3"]
    assert [(one.seq, one.place.tx_hash, one.place.block_hash) for one in world.heads] == [
        (one.seq, one.tx_hash, one.block_hash) for one in anchors
    ]
    for anchor in anchors:
        assert anchor.attempts.filter(outcome="").count() == 0
