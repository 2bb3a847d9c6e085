import base64
from datetime import UTC, datetime, timedelta

import pytest
from Crypto.Hash import BLAKE2b
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import signing
from beckn.wire.errors import WireError
from tests.unit.beckn.wire import refusal_of

SIGNER = signing.Signer.of("buyer.example", "key-1", bytes(range(32)))
NOW = datetime(2026, 1, 15, 17, 0, 0, tzinfo=UTC)
RAW = b'{"context":{},"message":{}}'


def parts(header: str) -> dict[str, str]:
    return dict(signing.PARAMETER.findall(header))


def join(named: dict[str, str], *, comma: str = ",", equals: str = "=") -> str:
    return "Signature " + comma.join(f'{name}{equals}"{value}"' for name, value in named.items())


def test_the_published_vector_verifies():
    # The worked example of BECKN-006: key, signing string and signature as published there.
    public = "awGPjRK6i/Vg/lWr+0xObclVxlwZXvTjWYtlu6NeOHk="
    secret = base64.b64decode(
        "lP3sHA+9gileOkXYJXh4Jg8tK0gEEMbf9yCPnFpbldhrAY+NErqL9WD+Vav7TE5tyVXGXBle9ONZi2W7o144eQ=="
    )
    signed = (
        "(created): 1641287875\n(expires): 1641291475\n"
        "digest: BLAKE-512=b6lf6lRgOweajukcvcLsagQ2T60+85kRh/Rd2bdS+TG/5ALebOEgDJfyCrre/1+BMu5nA94o4DT3pTFXuUg7sw=="
    )
    value = "cjbhP0PFyrlSCNszJM1F/YmHDVAWsZqJUPzojnE/7TJU3fJ/rmIlgaUHEr5E0/2PIyf0tpSnWtT6cyNNlpmoAQ=="
    signer = signing.Signer.of("bap.example.com", "k", secret[:32])
    assert signer.public_key == public
    assert base64.b64encode(signer.secret.sign(signed.encode()).signature).decode() == value
    assert signing.holds(base64.b64decode(value), signed, public)
    assert not signing.holds(base64.b64decode(value), signed + "\n", public)


@given(st.binary(max_size=300))
def test_digest_and_signature_agree_with_another_library(raw):
    hashed = BLAKE2b.new(digest_bits=512, data=raw).digest()
    assert signing.digest(raw) == f"BLAKE-512={base64.b64encode(hashed).decode()}"
    found = signing.parse(signing.sign(raw, SIGNER, now=NOW))
    key = ECC.import_key(_spki(base64.b64decode(SIGNER.public_key)))
    eddsa.new(key, "rfc8032").verify(signing.signing_string(raw, found.created, found.expires).encode(), found.value)


def _spki(public: bytes) -> bytes:
    return bytes.fromhex("302a300506032b6570032100") + public  # SubjectPublicKeyInfo of an Ed25519 key (RFC 8410)


@given(st.binary(max_size=300), st.binary(min_size=32, max_size=32))
def test_a_signature_verifies_its_own_bytes_only(raw, seed):
    signer = signing.Signer.of("a.example", "k", seed)
    found = signing.parse(signing.sign(raw, signer, now=NOW))
    signing.verify(found, raw, signer.public_key)
    for other in (raw + b" ", b"\n" + raw):
        with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
            signing.verify(found, other, signer.public_key)


def test_the_header_is_written_in_the_standards_spelling():
    header = signing.sign(RAW, SIGNER, now=NOW)
    named = parts(header)
    created = int(NOW.timestamp())
    assert header.startswith('Signature keyId="buyer.example|key-1|ed25519",algorithm="ed25519",created="')
    assert list(named) == ["keyId", "algorithm", "created", "expires", "headers", "signature"]
    assert (int(named["created"]), int(named["expires"])) == (created, created + 300)
    assert named["headers"] == "(created) (expires) digest"


@given(st.permutations(["keyId", "algorithm", "created", "expires", "headers", "signature"]), st.integers(0, 3))
def test_any_order_and_spacing_reads_the_same(order, spaces):
    header = signing.sign(RAW, SIGNER, now=NOW)
    named = parts(header)
    gap = " " * spaces
    other = join({name: named[name] for name in order}, comma=f"{gap},{gap}", equals=f"{gap}={gap}")
    assert signing.parse(other) == signing.parse(header)


@given(st.text(max_size=300))
def test_any_text_is_a_signature_or_a_clear_error(text):
    for tried in (text, f"Signature {text}", signing.sign(RAW, SIGNER, now=NOW) + text):
        problem = refusal_of(signing.parse, tried)
        assert problem is None or (problem.code.startswith("AUT_SIGNATURE_") and problem.http_status == 401)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "rsa"},
        {"keyId": "buyer.example|key-1"},
        {"keyId": "buyer.example|key-1|rsa"},
        {"keyId": "|key-1|ed25519"},
        {"keyId": "a|b|c|ed25519"},
        {"created": "0"},
        {"created": "-5"},
        {"created": "1e9"},
        {"created": "01641287875"},
        {"expires": "99999999999"},
        {"headers": "(created) (expires)"},
        {"headers": "digest (expires) (created)"},
        {"signature": "AAAA"},
        {"signature": "=" * 88},
        {"extra": "x"},
        {"signature": None},
    ],
    ids=str,
)
def test_anything_outside_the_grammar_is_refused(change):
    named = parts(signing.sign(RAW, SIGNER, now=NOW)) | change
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        signing.parse(join({name: value for name, value in named.items() if value is not None}))


def test_a_parameter_that_stands_twice_is_refused():
    header = signing.sign(RAW, SIGNER, now=NOW)
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        signing.parse(f'{header},created="1641287875"')


def test_base64_with_a_second_spelling_is_refused():
    header = signing.sign(RAW, SIGNER, now=NOW)
    value = parts(header)["signature"]
    assert value.endswith("==")
    twin = value[:-3] + chr(ord(value[-3]) + 1) + "=="  # the last character's unused bits differ
    assert base64.b64decode(twin) == base64.b64decode(value)
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        signing.parse(header.replace(value, twin))


def test_an_empty_header_is_missing_and_a_long_one_is_not_read():
    with pytest.raises(WireError, match="AUT_SIGNATURE_MISSING"):
        signing.parse("  ")
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        signing.parse(signing.sign(RAW, SIGNER, now=NOW) + " " * 2048)


@pytest.mark.parametrize(
    ("seconds", "fine"),
    [(-6, False), (-5.01, False), (-5, True), (0, True), (300, True), (300.01, False), (301, False)],
)
def test_created_may_be_five_seconds_ahead_and_expires_has_no_tolerance(seconds, fine):
    found = signing.parse(signing.sign(RAW, SIGNER, now=NOW))
    if fine:
        signing.check_times(found, now=NOW + timedelta(seconds=seconds))
        return
    with pytest.raises(WireError, match="AUT_SIGNATURE_INVALID"):
        signing.check_times(found, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("lifetime", [0, -1, signing.LONGEST_S + 1])
def test_a_signature_lives_longer_than_nothing_and_about_an_hour_at_most(lifetime):
    created = int(NOW.timestamp())
    found = signing.Signature("a", "k", created, created + lifetime, b"")
    with pytest.raises(WireError, match="within"):
        signing.check_times(found, now=NOW)


def test_a_key_of_small_order_verifies_nothing():
    zero = base64.b64encode(bytes(32)).decode()
    assert not signing.holds(bytes(64), "anything", zero)


def test_no_repr_shows_a_secret():
    assert "secret" not in repr(SIGNER)
