"""The development chain's machine: py-evm at the Prague fork, one block per transaction, state in the store.

It knows what a transaction does and what a block looks like on the wire; it leaves files to the store and HTTP to the server.
There is no mempool: a transaction is mined at once or refused with the reason a node would give.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth.abc import AtomicWriteBatchAPI, BlockHeaderAPI, ComputationAPI, SignedTransactionAPI, VirtualMachineAPI
from eth.chains.base import MiningChain
from eth.constants import ZERO_ADDRESS
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address, BlockNumber
from eth_utils import ValidationError

from marketplace.ledger.devchain import shapes
from marketplace.ledger.devchain.store import Store

GAS_LIMIT = 30_000_000
ENDLESS = 10**40  # wei lent to the sender of a call, which pays for nothing


class RefusedError(ValueError):
    """A transaction that no block can hold, in a node's words."""


class AlreadyKnownError(RefusedError):
    """This very transaction is mined already."""


class CallFailedError(RuntimeError):
    """A call or an estimate reverted; `output` is the revert data."""

    def __init__(self, message: str, output: bytes) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True, slots=True)
class Call:
    """What a call or an estimate asks for. `to` empty: a deployment."""

    to: bytes = b""
    data: bytes = b""
    sender: bytes = ZERO_ADDRESS
    value: int = 0
    gas: int | None = None


