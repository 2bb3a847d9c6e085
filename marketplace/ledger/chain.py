"""The only room with web3: reading the audit contract, signing for it, and asking what became of a transaction.

It keeps no state and decides nothing: the sender does. Every failure comes out typed and in words. Before anything is sent,
chain id and code hash must be those of VAR/chain/contract.json, so that nothing ever goes to a contract we did not deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from marketplace.ledger import chain_key
from marketplace.ledger.deployment import Deployment, artefact, deployment, rpc_url
from marketplace.ledger.onchain import (
    Anchored,
    ChainError,
    ChainUnavailableError,
    Head,
    NoContractError,
    Place,
    Receipt,
    Record,
    Recorded,
    RevertedError,
    Signed,
    WrongChainError,
)
from marketplace.ledger.refusals import asking, error_name, is_known

if TYPE_CHECKING:
    from web3 import Web3

__all__ = ["Chain", "asking", "connect", "error_name", "open_rpc", "receipt_of", "send", "tx_hash_of"]
TIMEOUT_S: float = 10
GWEI = 10**9
BUMP = (9, 8)  # +12.5 %: geth asks for 10 to replace a transaction, others for 12.5


def connect() -> Chain | None:
    """The configured chain with our contract on it; None when there is none on purpose. Raises ChainError."""
    url = rpc_url()
    if url is None:
        return None
    chain = Chain(open_rpc(url), deployment())
    chain.verify()
    return chain


def open_rpc(url: str) -> Web3:
    """web3 over HTTP: one try a question, because the sender's next tick is the retry."""
    import requests
    from web3 import HTTPProvider, Web3
    from web3.middleware import ExtraDataToPOAMiddleware

    session = requests.Session()
    # A proxy set for the machine does not lead to its own loopback.
    session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}
    provider = HTTPProvider(
        url, session=session, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=None
    )
    web3 = Web3(provider)
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # consortium chains write more into a block
    return web3


def bytes32(text: str) -> bytes:
    """64 hex digits, with or without 0x; empty is zero."""
    return bytes.fromhex(text.removeprefix("0x") or "00" * 32)


