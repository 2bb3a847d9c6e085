"""The offline verifier's own cryptography against the published vectors, and what it says of things that are no packs."""

from __future__ import annotations

import ast
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from verifiers import verify_pack
from verifiers.verify_pack import ed25519_holds, main, verify

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
LOW_ORDER = ["00" * 32, "01" + "00" * 31, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(public, message, signature):
    key, text, value = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519_holds(key, text, value)
    assert not ed25519_holds(key, text + b"\0", value)
    larger = int.from_bytes(value[32:], "little") + verify_pack.ORDER
    assert not ed25519_holds(key, text, value[:32] + larger.to_bytes(32, "little"))


@pytest.mark.parametrize("public", LOW_ORDER)
def test_keys_of_small_order_sign_nothing(public):
    assert not ed25519_holds(bytes.fromhex(public), b"x", bytes.fromhex("01" + "00" * 63))


@settings(max_examples=12)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=64),
    place=st.integers(0, 63),
    bit=st.integers(0, 7),
)
def test_it_agrees_with_libsodium(seed, message, place, bit):
    key = SigningKey(seed)
    value = bytearray(key.sign(message).signature)
    assert ed25519_holds(bytes(key.verify_key), message, bytes(value))
    value[place] ^= 1 << bit
    try:
        VerifyKey(bytes(key.verify_key)).verify(message, bytes(value))
        there = True
    except BadSignatureError:
        there = False
    assert ed25519_holds(bytes(key.verify_key), message, bytes(value)) is there


def test_it_needs_the_standard_library_alone():
    tree = ast.parse(Path(verify_pack.__file__).read_text())
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_pack_is_incomplete(content, tmp_path, capsys):
    path = tmp_path / "x.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("pack.json", '{"format": "another"}')
    else:
        path.write_bytes(content)
    assert verify(str(path))["exit"] == 21
    assert main([str(path)]) == 21
    assert "INCOMPLETE" in capsys.readouterr().out
