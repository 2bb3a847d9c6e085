"""One chain for the contract's tests: every test deploys its own contract on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded_chain import EmbeddedChain, running_chain


@pytest.fixture(scope="session")
def chain() -> Iterator[EmbeddedChain]:
    """A real EVM behind JSON-RPC."""
    with running_chain() as running:
        yield running
