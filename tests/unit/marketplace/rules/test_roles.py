"""Roles: what each may do, and that nobody outside may do anything."""

from __future__ import annotations

import itertools

import pytest

from marketplace.rules.errors import MarketError
from marketplace.rules.roles import ALLOWED, Action, may, require


@pytest.mark.parametrize(("role", "action"), list(itertools.product([*ALLOWED, None, "STRANGER"], Action)))
def test_require_refuses_exactly_what_may_denies(role: str | None, action: Action) -> None:
    if may(role, action):
        require(role, action)
    else:
        with pytest.raises(MarketError) as caught:
            require(role, action)
        assert caught.value.code == "NOT_ALLOWED"


def test_strangers_may_nothing_and_only_traders_and_administrators_bind_the_organisation() -> None:
    assert not any(may(None, action) for action in Action)
    binding = {role for role in ALLOWED if may(role, Action.TRADE) or may(role, Action.BUY)}
    assert binding == {"TRADER", "ADMIN"}
