"""The market and the programs of the API's own tests, for the contract that other people's programs rely on."""

from tests.unit.marketplace.api.conftest import market, program, world

__all__ = ["market", "program", "world"]
