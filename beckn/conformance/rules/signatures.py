"""Signatures and identity: whatever is not signed by whom it says, now, over these bytes, is refused with 401."""

from __future__ import annotations

import dataclasses
import json

from beckn.conformance.exchange import JSON, Request
from beckn.conformance.kit import Kit, describe
from beckn.conformance.rule import Failed, Rule
from beckn.conformance.rules.refusal import UNAUTHORISED, Refusal

MISSING = frozenset({"AUT_SIGNATURE_MISSING"})
INVALID = frozenset({"AUT_SIGNATURE_INVALID"})
NO_SUBSCRIBER = frozenset({"AUT_SUBSCRIBER_NOT_FOUND"})
NO_KEY = frozenset({"AUT_KEY_NOT_FOUND"})
NOT_REGISTERED = NO_SUBSCRIBER | NO_KEY
REVOKED = frozenset({"AUT_KEY_EXPIRED_OR_REVOKED"})
NOT_YOU = frozenset({"AUT_UNAUTHORIZED_ACTION"})
ABOUT_HEADERS = frozenset({400, 401})
LONG_AGO_S, AHEAD_S = -900, 120


def headed(request: Request, *values: str) -> Request:
    """The request with these Authorization headers."""
    return dataclasses.replace(request, headers=(JSON, *(("Authorization", value) for value in values)))


def signature_of(request: Request) -> str:
    """Its Authorization header."""
    return request.headers[1][1]


def missing(kit: Kit) -> Request:
    """No header at all."""
    return headed(kit.sealed(kit.told()))


def garbled(kit: Kit) -> Request:
    """A header of another kind."""
    return headed(kit.sealed(kit.told()), "Bearer 0123456789")


def wrong_key(kit: Kit) -> Request:
    """Another key under the kit's key id."""
    forger = dataclasses.replace(kit.main, secret=kit.other.secret)
    return kit.sealed(kit.told(), identity=forger)


def tampered(kit: Kit) -> Request:
    """One byte that was not signed."""
    request = kit.sealed(kit.told())
    return dataclasses.replace(request, raw=request.raw[:-1] + b" }")


def moved(kit: Kit) -> Request:
    """A signature whose time was changed after signing."""
    request = kit.sealed(kit.told(), lifetime_s=300)
    created = signature_of(request).partition('created="')[2].partition('"')[0]
    return headed(
        request, signature_of(request).replace(f'expires="{int(created) + 300}"', f'expires="{int(created) + 290}"')
    )


def without_digest(kit: Kit) -> Request:
    """A signature that says itself that it does not cover the body."""
    return kit.sealed(kit.told(), lines="(created) (expires)")


def other_digest(kit: Kit) -> Request:
    """A digest by another algorithm, truthfully labelled."""
    return kit.sealed(kit.told(), label="SHA-256")


def other_algorithm(kit: Kit) -> Request:
    """A header that names another algorithm."""
    return kit.sealed(kit.told(), algorithm="rsa-sha256")


def twice(kit: Kit) -> Request:
    """A parameter that stands twice: two parsers may read two different headers."""
    request = kit.sealed(kit.told())
    created = signature_of(request).partition('created="')[2].partition('"')[0]
    return headed(request, signature_of(request).replace(",headers=", f',created="{created}",headers='))


def two_headers(kit: Kit) -> Request:
    """Two Authorization headers: two readers may take different ones."""
    request = kit.sealed(kit.told())
    return headed(request, signature_of(request), signature_of(kit.sealed(kit.told())))


def other_identity(kit: Kit) -> Request:
    """Signed by one registered participant, in the name of another."""
    return kit.sealed(kit.told(), identity=kit.other)


def challenge(kit: Kit) -> None:
    """Whoever is refused for its signature is told what to sign."""
    answer = kit.send_bad(missing(kit))
    offered = answer.headers.get("www-authenticate", "")
    if answer.status == 401 and not offered.startswith("Signature "):
        raise Failed(f"the 401 came with WWW-Authenticate {offered or 'missing'!r}")
    if answer.status == 401 and "(created) (expires) digest" not in offered:
        raise Failed(f"WWW-Authenticate does not name the lines to sign: {offered!r}")


