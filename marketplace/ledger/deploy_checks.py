"""What should be true of the audit contract that this installation anchors in, asked of the chain after it was deployed.

It changes nothing and may be asked at any time: after a deployment, a rotation of the key, or a hand-over of a role.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from marketplace.ledger import chain
from marketplace.ledger.checks import Check
from marketplace.ledger.deploy import blanked, introduced, is_development
from marketplace.ledger.deployment import Deployment, artefact, rpc_url

ONE_KEY = "the anchoring key is the administrator too: whoever takes it can also grant roles, resume and close the log"


def deployed_checks(where: Deployment) -> tuple[Check, ...]:
    """Every check of the contract at `where`. Raises ChainError when the chain cannot be asked."""
    web3 = chain.open_rpc(rpc_url() or "")
    development = is_development(introduced(web3)[1])
    found = chain.Chain(web3, where)
    found.verify()
    with chain.asking():
        return tuple(checks_of(found, development=development))


def checks_of(found: chain.Chain, *, development: bool) -> Iterator[Check]:
    """One after the other. `development`: one key may hold every role."""
    asked, own = found.contract.functions, found.sender
    code = bytes(found.web3.eth.get_code(found.contract.address))
    built = bytes.fromhex(artefact()["deployedBytecode"][2:])
    yield check(
        "code", "The code is the committed build", blanked(code) == blanked(built), "it differs: build it again"
    )
    origin = hashlib.sha256(settings.LEDGER_LOG_ID.encode()).digest()
    other = f"it was deployed for another log than {settings.LEDGER_LOG_ID}"
    yield check("origin", "It is for this log", bytes(asked.originHash().call()) == origin, other)
    lacks = f"an administrator must grant ANCHOR_ROLE to {own}"
    writes = asked.hasRole(asked.ANCHOR_ROLE().call(), own).call()
    yield check("anchor_role", "The chain key may write to it", writes, lacks)
    yield check("open", "It takes new heads", not asked.isSealed().call() and not asked.head().call()[3], closed(asked))
    wanted = asked.witnessThreshold().call()
    words = f"it wants {wanted} witness signatures a head, and the sender collects none"
    yield check("witnesses", "It wants no signature that the sender cannot bring", wanted == 0, words)
    apart = str(asked.defaultAdmin().call()).lower() != own.lower()
    title = "Another key than the anchoring one administers it"
    if development and not apart:
        yield Check("administrator", title, None, "on a development chain one key may hold every role")
    else:
        yield check("administrator", title, apart, ONE_KEY)


def closed(asked: Any) -> str:
    """Why it takes no heads."""
    return f"it is closed; its successor is {asked.successor().call()}" if asked.isSealed().call() else "it is paused"


def check(name: str, title: str, held: bool, otherwise: str) -> Check:
    """A check that could be made."""
    return Check(name, title, bool(held), "it does" if held else otherwise)
