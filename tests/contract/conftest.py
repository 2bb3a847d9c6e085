"""What others rely on: the API's market and programs for its document, and one real EVM for the audit contract's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded_chain import EmbeddedChain, running_chain
from tests.unit.marketplace.api.conftest import market, program, world

__all__ = ["chain", "market", "program", "world"]


@pytest.fixture(scope="session")
def chain() -> Iterator[EmbeddedChain]:
    """A development chain; every test deploys its own contract on it."""
    with running_chain() as running:
        yield running
