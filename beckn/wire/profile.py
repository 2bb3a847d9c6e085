"""How each counterparty speaks: one profile a peer, chosen by whoever runs this installation and never guessed per message.

`lts` is 2.0.0 LTS with receipts that later drafts can read too; `lts-pure` answers with nothing beyond LTS (some strict
tools refuse the extra member); `onix` has the payloads of LTS with the receipts and four-line callback signatures of the
newer drafts; `v1` is the 1.1 family (beckn.wire.v1). A value here only says what differs; what is forgiven is in
beckn.wire.tolerance, and how a message is read and written by it in beckn.wire.dialect.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """What a peer expects of us and we of it.

    `receipts` names the spelling of receipt bodies (beckn.wire.receipts). With `is_chained`, a callback that answers and
    every receipt are signed over the signature they answer. `delivered` are the HTTP statuses at which an ACK means
    delivered, `no_callback` the one for "taken, but no callback will come", `conflict` the one for a message id that was
    used for another body.
    """

    name: str
    version: str
    receipts: str
    is_chained: bool
    delivered: frozenset[int]
    no_callback: int
    conflict: int

    @property
    def is_v1(self) -> bool:
        """Whether its messages are those of 1.1 and pass through the adapter."""
        return self.version.startswith("1.")


# 409 is "acknowledged, no callback" in LTS and a conflict in the drafts, whose word for the former is 202.
LTS = Profile("lts", "2.0.0", "merged", False, frozenset({200, 202, 409}), 409, 400)
LTS_PURE = Profile("lts-pure", "2.0.0", "lts", False, frozenset({200, 202, 409}), 409, 400)
ONIX = Profile("onix", "2.0.0", "onix", True, frozenset({200, 202}), 202, 409)
V1 = Profile("v1", "1.1.1", "v1", False, frozenset({200, 202}), 200, 400)
PROFILES = {one.name: one for one in (LTS, LTS_PURE, ONIX, V1)}


def named(name: str) -> Profile:
    """The profile of that name. Raises ValueError with the names there are."""
    if name not in PROFILES:
        raise ValueError(f"{name!r} is no profile; there are {', '.join(PROFILES)}")
    return PROFILES[name]
