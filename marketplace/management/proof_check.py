"""Check a settlement's proof from outside the installation, as its counterparty or an auditor would.

It fetches the proof over the API, recomputes every hash here, and asks the chain at an address of the checker's choice. Of
what the installation says, nothing is believed that was not recomputed or read from the contract.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from marketplace.ledger.checks import Check, checks, verdict
from marketplace.ledger.onchain import ChainError
from marketplace.ledger.proof import STATEMENT, Proof, proof_from_json
from marketplace.ledger.reader import Reader
from marketplace.management.sale import Party

# What the order shows and the proven statement must both say.
FIGURES = ("run", "delivered_wh", "payment_pence", "penalty_pence", "amount_pence")


def check_proof(operator: Party, *, order_id: str, rpc_url: str) -> dict[str, Any]:
    """Check the newest statement of an order: {tx_hash, root, verified, sentence, checks, ...}.

    `verified` is True only when every check held. `tx_hash` is the transaction in which the contract recorded the
    settlement, `root` the tree head that the contract holds over the statement; both are empty while there is none.
    The contract is the one the proof names: compare its address with the one you were given for this log.
    Waits for anchors that are on their way. Raises StepFailedError when there is no proof to fetch.
    """
    path = f"/orders/{order_id}/proof"
    answer = operator.wait(path, until=is_anchored, what="the anchoring of the settlement's proof")
    order = operator.get(f"/orders/{order_id}")
    try:
        proof = proof_from_json(answer)
        found = [order_check(proof, order), *chain_checks(proof, rpc_url)]
    except (ValueError, ChainError) as problem:
        return {"tx_hash": "", "root": "", "verified": False, "sentence": f"not verified: {problem}", "checks": []}
    return outcome(proof, found)


def is_anchored(answer: Any) -> bool:
    """Whether head and record are both said to be final."""
    parts = [answer.get(name) or {} for name in ("head", "settlement")]
    return all(part.get("anchor", {}).get("state") == "FINAL" for part in parts)


def order_check(proof: Proof, order: dict[str, Any]) -> Check:
    """Whether the proof is about this order's newest statement, and says what the order shows."""
    title = "The proven statement says what the order shows"
    try:
        said = orjson.loads(proof.entry.payload)
        shown = order["activations"][-1]["statements"][-1]
        differing = [name for name in FIGURES if str(said[name]) != str(shown[name])]
    except (ValueError, LookupError, TypeError) as problem:
        return Check("order", title, False, f"one of them cannot be read ({problem})")
    if proof.entry.type != STATEMENT or proof.entry.subject != f"order:{order['id']}":
        return Check("order", title, False, "the proof is about something else")
    if differing:
        return Check("order", title, False, f"they differ in {', '.join(differing)}")
    return Check("order", title, True, f"{', '.join(FIGURES)} agree")


def chain_checks(proof: Proof, rpc_url: str) -> tuple[Check, ...]:
    """Every check of the proof against the contract it names, on the chain at `rpc_url`. Raises ChainError."""
    head, settlement = proof.head, proof.settlement
    if head is None or settlement is None or head.anchor.chain_id is None:
        raise ValueError("the proof names no contract")
    if settlement.anchor.contract != head.anchor.contract:
        raise ValueError("tree head and settlement record stand in different contracts")
    chain = Reader(rpc_url, chain_id=head.anchor.chain_id, contract=head.anchor.contract)
    chain.check_place()
    origin = hashlib.sha256(proof.log_id.encode()).hexdigest()
    held = chain.origin_hash() == origin
    why = f"it was deployed for {proof.log_id}" if held else f"it was deployed for another log than {proof.log_id}"
    return (Check("contract", "The contract is this log's", held, why), *checks(proof, chain))


def outcome(proof: Proof, found: list[Check]) -> dict[str, Any]:
    """The answer. The checks have compared the transactions it names with the contract's own events."""
    verified = verdict(found) is True
    head, settlement = proof.head, proof.settlement
    wrong = next((check for check in found if check.held is not True), None)
    said = f"{len(found)} checks held" if wrong is None else f"not verified: {wrong.title}: {wrong.why}"
    return {
        "tx_hash": settlement.anchor.tx_hash if settlement else "",
        "root": f"0x{head.root}" if head else "",
        "head_tx_hash": head.anchor.tx_hash if head else "",
        "seq": proof.entry.seq,
        "size": head.size if head else 0,
        "verified": verified,
        "sentence": f"{said}; entry {proof.entry.seq} under head {head.number if head else 0}",
        "checks": [{"name": check.name, "held": check.held, "why": check.why} for check in found],
    }
