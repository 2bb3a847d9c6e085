"""A chain for the ledger's tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from marketplace.ledger import chain
from tests.embedded_chain import KEY, EmbeddedChain, running_chain


@pytest.fixture(scope="session")
def shared_chain() -> Iterator[EmbeddedChain]:
    """One real EVM for the whole session."""
    with running_chain() as running:
        yield running


@pytest.fixture
def embedded(shared_chain: EmbeddedChain, settings: Settings, tmp_path: Path) -> EmbeddedChain:
    """The running chain as this installation's chain, with its key, and no contract yet."""
    settings.VAR_DIR = tmp_path
    settings.CHAIN_RPC_URL = shared_chain.url
    settings.CHAIN_KEY_FILE = tmp_path / "keys" / "chain_key"
    settings.CHAIN_CONTRACT_FILE = tmp_path / "chain" / "contract.json"
    settings.CHAIN_KEY_FILE.parent.mkdir()
    settings.CHAIN_KEY_FILE.write_text(KEY.hex())
    return shared_chain


@pytest.fixture
def anchored_in(embedded: EmbeddedChain, settings: Settings) -> chain.Chain:
    """The same with a fresh contract written to contract.json."""
    where = embedded.deployment(embedded.deploy())
    where.write(settings.CHAIN_CONTRACT_FILE)
    return chain.Chain(embedded.web3, where)