def clock(kit: Kit) -> None:
    """Clocks differ by a little: three seconds ahead is nobody's fraud."""
    request = kit.sealed(kit.told(), created_s=3)
    answer = kit.send(request)
    if answer.status != 200:
        raise Failed(f"created 3 s ahead was answered {describe(answer)}")


def no_trace(kit: Kit) -> Request:
    """Well signed by a subscriber nobody knows."""
    stranger = f"stranger-{kit.main.subscriber_id}"
    told = kit.told(change={"bapId" if kit.target.role == "bpp" else "bppId": stranger})
    return kit.sealed(told, json.dumps(told).encode(), subscriber_id=stranger)


CASES = (
    Refusal("signature-missing", "A message without a signature is refused.", missing, UNAUTHORISED, MISSING),
    Refusal(
        "signature-garbled",
        "An Authorization header that is no Signature is refused.",
        garbled,
        UNAUTHORISED,
        MISSING | INVALID,
    ),
    Refusal(
        "signature-wrong-key",
        "A signature by another key than the registered one is refused.",
        wrong_key,
        UNAUTHORISED,
        INVALID,
    ),
    Refusal("signature-tampered", "A body that was changed after signing is refused.", tampered, UNAUTHORISED, INVALID),
    Refusal("signature-times-moved", "A time that was changed after signing is refused.", moved, UNAUTHORISED, INVALID),
    Refusal(
        "signature-stale",
        "A signature that has expired is refused.",
        lambda kit: kit.sealed(kit.told(), created_s=LONG_AGO_S),
        UNAUTHORISED,
        INVALID,
    ),
    Refusal(
        "signature-ahead",
        "A signature from the future is refused.",
        lambda kit: kit.sealed(kit.told(), created_s=AHEAD_S),
        UNAUTHORISED,
        INVALID,
    ),
    Refusal(
        "signature-no-digest",
        "A signature that leaves out the body's digest is refused.",
        without_digest,
        UNAUTHORISED,
        INVALID,
    ),
    Refusal(
        "signature-other-digest",
        "A digest by another algorithm than BLAKE2b-512 is refused.",
        other_digest,
        UNAUTHORISED,
        INVALID,
    ),
    Refusal(
        "signature-algorithm",
        "A header that names another algorithm than ed25519 is refused.",
        other_algorithm,
        UNAUTHORISED,
        INVALID,
    ),
    Refusal("signature-twice", "A header parameter that stands twice is refused.", twice, UNAUTHORISED, INVALID),
    Refusal("signature-two-headers", "Two Authorization headers are refused.", two_headers, ABOUT_HEADERS),
    Refusal(
        "identity-not-signer",
        "A message in the name of another participant than its signer is refused.",
        other_identity,
        frozenset({401, 403}),
        NOT_YOU,
        unless=NOT_REGISTERED,
    ),
    Refusal(
        "identity-unknown", "A subscriber the registry does not know is refused.", no_trace, UNAUTHORISED, NO_SUBSCRIBER
    ),
    Refusal(
        "key-unknown",
        "A key the registry does not know is refused.",
        lambda kit: kit.sealed(kit.told(), key_id="no-such-key"),
        UNAUTHORISED,
        NO_KEY,
    ),
    Refusal(
        "key-revoked",
        "A key that was revoked is refused.",
        lambda kit: kit.sealed(kit.told(), identity=kit.revoked),
        UNAUTHORISED,
        REVOKED,
        unless=NOT_REGISTERED,
    ),
)
RULES = (
    *(case.rule for case in CASES),
    Rule("signature-challenge", "A 401 says in WWW-Authenticate what is to be signed.", challenge),
    Rule("signature-clock", "A clock that is three seconds ahead is forgiven.", clock),
)
