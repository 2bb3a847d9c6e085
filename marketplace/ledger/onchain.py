"""What a chain tells us and is told, as plain values, and how asking it can fail. No web3 here, and no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ChainError(OSError):
    """The chain could not be asked, or must not be used; the message says why and what to do."""


class ChainUnavailableError(ChainError):
    """It does not answer. Nothing is lost: the same question can be asked again."""


class NoContractError(ChainError):
    """No contract is known, or none stands at its address."""


class WrongChainError(ChainError):
    """Another chain, or other code than the one that was deployed."""


class RevertedError(RuntimeError):
    """The contract refuses; `name` is its error's name, for example BadConsistency."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the contract refuses: {name}")
        self.name = name


class NonceUsedError(ChainError):
    """Another transaction of this key took the nonce, or this very one was mined meanwhile."""


class UnderpricedError(ChainError):
    """The fee is too low for the chain right now."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest head in the contract. Hashes are 64 hex digits."""

    seq: int
    size: int
    root: str
    acc: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transaction stands. Hashes carry 0x."""

    tx_hash: str
    block_number: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """One Anchored event."""

    seq: int
    size: int
    root: str
    place: Place


@dataclass(frozen=True, slots=True)
class Recorded:
    """One SettlementRecorded event. Hashes are 64 hex digits, `supersedes` is empty when it corrects nothing."""

    key: str
    settlement_id: str
    commitment: str
    supersedes: str
    run: str
    place: Place


@dataclass(frozen=True, slots=True)
class Record:
    """What recordBatch is told about one statement. Hashes are 64 hex digits, `supersedes` a record key or empty."""

    settlement_id: str
    commitment: str
    supersedes: str
    run: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction ready to be sent, any number of times. `sender` is the address of the key; fees are wei per gas."""

    raw: bytes
    tx_hash: str
    nonce: int
    sender: str = ""
    max_fee_wei: int = 0
    priority_fee_wei: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction."""

    ok: bool
    place: Place


class ChainPort(Protocol):
    """What the sender needs of a chain. Each method raises ChainError, signing raises RevertedError too."""

    @property
    def chain_id(self) -> int:
        """The chain's id."""

    @property
    def address(self) -> str:
        """The contract's address."""

    @property
    def sender(self) -> str:
        """The address of the key that signs."""

    def head(self) -> Head:
        """The newest head in the contract."""

    def anchored(self, seq: int) -> Anchored | None:
        """Head number `seq` by its event."""

    def recorded(self, keys: Sequence[str]) -> dict[str, Recorded]:
        """The events of these record keys, as far as there are any."""

    def mined_nonce(self) -> int:
        """How many of the key's transactions stand in blocks."""

    def next_nonce(self) -> int:
        """The key's next nonce by the chain, those that wait in its pool counted."""

    def sign_anchor(self, *, seq: int, size: int, root: str, proof: Sequence[str], nonce: int) -> Signed:
        """Sign the call that appends a head."""

    def sign_record(self, records: Sequence[Record], *, nonce: int) -> Signed:
        """Sign the call that records a batch."""

    def sign_again(self, raw: bytes) -> Signed:
        """The same transaction with higher fees."""

    def broadcast(self, raw: bytes) -> None:
        """Hand the bytes to the chain. Raises NonceUsedError and UnderpricedError too."""

    def receipt(self, tx_hash: str) -> Receipt | None:
        """Where the transaction stands, if it is in the chain."""

    def revert_reason(self, tx_hash: str) -> str:
        """Why a mined transaction was reverted."""

    def block_number(self) -> int:
        """The newest block."""

    def block_hash(self, number: int) -> str | None:
        """The hash of the block at this height."""
