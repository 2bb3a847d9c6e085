from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import body, receipts, signing
from beckn.wire.errors import WireError
from beckn.wire.receipts import Receipt

SIGNER = signing.Signer.of("market.example", "key-1", bytes(range(32)))
OTHER = signing.Signer.of("other.example", "key-1", bytes(range(1, 33)))
NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
REQUEST = b'{"context":{"messageId":"m"},"message":{}}'
PROBLEM = WireError("SCH_INVALID_ENUM", "At /message: no", "/message")


def make_ack(message_id: str = "m") -> bytes:
    return receipts.ack(request=REQUEST, message_id=message_id, signer=SIGNER, now=NOW)


def make_nack() -> bytes:
    return receipts.nack(PROBLEM, request=REQUEST, message_id="m", signer=SIGNER, now=NOW)


def test_an_ack_says_so_in_both_spellings():
    told = body.parse(make_ack())
    assert told["status"] == "ACK"
    assert told["message"] == {"status": "ACK", "messageId": "m"}
    assert told["signature"].startswith('Signature keyId="market.example|key-1|ed25519"')
    assert receipts.read(make_ack()) == Receipt("ACK")


def test_a_nack_names_code_reason_and_place_in_both_spellings():
    told = body.parse(make_nack())
    assert told["error"] == {"errorCode": "SCH_INVALID_ENUM", "errorMessage": "At /message: no"}
    assert told["message"]["error"]["details"] == {"path": "/message"}
    assert receipts.read(make_nack()) == Receipt("NACK", "SCH_INVALID_ENUM", "At /message: no")


@pytest.mark.parametrize("make", [make_ack, make_nack])
def test_the_counter_signature_covers_receipt_request_and_message_id(make):
    raw = make()
    key = SIGNER.public_key
    assert receipts.is_countersigned(raw, request=REQUEST, message_id="m", public_key=key)
    assert not receipts.is_countersigned(raw, request=REQUEST + b" ", message_id="m", public_key=key)
    assert not receipts.is_countersigned(raw, request=REQUEST, message_id="n", public_key=key)
    assert not receipts.is_countersigned(raw, request=REQUEST, message_id="m", public_key=OTHER.public_key)
    forged = raw.replace(b'"NACK"', b'"ACK"') if b"NACK" in raw else raw.replace(b'"ACK"', b'"NACK"')
    assert not receipts.is_countersigned(forged, request=REQUEST, message_id="m", public_key=key)
    assert not receipts.is_countersigned(b"{}", request=REQUEST, message_id="m", public_key=key)


@pytest.mark.parametrize(
    ("form", "ack", "nack"),
    [
        ("lts", {"status": "ACK"}, {"status": "NACK", "error": {"errorCode": "SCH_INVALID_ENUM", "errorMessage": "At /message: no"}}),
        ("onix", {"message": {"status": "ACK", "messageId": "m"}}, {"message": {"status": "NACK", "messageId": "m", "error": {"code": "SCH_INVALID_ENUM", "message": "At /message: no", "details": {"path": "/message"}}}}),
        ("v1", {"message": {"ack": {"status": "ACK"}}}, {"message": {"ack": {"status": "NACK"}}, "error": {"code": "30000", "message": "At /message: no", "paths": "/message"}}),
    ],
)  # fmt: skip
def test_each_form_says_its_own_words_and_no_other(form, ack, nack):
    common = {"request": REQUEST, "message_id": "m", "signer": SIGNER, "now": NOW, "form": form}
    for raw, expected in ((receipts.ack(**common), ack), (receipts.nack(PROBLEM, **common), nack)):
        told = body.parse(raw)
        assert bool(told.pop("signature", "")) == (form == "lts")
        assert told == expected
        assert receipts.read(raw).status == ("ACK" if expected == ack else "NACK")


def proof(raw: bytes, header: str = "", *, form: str, keys: dict[str, str] | None = None) -> str:
    held = {"key-1": SIGNER.public_key} if keys is None else keys
    asked = signing.sign(REQUEST, OTHER, now=NOW)
    return receipts.proof(raw, header, request=REQUEST, authorization=asked, message_id="m", form=form, keys=held)


def test_a_receipt_is_proved_in_its_body_or_in_its_header():
    assert proof(make_ack(), form="merged") == "SIGNED"
    assert proof(make_ack("n"), form="merged") == "INVALID"
    assert proof(make_ack(), form="merged", keys={}) == "INVALID"
    assert proof(b'{"status":"ACK"}', form="lts") == "UNSIGNED"
    assert proof(b"<html>", form="lts") == "INVALID"
    raw = receipts.ack(request=REQUEST, message_id="m", signer=SIGNER, now=NOW, form="onix")
    answering = signing.value_of(signing.sign(REQUEST, OTHER, now=NOW))
    assert proof(raw, signing.sign(raw, SIGNER, now=NOW, answering=answering), form="onix") == "SIGNED"
    assert proof(raw, signing.sign(raw, SIGNER, now=NOW), form="onix") == "INVALID"
    assert proof(raw, "Signature nonsense", form="onix") == "INVALID"
    assert proof(raw, form="onix") == "UNSIGNED"
    assert proof(raw, form="v1") == ""


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'{"status":"ACK","signature":"x"}', Receipt("ACK")),
        (b'{"message":{"status":"ACK","messageId":"m"}}', Receipt("ACK")),
        (b'{"message":{"ack":{"status":"ACK"}}}', Receipt("ACK")),
        (b'{"status":"NACK","error":{"errorCode":"A","errorMessage":"b"}}', Receipt("NACK", "A", "b")),
        (b'{"message":{"status":"NACK","error":{"code":"A","message":"b"}}}', Receipt("NACK", "A", "b")),
        (b'{"message":{"ack":{"status":"NACK"},"error":{"code":"A","message":"b"}}}', Receipt("NACK", "A", "b")),
        (b'{"message":{"ack":{"status":"NACK"}},"error":{"code":"A"}}', Receipt("NACK", "A")),
        (b'{"status":"MAYBE"}', Receipt("")),
        (b'{"status":["ACK"]}', Receipt("")),
        (b"<html>", Receipt("")),
        (b"", Receipt("")),
    ],
)
def test_a_peers_receipt_is_read_in_all_spellings(raw, read):
    assert receipts.read(raw) == read


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.dictionaries(
    st.sampled_from(["status", "message", "ack", "error", "code", "errorCode"]), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_whatever_a_peer_answers_is_read_without_a_fault(told):
    try:
        raw = body.dump({"message": told, "error": told})
    except UnicodeEncodeError:
        return
    assert receipts.read(raw).status in ("ACK", "NACK", "")
