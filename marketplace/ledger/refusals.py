"""What a chain's refusals mean: the words of nodes as our errors, and the contract's errors as sentences.

Nodes differ in their words, so every phrase known from one is listed here. What is done about a refusal is the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marketplace.ledger.deployment import artefact
from marketplace.ledger.onchain import (
    ChainError,
    ChainUnavailableError,
    NonceUsedError,
    RevertedError,
    UnderpricedError,
)

NONCE_USED = ("nonce too low", "oldnonce")  # geth, Besu, Reth; Nethermind
UNDERPRICED = (
    "underpriced",  # geth, and Besu and ganache of a replacement
    "less than block base fee",  # geth, Reth
    "below current base fee",  # Besu
    "below configured minimum gas price",  # Besu
    "fee too low",
    "feetoolow",  # Nethermind
)
KNOWN = ("already known", "known transaction", "already imported", "alreadyknown")
GANACHE_NONCE = re.compile(r"account has nonce of: (\d+) tx has nonce of: (\d+)")
# The contract will take the same call later, or once an administrator has acted.
WAITS = {
    "TooSoon": "The contract takes one head in a while; this one is sent when the interval is over.",
    "Paused": "The contract is paused by its administrator; sending goes on when it is resumed.",
    "AccessControlUnauthorizedAccount": "The chain key may not write to this contract: grant it ANCHOR_ROLE.",
    "NotEnoughWitnesses": "The contract wants witness signatures, which this version does not collect.",
}
REASONS = {
    "WrongSeq": "The contract expects another head number than this log does.",
    "NotGrowing": "The contract holds a head over as many entries already.",
    "BadConsistency": "The contract refuses this head: it does not extend the one before. The log was changed, or restored from an old backup.",
    "Conflict": "The contract holds another commitment for one of these records.",
    "ZeroCommitment": "One of these records has no settlement id or commitment.",
    "UnknownPredecessor": "A record corrects one that does not stand in the contract.",
    "AlreadySuperseded": "A record corrects one that another record corrected before.",
    "SealedLog": "The contract is closed for good; deploy its successor.",
}


@contextmanager
def asking() -> Iterator[None]:
    """Turn what web3 and the network raise into our errors."""
    import requests
    from web3.exceptions import ContractLogicError, Web3Exception

    try:
        yield
    except ContractLogicError as problem:
        raise RevertedError(error_name(problem.data)) from problem
    except (requests.RequestException, Web3Exception, ConnectionError, ValueError) as problem:
        raise refusal(problem) from problem


def refusal(problem: Exception) -> ChainError:
    """What a node's words mean for the sender."""
    response = getattr(problem, "rpc_response", None) or {}
    said = str(response.get("error", {}).get("message", "") or problem)
    low = said.lower()
    if any(words in low for words in NONCE_USED) or nonce_behind(low):
        return NonceUsedError(said)
    if any(words in low for words in UNDERPRICED):
        return UnderpricedError(f"the chain asks for a higher fee: {said}")
    if response:
        return ChainUnavailableError(f"the chain refused a request: {said}")
    return ChainUnavailableError(f"the chain does not answer ({type(problem).__name__}); it is asked again")


def error_name(data: Any) -> str:
    """The contract error behind revert data, by its selector."""
    from eth_utils import keccak

    text = data if isinstance(data, str) else ""
    for one in artefact()["abi"]:
        if one["type"] == "error":
            signature = f"{one['name']}({','.join(part['type'] for part in one['inputs'])})"
            if text.startswith(f"0x{keccak(text=signature)[:4].hex()}"):
                return str(one["name"])
    return f"an unknown error {text[:10]}" if text not in {"", "0x"} else "no reason given"


def nonce_behind(said: str) -> bool:
    """Whether ganache says, in its one sentence for both, that the nonce was used and not that it is too high."""
    found = GANACHE_NONCE.search(said)
    return found is not None and int(found[2]) < int(found[1])


def is_known(problem: ChainError) -> bool:
    """Whether the chain has these very bytes already, which is as good as taking them."""
    return any(words in str(problem).lower() for words in KNOWN)
