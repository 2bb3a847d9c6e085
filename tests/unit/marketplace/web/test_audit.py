"""The public pages: the same for everybody, checked by an independent reader over HTTP, and without a word about anybody."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from marketplace import events
from marketplace.ledger import merkle
from marketplace.ledger.log import leaf_hashes, log_size
from marketplace.ledger.published import own_key, publish
from marketplace.ledger.sequencer import sequence
from marketplace.models import Anchor, LedgerEntry, MsidPair, Offer, Organisation, Site, User
from tests.unit.marketplace.ledger import fsck
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import NOW, World

SignedIn = Callable[[User], Client]


@pytest.fixture
def public(world: World, settings, tmp_path, monkeypatch) -> Path:
    """The market's log with a telling event more, published."""
    with transaction.atomic():
        payload = {"site": world.site.name, "msid": world.site.msid, "postcode": "LS1 4AP", "price_pence": "1234500"}
        concerned, subject = [world.site.organisation], f"site:{world.site.slug}"
        events.append(type="offer.published", subject=subject, payload=payload, organisations=concerned, now=NOW)
    sequence(now=NOW)
    settings.LEDGER_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "log", tmp_path / "key"
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    assert publish() is not None
    return tmp_path / "log" / "public"


def fetch(path: str) -> bytes:
    """A published file over HTTP."""
    answer = Client().get(f"/audit/log/{path}")
    assert answer.status_code == 200, path
    return answer.content


def every_public_address() -> Iterator[str]:
    """All that the public pages link and serve."""
    size, first = log_size(), LedgerEntry.objects.get(seq=0)
    head = Anchor.objects.get(kind="HEAD", seq=1)
    yield reverse("audit")
    for asked in (
        "0",
        first.leaf_hash,
        head.root,
        head.tx_hash or "0x" + "ab" * 32,
        "nonsense",
        "' OR 1=1 --",
        "9" * 200,
    ):
        yield reverse("audit") + f"?hash={asked}"
    yield from (reverse("audit-entry", args=[seq]) for seq in range(size))
    yield from (reverse("audit-proof", args=[seq]) for seq in range(size))
    yield from (reverse("audit-key"), reverse("audit-checkpoint"), reverse("audit-consistency", args=[1, size]))
    yield from (f"/audit/log/tile/{kind}/000.p/{size}" for kind in ("0", "entries"))


def said_of_parties() -> set[str]:
    """Words and figures that belong to somebody."""
    words = {name for row in Organisation.objects.all() for name in (row.name, row.slug, row.beckn_subscriber_id)}
    words |= {name for row in Site.objects.all() for name in (row.name, row.slug, row.msid)}
    words |= {str(row.import_msid) for row in MsidPair.objects.all()}
    words |= {user.email for user in User.objects.all()}
    words |= {str(value) for value in Offer.objects.values_list("utilisation_price_gbp_per_kwh", flat=True)}
    words |= {"LS1 4AP", "1234500", "12,345"}
    return {word for word in words if word and len(word) > 3}


def test_no_public_answer_names_anybody_or_any_price(public: Path, world: World, signed_in: SignedIn) -> None:
    """Also not to somebody who is signed in: what is cached for one is shown to all."""
    secret = said_of_parties()
    assert len(secret) > 20
    clients = (Client(), signed_in(world.operator))
    for path in every_public_address():
        answers = [client.get(path) for client in clients]
        assert answers[0].content == answers[1].content, path
        assert answers[0].status_code == 200, path
        assert "cookie" not in answers[1].get("Vary", "").lower()
        assert answers[0]["Cache-Control"].startswith("public, max-age=")
        text = answers[0].content.decode("utf-8", "replace")
        assert {word for word in secret if word in text} == set(), path
        assert not re.search(r"£|pence|GBP|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b", text), path


def test_an_independent_reader_derives_the_log_from_what_is_served(public: Path) -> None:
    vkey = Client().get(reverse("audit-key")).content.decode().strip()
    leaves = fsck.check(fetch, vkey)
    assert len(leaves) == log_size()
    for seq in (0, len(leaves) // 2, len(leaves) - 1):
        proof = Client().get(reverse("audit-proof", args=[seq]))
        assert proof["Content-Disposition"] == f'attachment; filename="entry-{seq}.tlog-proof"'
        assert fsck.proven(proof.content, leaves[seq], vkey) == seq
        with pytest.raises(fsck.Unsound):
            fsck.proven(proof.content, leaves[seq - 1], vkey)
    tile = Client().get(f"/audit/log/tile/0/000.p/{len(leaves)}")
    assert tile["Content-Type"] == "application/octet-stream"
    assert "immutable" in tile["Cache-Control"]
    assert Client().get(reverse("audit-checkpoint"))["Cache-Control"] == "public, max-age=5"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/0/../../key",
        "tile/sealed/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "../sealed/000",
        "key",
        "heads",
    ],
)
def test_nothing_else_is_served(public: Path, path: str) -> None:
    assert Client().get(f"/audit/log/{path}").status_code == 404


