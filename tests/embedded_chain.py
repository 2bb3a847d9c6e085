"""A development chain in memory, served on loopback by a thread, with the audit contract on it when asked.

The chain is the product's own; nothing here stands in for a part of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from marketplace.ledger import chain, chain_key
from marketplace.ledger.deployment import Deployment, artefact
from marketplace.ledger.devchain.evm import Call, Evm
from marketplace.ledger.devchain.server import DevServer, open_chain

KEY = hashlib.sha256(b"the key of the installation under test").digest()
ZERO = "0x" + "00" * 20


class EmbeddedChain:
    """One running chain. `now` moves its clock."""

    def __init__(self, server: DevServer) -> None:
        self.server, self.url = server, server.url
        self.evm: Evm = server.rpc.evm
        self.now = 1_800_000_000.0
        self.evm.clock = lambda: self.now
        self.web3 = chain.open_rpc(self.url)
        self.chain_id = server.rpc.chain_id

    def account(self, key: bytes = KEY) -> Any:
        """A signer; a key other than the installation's gets some money first."""
        made = self.web3.eth.account.from_key(key)
        if self.web3.eth.get_balance(made.address) == 0:
            self.pay({"to": made.address, "value": 10**21})
        return made

    def pay(self, tx: dict[str, Any]) -> Any:
        """Send ether from the installation's key."""
        payer = self.web3.eth.account.from_key(KEY)
        full = {"gas": 100_000, "nonce": self.web3.eth.get_transaction_count(payer.address), "chainId": self.chain_id}
        signed = payer.sign_transaction(full | {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9} | tx)
        return self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_raw_transaction(signed.raw_transaction))

    def transact(self, call: Any, key: bytes = KEY, **fields: Any) -> Any:
        """Send a contract call (or a constructor) and return its receipt. Raises web3's error when it would revert."""
        sender = self.account(key)
        tx = call.build_transaction(
            {
                "from": sender.address,
                "nonce": self.web3.eth.get_transaction_count(sender.address),
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**9,
                "chainId": self.chain_id,
            }
            | fields
        )
        raw = sender.sign_transaction(tx).raw_transaction
        return self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_raw_transaction(raw))

    def deploy(
        self,
        *,
        interval: int = 0,
        threshold: int = 0,
        witnesses: Sequence[str] = (),
        before: str = ZERO,
        admin_delay: int = 0,
    ) -> Any:
        """The audit contract with every role at the installation's key."""
        own = chain_key.address(KEY)
        built = artefact()
        maker = self.web3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
        origin = hashlib.sha256(b"caco.example/settlement-log").digest()
        arguments = (own, admin_delay, own, own, origin, interval, threshold, list(witnesses), before)
        receipt = self.transact(maker.constructor(*arguments))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=built["abi"])

    def deployment(self, contract: Any) -> Deployment:
        """The deployment as contract.json would hold it."""
        code = bytes(self.web3.eth.get_code(contract.address))
        return Deployment(self.chain_id, contract.address, chain.code_hash(code))

    def ask(self, contract: Any, name: str, *arguments: Any) -> Any:
        """A view's answer without HTTP, for tests that ask hundreds of times."""
        function = contract.get_function_by_name(name)(*arguments)
        output = self.evm.call(
            Call(to=bytes.fromhex(contract.address[2:]), data=bytes.fromhex(function._encode_transaction_data()[2:]))
        )
        return self.web3.codec.decode([one["type"] for one in function.abi["outputs"]], output)[0]


@contextmanager
def running_chain() -> Iterator[EmbeddedChain]:
    """A chain that lives as long as the block."""
    server = DevServer(0, open_chain(None, key=KEY))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield EmbeddedChain(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        server.rpc.store.close()
