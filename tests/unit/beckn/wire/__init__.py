from collections.abc import Callable
from typing import Any

from beckn.wire.errors import WireError


def refusal_of(call: Callable[..., Any], *args: Any) -> WireError | None:
    """The error a call ends with, or None; any other exception is a fault and passes through."""
    try:
        call(*args)
    except WireError as problem:
        return problem
    return None
