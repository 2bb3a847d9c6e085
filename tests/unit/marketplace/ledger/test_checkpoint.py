"""Checkpoints are signed notes as C2SP has them, and a witness cosigns only what extends what it knows."""

from __future__ import annotations

import stat
from base64 import b64encode
from dataclasses import replace
from http.server import ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
import requests
import responses

from marketplace.ledger import merkle, witness
from marketplace.ledger.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Head,
    NoteError,
    PrivateKey,
    own_key,
    parse,
    public_key,
    signed_by,
)
from marketplace.ledger.key_file import KeyFileError
from marketplace.ledger.witness import Witness, cosigned, request_body
from marketplace.management.commands.audit_witness import handler_of
from tests.unit.marketplace.ledger import fsck

LOG = PrivateKey("caco.example/log", ED25519, bytes(range(32)))
OTHER = PrivateKey("caco.example/log", ED25519, b"o" * 32)
EYES = PrivateKey("witness.example/1", COSIGNATURE, b"w" * 32)
LEAVES = [merkle.leaf_hash(b"%d" % n) for n in range(20)]
AT = 1_700_000_000


def checkpoint(size, key=LOG, leaves=LEAVES):
    head = Head(key.name, size, merkle.root(leaves[:size]))
    return Checkpoint(head, head.text(), (key.sign(head.text()),))


@pytest.fixture
def eyes(tmp_path):
    return Witness(EYES, [LOG.public], tmp_path)


def submit(eyes, old, made, *, proof=None, leaves=LEAVES):
    path = merkle.consistency_proof(leaves[: made.head.size], old) if proof is None else proof
    return eyes.add_checkpoint(request_body(made, path, old=old), at=AT)