class StateDb(BaseAtomicDB):
    """py-evm's key-value database, kept in the store's trie table."""

    def __init__(self, store: Store) -> None:
        self.store, self.db = store, store.db

    def __getitem__(self, key: bytes) -> bytes:
        row = self.db.execute("select value from trie where key=?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.db.execute("insert or replace into trie values(?,?)", (key, value))

    def __delitem__(self, key: bytes) -> None:
        if self.db.execute("delete from trie where key=?", (key,)).rowcount == 0:
            raise KeyError(key)

    def _exists(self, key: bytes) -> bool:
        return self.db.execute("select 1 from trie where key=?", (key,)).fetchone() is not None

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """All writes of the batch in one transaction, or in the one already open."""
        with self.store.transaction(), AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch


class PragueChain(MiningChain):
    """Prague from genesis, with a gas limit that stays."""

    vm_configuration = ((BlockNumber(0), PragueVM),)

    def create_header_from_parent(self, parent_header: BlockHeaderAPI, **header_params: Any) -> BlockHeaderAPI:
        """The next header; the present decides its timestamp, and it is always later than its parent's."""
        header_params.setdefault("gas_limit", parent_header.gas_limit)
        return super().create_header_from_parent(parent_header, **header_params)


class Evm:
    """The machine over one store. Methods that take `at` read the state after that block."""

    def __init__(
        self, store: Store, *, chain_id: int, funded: Mapping[bytes, int], clock: Callable[[], float] = time.time
    ) -> None:
        self.store, self.clock = store, clock
        self.state_db = StateDb(store)
        self.chain_class: type[PragueChain] = type("DevelopmentChain", (PragueChain,), {"chain_id": chain_id})
        if store.height() is None:
            self._begin(funded)
        self.chain = self.chain_class(self.state_db)

    def _begin(self, funded: Mapping[bytes, int]) -> None:
        """The genesis block: money for the installation's key and nothing else."""
        state = {a: {"balance": wei, "nonce": 0, "code": b"", "storage": {}} for a, wei in funded.items()}
        facts = {"difficulty": 0, "gas_limit": GAS_LIMIT, "timestamp": int(self.clock()), "nonce": b"\0" * 8}
        with self.store.transaction():
            chain = self.chain_class.from_genesis(self.state_db, facts, state)  # type: ignore[arg-type]
            self.store.add_block(shapes.block(chain.get_canonical_head(), [], size=0), None, None)

    def send(self, raw: bytes) -> bytes:
        """Mine a signed transaction and return its hash; when this returns, the block is on disk. Raises RefusedError."""
        try:
            tx = self.chain.get_vm().get_transaction_builder().decode(raw)
            sender = tx.sender
        except Exception as problem:  # decoders raise many kinds at a stranger's bytes
            raise RefusedError(f"the transaction cannot be read: {problem}") from problem
        if self.store.receipt(shapes.hexed(tx.hash)) is not None:
            raise AlreadyKnownError("already known")
        self._check(tx, sender)
        try:
            with self.store.transaction():
                self._mine(tx)
        except ValidationError as problem:
            raise RefusedError(str(problem)) from problem
        finally:
            # After a refusal the half-built block is forgotten, after success the next one starts.
            self.chain = self.chain_class(self.state_db)
        return bytes(tx.hash)

    def _check(self, tx: SignedTransactionAPI, sender: bytes) -> None:
        """The refusals people meet, in the words of common nodes; py-evm checks the rest."""
        if tx.chain_id != self.chain.chain_id:
            raise RefusedError(f"invalid chain id for signer: have {tx.chain_id} want {self.chain.chain_id}")
        vm = self._vm()
        expected = vm.state.get_nonce(Address(sender))
        if tx.nonce < expected:
            raise RefusedError(f"nonce too low: next nonce {expected}, tx nonce {tx.nonce}")
        if tx.nonce > expected:
            raise RefusedError(f"nonce too high: next nonce {expected}, tx nonce {tx.nonce}; this chain queues nothing")
        if tx.gas > GAS_LIMIT:
            raise RefusedError(f"exceeds block gas limit: {tx.gas} > {GAS_LIMIT}")
        base_fee = base_fee_of(vm)
        if tx.max_fee_per_gas < base_fee:
            raise RefusedError(f"max fee per gas less than block base fee: {tx.max_fee_per_gas} < {base_fee}")
        if vm.state.get_balance(Address(sender)) < tx.gas * tx.max_fee_per_gas + tx.value:
            raise RefusedError(f"insufficient funds for gas * price + value: address {shapes.hexed(sender)}")

    def _mine(self, tx: SignedTransactionAPI) -> None:
        self.chain.set_header_timestamp(self._next_time())
        _, receipt, computation = self.chain.apply_transaction(tx)
        mined = self.chain.mine_block()
        block = shapes.block(mined.header, [shapes.hexed(tx.hash)], size=len(shapes.encoded(mined)))
        body = shapes.transaction(tx, block)
        self.store.add_block(block, body, shapes.receipt(body, block, receipt, computation))

    def _next_time(self) -> int:
        """Seconds since 1970; a block is always later than its parent, so a burst runs ahead of the clock."""
        return max(int(self.clock()), int(self.chain.get_canonical_head().timestamp) + 1)

    def _vm(self, at: int | None = None) -> VirtualMachineAPI:
        """A machine for the block after `at` (default: the newest)."""
        if at is None or at == self.store.height():
            header = self.chain.get_canonical_head()
        else:
            header = self.chain.get_canonical_block_header_by_number(BlockNumber(at))
        later = max(int(self.clock()), int(header.timestamp) + 1)
        return self.chain.get_vm(self.chain.create_header_from_parent(header, timestamp=later))

    def call(self, asked: Call, at: int | None = None) -> bytes:
        """What the call returns; nothing is changed. Raises CallFailedError."""
        return bytes(self._run(asked, self._vm(at), asked.gas or GAS_LIMIT).output)

    def estimate(self, asked: Call, at: int | None = None) -> int:
        """Gas that lets the transaction succeed. Raises CallFailedError when no amount does."""
        limit = min(asked.gas or GAS_LIMIT, GAS_LIMIT)
        tx = self._spoof(asked, self._vm(at), limit)
        tokens = 4 * len(asked.data) - 3 * asked.data.count(0)
        floor = 21_000 + 10 * tokens  # EIP-7623: calldata has a price even when the code does little
        used = max(floor, tx.intrinsic_gas + self._run(asked, self._vm(at), limit).get_gas_used())
        # A call may pass on 63/64 of its gas only (EIP-150), so what was used is not always enough to start with.
        for guess in (used, used * 64 // 63 + 1, used * 3 // 2):
            try:
                self._run(asked, self._vm(at), min(guess, limit))
            except CallFailedError:
                continue
            return min(guess, limit)
        return limit

    def _run(self, asked: Call, vm: VirtualMachineAPI, gas: int) -> ComputationAPI:
        tx = self._spoof(asked, vm, gas)
        vm.state.set_balance(Address(asked.sender), ENDLESS)
        try:
            computation = vm.state.apply_transaction(tx)
        except ValidationError as problem:
            raise CallFailedError(str(problem), b"") from problem
        if computation.is_error:
            raise CallFailedError("execution reverted", bytes(computation.output))
        return computation

    def _spoof(self, asked: Call, vm: VirtualMachineAPI, gas: int) -> Any:
        tx = vm.create_unsigned_transaction(
            nonce=vm.state.get_nonce(Address(asked.sender)),
            gas_price=base_fee_of(vm),
            gas=min(gas, GAS_LIMIT),
            to=Address(asked.to),
            value=asked.value,
            data=asked.data,
        )
        return SpoofTransaction(tx, from_=asked.sender)

    def nonce(self, address: bytes, at: int | None = None) -> int:
        """Transactions `address` has sent."""
        return int(self._vm(at).state.get_nonce(Address(address)))

    def balance(self, address: bytes, at: int | None = None) -> int:
        """Wei of `address`."""
        return int(self._vm(at).state.get_balance(Address(address)))

    def code(self, address: bytes, at: int | None = None) -> bytes:
        """Code at `address`."""
        return bytes(self._vm(at).state.get_code(Address(address)))

    def base_fee(self) -> int:
        """Wei per gas that the next block asks for."""
        return base_fee_of(self._vm())


def base_fee_of(vm: VirtualMachineAPI) -> int:
    """Wei per gas in the block this machine builds."""
    return int(vm.get_header().base_fee_per_gas or 0)
