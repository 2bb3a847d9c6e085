"""Puts the audit contract on the configured chain, once, and writes down where it stands.

Safe to run again at any time: a contract that stands is kept, and a deployment that was cut short goes on with the same
signed bytes. It never replaces a contract on somebody else's chain by itself.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace.ledger import chain, chain_key
from marketplace.ledger.deployment import Deployment, artefact, deployment, rpc_url
from marketplace.ledger.onchain import (
    ChainError,
    ChainUnavailableError,
    NoContractError,
    NonceUsedError,
    Receipt,
    WrongChainError,
)

ADMIN_DELAY_S = 3 * 24 * 3600  # before a new administrator, or a seal, takes effect
MIN_INTERVAL_S = 10  # between two heads; none on a development chain
ANSWER_WITHIN_S = 15.0
RECEIPT_WITHIN_S = 180.0
ZERO = "0x" + "00" * 20
DEVELOPMENT = ("caco-devchain/", "anvil/", "hardhat", "ganache", "ethereumjs testrpc")
# Keys printed in the manuals of anvil, hardhat, ganache and Besu: anybody can sign for these addresses.
PUBLIC_TEST_KEYS = frozenset(
    address.lower()
    for address in (
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
        "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
        "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
        "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
        "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
        "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
        "0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1",
        "0xFE3B557E8Fb62b89F4916B721be55cEb828dBd73",
        "0x627306090abaB3A6e1400e9345bC60c78a8BEf57",
        "0xf17f52151EbEF6C7334FAD080c5704D77216b732",
    )
)


class PublicKeyError(ChainError):
    """The chain key is one that everybody knows."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where the contract stands, and whether this run put it there."""

    where: Deployment
    fresh: bool


def deploy(*, admin: str = "", pauser: str = "", min_interval_s: int | None = None, predecessor: str = "") -> Deployed:
    """Deploy unless it stands already. Empty roles: the chain key's own address. Raises ChainError in words."""
    url = rpc_url()
    if url is None:
        raise NoContractError(
            "CACO_RPC_URL is none: this installation anchors on no chain, so there is nothing to deploy"
        )
    web3 = chain.open_rpc(url)
    chain_id, client = introduced(web3)
    development = is_development(client)
    standing = existing(web3, chain_id, development=development)
    if standing is not None:
        return Deployed(standing, fresh=False)
    key = usable_key(development=development)
    own = chain_key.address(key)
    if not development and (not admin or admin.lower() == own.lower()):
        raise ChainError(
            f"on this chain the administrator must be another than the anchoring key ({own}); name one that is kept offline with --admin"
        )
    interval = min_interval_s if min_interval_s is not None else 0 if development else MIN_INTERVAL_S
    arguments: tuple[Any, ...] = (
        *(admin or own, ADMIN_DELAY_S, own, pauser or own, hashlib.sha256(settings.LEDGER_LOG_ID.encode()).digest()),
        *(interval, 0, [], predecessor or ZERO),
    )
    return Deployed(finish(web3, begin(web3, chain_id, key, arguments), chain_id), fresh=True)


def introduced(web3: Any) -> tuple[int, str]:
    """Chain id and software. A chain that is only just starting is waited for."""
    until = time.monotonic() + ANSWER_WITHIN_S
    while True:
        try:
            with chain.asking():
                return int(web3.eth.chain_id), str(web3.client_version)
        except ChainUnavailableError:
            if time.monotonic() > until:
                raise
        time.sleep(0.2)


def is_development(client: str) -> bool:
    """Whether the chain's software is one that people develop with."""
    return client.lower().startswith(DEVELOPMENT)


def existing(web3: Any, chain_id: int, *, development: bool) -> Deployment | None:
    """The contract already deployed, checked; None when there is none. Raises WrongChainError rather than replace one."""
    try:
        where = deployment()
    except NoContractError:
        return None
    try:
        chain.Chain(web3, where).verify()
    except (NoContractError, WrongChainError) as problem:
        if development and where.chain_id != chain_id:
            return None  # a development chain that was begun anew
        # An empty address may also be a node that is still catching up.
        file = settings.CHAIN_CONTRACT_FILE
        raise WrongChainError(f"{problem}. To deploy another contract, move {file} away first") from problem
    return where


