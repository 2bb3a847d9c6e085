"""Numbers exactly: decimal text in 1.1, JSON numbers in 2.0.0, the same digits in both."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from beckn.wire.errors import WireError

WRITTEN = re.compile(r"[+-]?([0-9]{1,38}(\.[0-9]{0,38})?|\.[0-9]{1,38})")
LONGEST = 40  # characters; a number of 2.0.0 has no more either (beckn.wire.body)
Number = int | Decimal


def text(value: Any) -> str:
    """A number's digits without an exponent; "" for what is none, or would become too long.

    >>> text(Decimal("0.10")), text(Decimal("1E+3")), text(True)
    ('0.10', '1000', '')
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return ""
    written = format(value, "f") if isinstance(value, Decimal) else str(value)
    return written if len(written) <= LONGEST else ""


def maybe(written: Any) -> Number | None:
    """The number a text spells, None when it spells none: whole numbers without a point are int.

    >>> maybe("1200"), maybe("541.25"), maybe("soon")
    (1200, Decimal('541.25'), None)
    """
    if not isinstance(written, str) or len(written) > LONGEST or not WRITTEN.fullmatch(written):
        return None
    return Decimal(written) if "." in written else int(written)


def read(written: Any, path: str) -> Number:
    """The number at JSON pointer `path`. Raises WireError SCH_INVALID_FORMAT when it is none."""
    found = maybe(written)
    if found is None:
        raise WireError("SCH_INVALID_FORMAT", f"{path} is {str(written)[:60]!r}, not a decimal number.", path)
    return found


def scaled(value: Number, by: Number) -> Number:
    """The product, as int where it is whole."""
    product = Decimal(value) * by
    return int(product) if product == product.to_integral_value() else product.normalize()
