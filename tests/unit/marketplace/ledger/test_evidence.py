"""A pack made from a real log on a real chain holds, shows what its reader may see and no more, and names what was changed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from nacl.signing import SigningKey

from beckn.models import InboxMessage
from beckn.registry import register
from beckn.wire import signing
from beckn.wire.context import Party
from benchmarks.audit_tamper import SCRIPT, outline
from marketplace.ledger import chain, deployment, reader, sender
from marketplace.ledger.evidence_scope import Scope
from marketplace.management import audit_steps
from marketplace.management.audit_steps import refused_rewrite
from marketplace.models import Event, Order, User
from marketplace.queries.evidence import everything, sight_of
from marketplace.rules.errors import MarketError
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.confirm_order import confirm_order
from marketplace.usecases.export_evidence import export_evidence
from marketplace.usecases.record_meter import record_meter
from marketplace.usecases.record_settlements import record_settlements
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_activation import settle_activation
from marketplace.usecases.settle_order import settle_order
from marketplace.usecases.write_manifest import write_manifest
from tests.embedded_chain import EmbeddedChain
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, SECOND
from tests.unit.marketplace.usecases.test_carry_rounding import half_a_penny_each
from tests.unit.marketplace.usecases.test_settle_order import cancelled_late
from verifiers.verify_pack import NOTHING_GIVEN, Given, verify

Verified = Callable[..., dict[str, Any]]
NODE = shutil.which("node")
LATER = END + timedelta(days=1)


@pytest.fixture
def log(db: None, anchored_in: chain.Chain, embedded: EmbeddedChain) -> Order:
    """A sale whose first reading was revised: run II, its correction, two heads, and manifests, all final on chain.

    Beside it three orders that were never called, with half a penny each to carry, and one that was cancelled late.
    """
    key = SigningKey.generate()
    public = base64.b64encode(bytes(key.verify_key)).decode()
    party = Party(market.BUYER, "http://127.0.0.1:9/beckn/bap")
    register(party, role="bap", key_id="k1", public_key=public, now=timezone.now())
    site = market.site()
    order = market.initialised(market.offer(site))
    digest = said(order, signing.Signer(market.BUYER, "k1", key), public)
    confirm_order(
        transaction_id=order.transaction_id, buyer_subscriber_id=market.BUYER, agreed_pence=order.quote_pence,
        request_digest=digest, now=market.NOW,
    )  # fmt: skip
    activation = market.dispatched(Order.objects.get(pk=order.pk), market.instruction("400"))
    record(site, settled.history() | {FIRST: 250_000, SECOND: 310_000}, now=END)
    settle_activation(activation=activation, now=END)
    half_a_penny_each(site.organisation, 3)
    settle_order(order=cancelled_late(market.site(site.organisation, "hull-1")), now=END)
    final(LATER)
    record(site, {FIRST: 262_345}, now=LATER)
    resettle(activation=activation, reason="NEW_READINGS", now=LATER)
    final(LATER + timedelta(hours=1))
    return activation.order


def said(order: Order, signer: signing.Signer, public: str) -> str:
    """The buyer's confirmation, as our inbox keeps one; its digest."""
    raw, now = json.dumps({"context": {"action": "confirm"}, "message": {}}).encode(), timezone.now()
    InboxMessage.objects.create(
        role="bpp", subscriber_id=market.BUYER, action="confirm", message_id=uuid4(), transaction_id=order.transaction_id,
        authorization=signing.sign(raw, signer, now=now), public_key=public, raw=raw, digest="", receipt=b"",
        received_at=now, next_attempt_at=now,
    )  # fmt: skip
    return signing.hashed(raw).hex()


def record(site: Any, readings: dict[Any, int], *, now: Any) -> None:
    rows = [{"start": start, "import_wh": wh} for start, wh in readings.items()]
    record_meter(site=site, rows=rows, source="meter", label="MEASURED", now=now)


def final(now: Any) -> None:
    """Count, number, anchor and record until nothing waits."""
    for _ in range(3):
        anchor_events(now=now)
        write_manifest(now=now)
        record_settlements(now=now)
        sender.send_due(now=timezone.now())


WHOLE = Scope()


def pack_of(out: Path, scope: Scope = WHOLE, user: User | None = None) -> Path:
    sight = everything() if user is None else sight_of(user)
    export_evidence(sight=sight, scope=scope, out=out, chain=reader.installed(), code_hash="0x", now=LATER)
    return out


def judged(path: str, given: Given = NOTHING_GIVEN) -> dict[str, Any]:
    """The first verifier's report, after the second has said the same wherever there is a node to run it."""
    report = verify(path, given)
    if NODE is not None:
        named = {
            "--contract": given.contract,
            "--anchor-key": given.anchor_key,
            "--chain-id": given.chain_id,
            "--rpc": given.rpc,
        }
        options = [word for name, value in named.items() if value for word in (name, str(value))]
        done = subprocess.run([NODE, SCRIPT, "--json", *options, path], capture_output=True, text=True, check=False)
        assert done.returncode == report["exit"], done.stdout + done.stderr
        assert outline(json.loads(done.stdout)) == outline(report)
    return report


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["status"] for one in report["checks"]}