def test_a_hash_is_looked_up_and_the_path_is_drawn(public: Path, world: World) -> None:
    entry = LedgerEntry.objects.get(seq=3)
    page = Client().get(reverse("audit"), {"hash": f" 0x{entry.leaf_hash.upper()} "})
    assert f'href="{reverse("audit-entry", args=[3])}"' in page.content.decode()
    assert read(page).faults() == []
    drawn = Client().get(reverse("audit-entry", args=[3]))
    assert read(drawn).faults() == []
    text, path = drawn.content.decode(), merkle.inclusion_proof(leaf_hashes(log_size()), 3)
    assert [text.index(one.hex()) for one in path] == sorted(text.index(one.hex()) for one in path)
    assert text.count('<rect class="path-other"') == len(path)
    root = merkle.root(leaf_hashes(log_size())).hex()
    assert text.rindex(root) > text.index(path[-1].hex())
    assert "Nothing in this log has that hash" in Client().get(reverse("audit"), {"hash": "ab" * 32}).content.decode()
    assert Client().get(reverse("audit-entry", args=[10**6])).status_code == 404
    assert Client().get(reverse("audit-consistency", args=[5, 10**6])).status_code == 404


def test_each_head_shows_how_it_extends_the_one_before(public: Path) -> None:
    hashes = leaf_hashes(log_size())
    assert f'href="{reverse("audit-consistency", args=[4, 7])}"' in Client().get(reverse("audit")).content.decode()
    old, new, *proof = Client().get(reverse("audit-consistency", args=[4, 7])).content.decode().splitlines()
    assert old == f"old 4 {merkle.root(hashes[:4]).hex()}"
    assert new == f"new 7 {merkle.root(hashes[:7]).hex()}"
    assert merkle.verify_consistency(
        old_size=4, new_size=7, old_root=merkle.root(hashes[:4]), new_root=merkle.root(hashes[:7]),
        proof=[bytes.fromhex(one) for one in proof],
    )  # fmt: skip


def test_a_head_is_submitted_until_it_is_final_and_no_chain_is_said(public: Path, settings) -> None:
    Anchor.objects.filter(kind="HEAD").update(state="MINED")
    page = Client().get(reverse("audit")).content.decode()
    assert "Submitted" in page
    assert "Mined" not in page
    assert "No head is final yet." in page
    Anchor.objects.filter(kind="HEAD").update(state="FINAL")
    assert ">Anchored</span>" in Client().get(reverse("audit")).content.decode()
    settings.CHAIN_RPC_URL = "none"
    Anchor.objects.filter(kind="HEAD").update(state="PENDING")
    page = Client().get(reverse("audit")).content.decode()
    assert "NO_CHAIN" in page
    assert "Submitted" not in page


def test_damaged_and_missing_files_are_said_in_words(public: Path, settings) -> None:
    (public / "checkpoint").write_text("not ours")
    page = Client().get(reverse("audit"))
    assert (page.status_code, "The published files are damaged" in page.content.decode()) == (200, True)
    assert Client().get(reverse("audit-entry", args=[0])).status_code == 404
    settings.LEDGER_DIR = None
    page = Client().get(reverse("audit"))
    assert "keeps no files of its log" in page.content.decode()
    assert read(page).faults() == []
    for name, args in (("audit-entry", [0]), ("audit-proof", [0]), ("audit-checkpoint", []), ("audit-key", [])):
        assert Client().get(reverse(name, args=args)).status_code == 404


def test_the_proof_file_of_an_entry_is_its_parties_alone(public: Path, world: World, signed_in: SignedIn) -> None:
    entries = LedgerEntry.objects.select_related("event")
    newest = next(one.seq for one in entries if b"LS1 4AP" in bytes(one.event.payload))
    told = json.loads(signed_in(world.operator).get(reverse("entry-proof", args=[newest])).content)
    assert world.site.name in told["entry"]["payload"]
    assert merkle.leaf_hash(told["entry"]["leaf"].encode()).hex() == told["entry"]["leaf_hash"]
    assert len(told["entry"]["org_seqs"]) == len(told["entry"]["parties"]) > 0
    assert signed_in(world.other).get(reverse("entry-proof", args=[newest])).status_code == 404
    assert Client().get(reverse("entry-proof", args=[newest])).status_code == 302
    assert own_key().public.text() in Client().get(reverse("audit")).content.decode().replace("&#x2B;", "+")
