"""What a stored back-test says about one baseline method, and whether an offer that uses it may go on sale.

Pure: the figures were worked out before and are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.rules.errors import MarketError


def method_test(tests: Mapping[str, Any], method: str) -> dict[str, Any]:
    """The entry of `method` in what back_test_site made; one that was never made speaks against itself."""
    found = next((one for one in tests.get("methods", ()) if one["id"] == method), None)
    return found or {"id": method, "faults": [f"No back-test of {method} was made for this offer."]}


def check_back_test(tests: Mapping[str, Any], method: str, *, accepted: bool) -> None:
    """Raise BACK_TEST_NOT_ACCEPTED where something speaks against `method` and nobody said that they have seen it."""
    against = method_test(tests, method)["faults"]
    if against and not accepted:
        raise MarketError(
            "BACK_TEST_NOT_ACCEPTED",
            f"The back-test speaks against this baseline. {' '.join(against)}",
            fix="Read the back-test, then publish again and say that you accept it; the log keeps that you did.",
            details={"faults": list(against)},
        )