class Chain:
    """One chain with one contract. Methods raise ChainError when it cannot be asked and RevertedError when it refuses."""

    def __init__(self, web3: Web3, where: Deployment) -> None:
        self.web3, self.where = web3, where
        self.contract = web3.eth.contract(address=web3.to_checksum_address(where.address), abi=artefact()["abi"])

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.where.chain_id

    @property
    def address(self) -> str:
        """The contract's address."""
        return self.where.address

    def verify(self) -> None:
        """Refuse another chain or other code than was deployed. Raises WrongChainError or NoContractError."""
        with asking():
            chain_id, code = self.web3.eth.chain_id, bytes(self.web3.eth.get_code(self.contract.address))
        if chain_id != self.where.chain_id:
            raise WrongChainError(
                f"the contract stands on chain {self.where.chain_id}, but chain {chain_id} answers; set CACO_RPC_URL right or run `manage.py audit_deploy`"
            )
        if not code:
            raise NoContractError(f"there is no contract at {self.address} any more; run `manage.py audit_deploy`")
        if code_hash(code) != self.where.code_hash:
            raise WrongChainError(f"the code at {self.address} is not the one that was deployed; nothing is sent to it")

    def head(self) -> Head:
        """The newest head."""
        with asking():
            found = self.contract.functions.head().call()
        return Head(seq=found[0], size=found[1], root=found[4].hex(), acc=found[5].hex())

    def block_number(self) -> int:
        """The newest block."""
        with asking():
            return int(self.web3.eth.block_number)

    def anchored(self, seq: int) -> Anchored | None:
        """Head number `seq` by the event it left."""
        with asking():
            found = self.contract.events.Anchored.get_logs(
                argument_filters={"seq": seq}, from_block=self.where.block, to_block="latest"
            )
        return next((Anchored(seq, log.args.size, log.args.root.hex(), place(log)) for log in found), None)

    def recorded(self, keys: Sequence[str]) -> dict[str, Recorded]:
        """The events of these record keys (64 hex digits), as far as there are any."""
        with asking():
            found = self.contract.events.SettlementRecorded.get_logs(
                argument_filters={"recordKey": [bytes32(key) for key in keys]},
                from_block=self.where.block,
                to_block="latest",
            )
        events = [recorded_of(log) for log in found]
        return {event.key: event for event in events}

    def verify_inclusion(self, *, leaf: str, index: int, size: int, root: str, proof: Sequence[str]) -> bool:
        """The contract's own answer to whether leaf hash `leaf` stands at `index` under `root`."""
        with asking():
            path = [bytes32(one) for one in proof]
            return bool(self.contract.functions.verifyInclusion(bytes32(leaf), index, size, bytes32(root), path).call())

    @property
    def sender(self) -> str:
        """The address of the key that signs."""
        return str(self._account().address)

    def mined_nonce(self) -> int:
        """How many of the key's transactions stand in blocks."""
        with asking():
            return int(self.web3.eth.get_transaction_count(self._account().address, "latest"))

    def next_nonce(self) -> int:
        """The key's next nonce by the chain, those that wait in its pool counted."""
        with asking():
            return int(self.web3.eth.get_transaction_count(self._account().address, "pending"))

    def sign_anchor(self, *, seq: int, size: int, root: str, proof: Sequence[str], nonce: int) -> Signed:
        """Sign the call that appends a head; it is tried out first, so that a refusal costs nothing."""
        path = [bytes32(one) for one in proof]
        return self._sign(self.contract.functions.anchor(seq, size, bytes32(root), path, []), nonce)

    def sign_record(self, records: Sequence[Record], *, nonce: int) -> Signed:
        """Sign the call that records a batch of statements."""
        entries = [
            (bytes32(one.settlement_id), bytes32(one.commitment), bytes32(one.supersedes), one.run.encode())
            for one in records
        ]
        return self._sign(self.contract.functions.recordBatch(entries), nonce)

    def _account(self) -> Any:
        from eth_account import Account

        try:
            return Account.from_key(chain_key.load(Path(settings.CHAIN_KEY_FILE)))
        except chain_key.KeyFileError as problem:
            raise ChainError(str(problem)) from problem

    def _sign(self, call: Any, nonce: int) -> Signed:
        account = self._account()
        with asking():
            gas = call.estimate_gas({"from": account.address})
            tx = call.build_transaction(
                {
                    "from": account.address,
                    "nonce": nonce,
                    "gas": gas * 6 // 5,
                    "chainId": self.chain_id,
                    **fees(self.web3),
                }
            )
        return signed(account, tx)

    def sign_again(self, raw: bytes) -> Signed:
        """The same transaction with the same nonce and at least 12.5 % more of both fees."""
        from eth_account.typed_transactions import TypedTransaction
        from hexbytes import HexBytes

        old = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        tx = {name: value for name, value in old.items() if name not in {"v", "r", "s"}}
        with asking():
            now = fees(self.web3)
        for fee, asked in now.items():
            tx[fee] = max(asked, -(-int(old[fee]) * BUMP[0] // BUMP[1]))
        return signed(self._account(), tx)

    def broadcast(self, raw: bytes) -> None:
        """Hand the bytes to the chain; bytes it knows already are as good. Raises NonceUsedError and UnderpricedError too."""
        send(self.web3, raw)

    def receipt(self, tx_hash: str) -> Receipt | None:
        """Where the transaction stands; None while it is not in the chain."""
        found = receipt_of(self.web3, tx_hash)
        return found[0] if found else None

    def block_hash(self, number: int) -> str | None:
        """The hash of the block at this height now; None when the chain is shorter."""
        from web3.exceptions import BlockNotFound

        with asking():
            try:
                return f"0x{self.web3.eth.get_block(number)['hash'].hex().removeprefix('0x')}"
            except BlockNotFound:
                return None

    def revert_reason(self, tx_hash: str) -> str:
        """Why a mined transaction was reverted, by trying it on the state before its block."""
        with asking():
            tx = self.web3.eth.get_transaction(tx_hash)  # type: ignore[arg-type]
        call = {"from": tx["from"], "to": tx["to"], "data": tx["input"], "gas": tx["gas"]}
        try:
            with asking():
                self.web3.eth.call(call, tx["blockNumber"] - 1)  # type: ignore[arg-type]
        except RevertedError as problem:
            return problem.name
        return "no reason could be reproduced (out of gas, or another transaction came first in its block)"


def fees(web3: Web3) -> dict[str, int]:
    """Fee fields that last through several full blocks. Call it inside `asking`."""
    tip = int(web3.eth.max_priority_fee)
    base_fee = web3.eth.get_block("latest").get("baseFeePerGas")
    if base_fee is None:
        raise ChainUnavailableError("this chain has no base fee (EIP-1559), which the sender needs")
    return {"maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * int(base_fee) + tip}


def send(web3: Web3, raw: bytes) -> None:
    """Hand the bytes to the chain; bytes it knows already are as good. Raises NonceUsedError and UnderpricedError too."""
    try:
        with asking():
            web3.eth.send_raw_transaction(raw)
    except ChainError as problem:
        if not is_known(problem):
            raise


def receipt_of(web3: Web3, tx_hash: str) -> tuple[Receipt, str] | None:
    """A receipt and the address of the contract it made, if any; None while the transaction is not in the chain."""
    from web3.exceptions import TransactionNotFound

    with asking():
        try:
            found = web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]
        except TransactionNotFound:
            return None
    return Receipt(bool(found["status"]), place(found)), str(found.get("contractAddress") or "")


def tx_hash_of(raw: bytes) -> str:
    """The hash a signed transaction will have."""
    from eth_utils import keccak

    return f"0x{keccak(raw).hex()}"


def signed(account: Any, tx: Any) -> Signed:
    """A transaction with its signature. Raises ChainUnavailableError when it could cost more than CACO_MAX_FEE_GWEI a gas."""
    fee, most = int(tx["maxFeePerGas"]), settings.CHAIN_MAX_FEE_GWEI
    if fee > most * GWEI:
        raise ChainUnavailableError(
            f"sending would take {-(-fee // GWEI)} gwei a gas, more than CACO_MAX_FEE_GWEI ({most}); it waits until the chain is cheaper or the setting is raised"
        )
    made = account.sign_transaction(tx)
    return Signed(
        raw=bytes(made.raw_transaction),
        tx_hash=f"0x{bytes(made.hash).hex()}",
        nonce=int(tx["nonce"]),
        sender=str(account.address),
        max_fee_wei=fee,
        priority_fee_wei=int(tx["maxPriorityFeePerGas"]),
    )


def place(log: Any) -> Place:
    """Where an event or a receipt stands."""
    return Place(
        f"0x{bytes(log['transactionHash']).hex()}", int(log["blockNumber"]), f"0x{bytes(log['blockHash']).hex()}"
    )


def recorded_of(log: Any) -> Recorded:
    """A SettlementRecorded event."""
    before = log.args.supersedes.hex()
    return Recorded(
        key=log.args.recordKey.hex(),
        settlement_id=log.args.settlementId.hex(),
        commitment=log.args.commitment.hex(),
        supersedes="" if before == "00" * 32 else before,
        run=log.args.run.decode("ascii", "replace"),
        place=place(log),
    )


def code_hash(code: bytes) -> str:
    """keccak-256 of deployed code, as in contract.json."""
    from eth_utils import keccak

    return f"0x{keccak(code).hex()}"