def test_a_known_note_of_the_standard_is_read_and_checked():
    """The example of c2sp.org/tlog-checkpoint; its key is not published with it, so another's signature must not hold."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    read = parse(note)
    assert (read.head.origin, read.head.size, read.note()) == ("example.com/behind-the-sofa", 20852163, note)
    assert len(read.signatures[0].value) == 64
    assert signed_by(read, [LOG.public]) == []


def test_keys_have_the_ids_that_go_tools_give_them():
    """The verifier key of the Go checksum database (sum.golang.org), as its own documentation prints it."""
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert public_key(vkey).text() == vkey
    assert public_key(EYES.public.text()) == EYES.public
    for wrong in ("", "a", "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", f"a+00+{'A' * 44}"):
        with pytest.raises(NoteError):
            public_key(wrong)


def test_another_reader_finds_the_same_in_it():
    made = checkpoint(7)
    both = replace(made, signatures=(*made.signatures, EYES.cosign(made.text, at=AT)))
    for key in (LOG, EYES):
        assert fsck.signed_head(both.note().encode(), key.public.text()) == (LOG.name, 7, merkle.root(LEAVES[:7]))
        assert [one.name for one in signed_by(both, [key.public])] == [key.name]
    assert parse(both.note()) == both
    forged = replace(both, text=both.text.replace("\n7\n", "\n8\n"))
    assert signed_by(forged, [LOG.public, EYES.public]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\n", "\n"),
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n-7\n"),
        ("— ", "- "),
        ("=\n\n", "\n\n"),
        ("caco.example/log\n", "\n"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_words(old, new):
    with pytest.raises(NoteError):
        parse(checkpoint(7).note().replace(old, new))


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    made = own_key(tmp_path / "keys" / "k2", name="a")
    assert own_key(tmp_path / "keys" / "k2", name="a") == made
    assert stat.S_IMODE((tmp_path / "keys" / "k2").stat().st_mode) == 0o400
    (tmp_path / "wrong").write_text("no key")
    with pytest.raises(KeyFileError, match="must hold one Ed25519 key as 64 hexadecimal characters"):
        own_key(tmp_path / "wrong", name="a")


def test_a_witness_follows_a_log_that_grows_and_remembers_it(eyes, tmp_path):
    for old, size in ((0, 3), (3, 3), (3, 11), (11, 16), (16, 20)):
        answer = submit(eyes, old, checkpoint(size))
        assert answer.status == 200, answer.body
        note = checkpoint(size).note() + answer.body
        assert fsck.signed_head(note.encode(), EYES.public.text())[1] == size
    again = Witness(EYES, [LOG.public], tmp_path)
    assert (submit(again, 3, checkpoint(11)).status, submit(again, 3, checkpoint(11)).body) == (409, "20\n")


def test_a_fork_is_refused_whatever_is_claimed_for_it(eyes):
    """The log shows one tree to the witness, and would have it cosign another."""
    assert submit(eyes, 0, checkpoint(8)).status == 200
    forked = [*LEAVES[:4], *(merkle.leaf_hash(b"other %d" % n) for n in range(16))]
    longer, equal, smaller = (checkpoint(size, leaves=forked) for size in (12, 8, 6))
    assert submit(eyes, 8, longer, leaves=forked).status == 422
    assert submit(eyes, 8, longer, proof=[]).status == 422
    assert submit(eyes, 4, longer, leaves=forked).status == 409
    assert submit(eyes, 0, longer, proof=[]).status == 409
    assert submit(eyes, 8, equal, proof=[]).status == 409
    assert submit(eyes, 8, smaller, proof=[]).status == 400
    assert submit(eyes, 8, checkpoint(12)).status == 200, "the honest log goes on"


def test_strangers_and_nonsense_are_told_apart(eyes):
    assert submit(eyes, 0, checkpoint(3, key=OTHER)).status == 403
    assert submit(eyes, 0, checkpoint(3, key=replace(LOG, name="another.example"))).status == 404
    assert submit(eyes, 0, checkpoint(3), proof=[b"x" * 32]).status == 422, "the first proof is empty"
    sound = request_body(checkpoint(3), [], old=0)
    for body in (b"", b"\xff", b"old 00\n\n", sound.replace(b"old 0", b"old 0\nAAAA"), sound[:-9]):
        assert eyes.add_checkpoint(body, at=AT).status == 400, body


@responses.activate
def test_the_log_carries_what_witnesses_gave_and_does_without_the_rest(eyes, settings):
    size_type = {"conflict": False}

    def post(request):
        answer = eyes.add_checkpoint(request.body, at=AT)
        size_type["conflict"] |= answer.content_type == "text/x.tlog.size"
        return answer.status, {"Content-Type": answer.content_type}, answer.body

    responses.add_callback(responses.POST, "http://127.0.0.1:1/w/add-checkpoint", callback=post, content_type=None)
    responses.add(responses.POST, "http://127.0.0.1:2/add-checkpoint", status=500, body="broken")
    liar = b64encode(EYES.public.key_id + bytes(72)).decode()
    responses.add(responses.POST, "http://127.0.0.1:3/add-checkpoint", body=f"— {EYES.name} {liar}\n")
    key = EYES.public.text()
    settings.LEDGER_WITNESSES = [f"{key} http://127.0.0.1:{port}" for port in ("1/w/", "2", "3")] + [
        "nonsense",
        f"{key} x",
    ]
    for old, size in ((0, 5), (0, 9), (9, 14)):  # the second time we have forgotten what it knows, and it tells us
        tree = SimpleNamespace(consistency_proof=lambda old, size=size: merkle.consistency_proof(LEAVES[:size], old))
        made = cosigned(checkpoint(size), tree, old=old)
        assert [one.name for one in made.signatures] == [LOG.name, EYES.name]
        assert fsck.signed_head(made.note().encode(), key)[1] == size
    assert size_type["conflict"]
    assert witness.TIMEOUT_S <= 10


def test_the_witness_answers_over_http(eyes):
    """What manage.py audit_witness serves, asked by what asks for a log."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(eyes)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            for old, size in ((0, 4), (0, 9)):  # at the second we are told which size it knows
                tree = SimpleNamespace(
                    consistency_proof=lambda old, size=size: merkle.consistency_proof(LEAVES[:size], old)
                )
                given = witness.ask(checkpoint(size), tree, key=EYES.public, url=url, old=old)
                assert [one.key_id for one in given] == [EYES.public.key_id]
            with pytest.raises(NoteError, match="it answered 404: This witness answers POST /add-checkpoint"):
                witness.ask(checkpoint(9), tree, key=EYES.public, url=f"{url}/elsewhere", old=9)
            assert requests.post(f"{url}/add-checkpoint", data=b"x" * 70_000, timeout=5).status_code == 413
            assert requests.get(url, timeout=5).status_code == 501
        finally:
            server.shutdown()