def lines(pack: Path, name: str) -> list[Any]:
    with zipfile.ZipFile(pack) as found:
        return [json.loads(line) for line in found.read(name).splitlines()]


def changed(pack: Path, name: str, change: Callable[[str], str]) -> Path:
    """A copy with one file changed."""
    copy = pack.with_name("changed.zip")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(copy, "w") as new:
        for one in old.namelist():
            new.writestr(one, change(old.read(one).decode()) if one == name else old.read(one))
    return copy


def test_the_whole_log_holds_and_a_changed_reading_is_named_by_its_half_hour(
    log, anchored_in, embedded, tmp_path, monkeypatch
):
    pack = pack_of(tmp_path / "pack.zip")
    sender_key = anchored_in._account().address
    given = Given(contract=anchored_in.address, chain_id=anchored_in.chain_id, anchor_key=sender_key, rpc=embedded.url)
    report = judged(str(pack), given)
    assert report["exit"] == 0, report
    assert set(statuses(report).values()) == {"held"}
    counted = {one["check"]: one["counted"] for one in report["checks"]}
    (notes,) = [one["notes"] for one in report["checks"] if one["check"] == "V6"]
    assert "1 entries name the signed request they follow from, and it is here" in notes
    names = ("V4", "V5", "V6", "V8", "V9", "V10")
    assert [counted[name] for name in names] == [2, 1, 1, 6, 4, 6]  # V9: two of meters, two manifests
    report = judged(str(changed(pack, "readings.jsonl", lambda text: text.replace(",262345]", ",262346]"))))
    assert (report["exit"], [one["start"] for one in report["half_hours"]]) == (18, ["2024-01-16T17:00Z"])
    report = judged(str(pack), Given(contract="0x" + "11" * 20))
    assert report["exit"] == 17
    assert refused_rewrite(pack, audit_steps.Chain(embedded.url, deployment.deployment())) == "BadConsistency"
    monkeypatch.setattr(audit_steps, "rewritten", audit_steps.grown)
    assert refused_rewrite(pack, audit_steps.Chain(embedded.url, deployment.deployment())) == ""
    again = pack_of(tmp_path / "again.zip")
    assert again.read_bytes() == pack.read_bytes()
    assert Event.objects.filter(type="audit.exported").count() == 2


def test_each_reader_gets_a_pack_of_what_they_may_see(log, tmp_path):
    site = log.offer.site
    seller, rival = market.person(site.organisation, "OPERATOR"), market.person(market.organisation("Rival"), "ADMIN")
    auditor = market.person(market.organisation("Watch", kind="AUDITOR"), "VIEWER")
    own = pack_of(tmp_path / "own.zip", Scope(organisation=site.organisation), seller)
    report = judged(str(own))
    assert (report["exit"], statuses(report)["V8"], statuses(report)["V6"]) == (0, "held", "held")
    order = pack_of(tmp_path / "order.zip", Scope(order=log), seller)
    report = judged(str(order))
    assert (report["exit"], statuses(report)["V8"], report["pack"]["leaves"]) == (0, "held", "proven")
    assert all("path" in line for line in lines(order, "entries.jsonl"))
    report = judged(str(pack_of(tmp_path / "audit.zip", Scope(), auditor)))
    assert (report["exit"], statuses(report)["V8"], statuses(report)["V6"]) == (0, "held", "not_in_pack")
    nothing = pack_of(tmp_path / "rival.zip", Scope(), rival)
    assert (
        lines(nothing, "payloads.jsonl") + lines(nothing, "settlements.jsonl") + lines(nothing, "readings.jsonl") == []
    )
    report = judged(str(nothing))
    assert (report["exit"], statuses(report)["V1"], statuses(report)["V3"]) == (0, "not_in_pack", "held")


def test_a_days_range_and_the_command(log, tmp_path, capsys):
    out = tmp_path / "range.zip"
    call_command("audit_export", out=str(out), first="2024-01-17", last="2024-01-17")
    assert "entries shown of" in capsys.readouterr().out
    report = judged(str(out))
    assert (report["exit"], report["pack"]["scope"]["kind"]) == (0, "range")
    for wrong, what in (({"order": "x"}, "no order x"), ({"first": "x"}, "not a day"), ({"email": "x"}, "nobody")):
        with pytest.raises(CommandError, match=what):
            call_command("audit_export", out=str(out), **wrong)


def test_before_the_first_head_there_is_nothing_to_export(db, tmp_path):
    with pytest.raises(MarketError, match="no tree head"):
        export_evidence(sight=everything(), scope=Scope(), out=tmp_path / "x.zip", chain=None, now=END)
    assert list(tmp_path.iterdir()) == []
