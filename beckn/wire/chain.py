"""Whether a peer's signature holds, by its profile: which signing strings it may have signed, the standard's own first.

In the newer drafts a callback names, in a fourth line that is not sent, the signature of the request it answers. So we try
it with each signature that our attempts at that request carried. What had to be forgiven is returned by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from beckn.wire import signing, tolerance
from beckn.wire.errors import WireError
from beckn.wire.profile import Profile
from beckn.wire.signing import Signature

LABELS = (("BLAKE-512", ""), ("BLAKE2b-512", "digest-label"))


def verify(
    signature: Signature, raw: bytes, public_key: str, *, profile: Profile, answered: Sequence[str] = ()
) -> list[str]:
    """The tolerances needed to verify. Raises WireError AUT_SIGNATURE_INVALID when nothing allowed fits.

    `answered` are the Authorization headers of the request that the message answers; empty when it answers none.
    """
    if signature.is_chained and not profile.is_chained:
        raise signing.unreadable(f"headers must be {signing.LINES!r}")
    for line, chain_name in chains(signature, answered):
        for label, label_name in LABELS:
            needed = [
                name for name in (chain_name, label_name, "" if signature.is_exact else "header-spelling") if name
            ]
            if not all(tolerance.allows(name, profile.name) for name in needed):
                continue
            text = signing.signing_string(raw, signature.created, signature.expires, answering=line, label=label)
            if signing.holds(signature.value, text, public_key):
                return needed
    raise WireError("AUT_SIGNATURE_INVALID", "The signature does not fit the body and the registered key.")


def chains(signature: Signature, answered: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The possible values of the fourth line (empty: there is none), each with the tolerance it needs."""
    if not signature.is_chained:
        yield "", "unchained-callback" if answered else ""
        return
    for header in answered:
        yield signing.value_of(header), ""
        yield header, "full-header-chain"