def usable_key(*, development: bool) -> bytes:
    """The installation's key. Raises PublicKeyError for a key that everybody knows, outside development chains."""
    path = Path(settings.CHAIN_KEY_FILE)
    try:
        key = chain_key.load_or_create(path)
        address = chain_key.address(key)
    except (chain_key.KeyFileError, OSError) as problem:
        raise ChainError(f"the chain key cannot be used: {problem}") from problem
    if not development and address.lower() in PUBLIC_TEST_KEYS:
        raise PublicKeyError(f"{path} holds a test key that everybody knows ({address}); put a key of your own there")
    return key


def begin(web3: Any, chain_id: int, key: bytes, arguments: tuple[Any, ...]) -> str:
    """Sign the deployment, keep the bytes, send them; a run that was cut short sends the kept bytes again."""
    kept = Path(settings.CHAIN_CONTRACT_FILE).with_name("deploying.json")
    raw = kept_bytes(kept, chain_id) or sign(web3, chain_id, key, arguments)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"chain_id": chain_id, "raw": raw.hex()}))
    tx_hash = chain.tx_hash_of(raw)
    try:
        chain.send(web3, raw)
    except NonceUsedError as problem:
        if chain.receipt_of(web3, tx_hash) is None:
            kept.unlink()
            raise ChainError(
                "another transaction of the chain key came first; run `manage.py audit_deploy` again"
            ) from problem
    return tx_hash


def kept_bytes(kept: Path, chain_id: int) -> bytes | None:
    """What an earlier run signed for this chain."""
    try:
        found = json.loads(kept.read_text())
        return bytes.fromhex(found["raw"]) if found["chain_id"] == chain_id else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def sign(web3: Any, chain_id: int, key: bytes, arguments: tuple[Any, ...]) -> bytes:
    """The signed deployment."""
    account = web3.eth.account.from_key(key)
    built = artefact()
    with chain.asking():
        maker = web3.eth.contract(abi=built["abi"], bytecode=built["bytecode"]).constructor(*arguments)
        nonce = web3.eth.get_transaction_count(account.address, "pending")
        need = {"from": account.address, "nonce": nonce, "chainId": chain_id, **chain.fees(web3)}
        tx = maker.build_transaction(need | {"gas": maker.estimate_gas({"from": account.address}) * 11 // 10})
    return bytes(account.sign_transaction(tx).raw_transaction)


def finish(web3: Any, tx_hash: str, chain_id: int) -> Deployment:
    """Wait for the receipt, compare the code with the committed build, and write contract.json."""
    found, address = awaited(web3, tx_hash)
    if not found.ok:
        raise ChainError(f"the deployment {tx_hash} was reverted; move deploying.json away and try again")
    with chain.asking():
        code = bytes(web3.eth.get_code(address))
    if blanked(code) != blanked(bytes.fromhex(artefact()["deployedBytecode"][2:])):
        raise WrongChainError(f"the code at {address} is not the one in contracts/build; it is not used")
    where = Deployment(chain_id, address, chain.code_hash(code), found.place.block_number)
    path = Path(settings.CHAIN_CONTRACT_FILE)
    where.write(path)
    path.with_name("deploying.json").unlink(missing_ok=True)
    return where


def awaited(web3: Any, tx_hash: str) -> tuple[Receipt, str]:
    """The receipt with the contract's address. Raises ChainUnavailableError when it takes too long; run it again then."""
    until = time.monotonic() + RECEIPT_WITHIN_S
    while time.monotonic() < until:
        found = chain.receipt_of(web3, tx_hash)
        if found is not None:
            return found
        time.sleep(0.2)
    raise ChainUnavailableError(
        f"{tx_hash} is not mined after {RECEIPT_WITHIN_S:.0f} s; run `manage.py audit_deploy` again"
    )


def blanked(code: bytes) -> bytes:
    """Deployed code without the values that the constructor wrote into it: they differ between installations."""
    bare = bytearray(code)
    for place in artefact()["immutableReferences"]:
        bare[place["start"] : place["start"] + place["length"]] = bytes(place["length"])
    return bytes(bare)
