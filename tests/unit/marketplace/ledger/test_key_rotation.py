"""The runbook of docs/howto/rotate-the-chain-key.md, step by step, against the real contract with a head in flight.

Another key administers it, as outside development. A stolen key is the same story with `pause` before it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from eth_account import Account
from pytest_django.fixtures import Settings

from marketplace.ledger import chain, merkle
from marketplace.ledger.sender import send_due
from marketplace.models import Anchor
from tests.embedded_chain import KEY, EmbeddedChain

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(9)]
COLD, NEXT = (hashlib.sha256(name).digest() for name in (b"the cold administrator", b"the next chain key"))
pytestmark = pytest.mark.django_db


def head(number: int, size: int, before: int) -> Anchor:
    return Anchor.objects.create(
        kind="HEAD", seq=number, size=size, root=merkle.root(LEAVES[:size]).hex(), created_at=NOW, updated_at=NOW,
        proof=[one.hex() for one in merkle.consistency_proof(LEAVES[:size], before)],
    )  # fmt: skip


def checked() -> dict[str, str]:
    """What `audit_deploy --check` says, by the first words of each line."""
    said = StringIO()
    try:
        call_command("audit_deploy", "--check", stdout=said)
    except SystemExit as end:
        said.write(f"     exit  {end.code}\n")
    lines = [line.strip().partition("  ") for line in said.getvalue().splitlines()]
    return {title.split(":")[0]: word for word, _, title in lines}


def test_the_runbook_changes_the_key_with_a_head_in_flight(
    embedded: EmbeddedChain, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, cold, new = (Account.from_key(key).address for key in (KEY, COLD, NEXT))
    embedded.account(NEXT)  # gives it money
    call_command("audit_deploy", "--admin", cold, "--pauser", cold, stdout=StringIO())
    on = chain.connect()
    assert on is not None
    anchor_role = on.contract.functions.ANCHOR_ROLE().call()
    first = head(1, 4, 0)
    assert send_due(now=NOW) == 1
    second = head(2, 9, 4)
    with monkeypatch.context() as lost:
        lost.setattr(chain.Chain, "broadcast", lambda self, raw: None)  # signed by the old key, and never arrived
        send_due(now=NOW)
    assert second.attempts.get().sender == old

    embedded.transact(on.contract.functions.pause(), COLD)
    settings.CHAIN_KEY_FILE.write_text(NEXT.hex())
    said = checked()
    assert (said["The chain key may write to it"], said["It takes new heads"], said["1"]) == (
        "FAILED",
        "FAILED",
        "exit",
    )
    send_due(now=NOW)
    second.refresh_from_db()
    assert (second.state, second.attempts.get().outcome) == ("PENDING", "OTHER KEY")
    assert second.last_error
    embedded.transact(on.contract.functions.grantRole(anchor_role, new), COLD)
    embedded.transact(on.contract.functions.revokeRole(anchor_role, old), COLD)
    embedded.transact(on.contract.functions.unpause(), COLD)
    assert set(checked().values()) == {"holds"}

    assert send_due(now=NOW) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("FINAL", "FINAL")
    assert second.attempts.get(outcome="MINED").sender == new
    events = on.contract.events.Anchored.get_logs(from_block=0)
    assert [one.args.seq for one in events] == [1, 2]
    # What the old key signed can do nothing any more.
    settings.CHAIN_KEY_FILE.write_text(KEY.hex())
    nonce = on.next_nonce()
    with pytest.raises(chain.RevertedError, match="AccessControlUnauthorizedAccount"):
        on.sign_anchor(seq=3, size=9, root=second.root, proof=[], nonce=nonce)
