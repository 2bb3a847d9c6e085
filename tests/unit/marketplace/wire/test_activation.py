"""What a dispatch must name, and how long a name may be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from marketplace.rules.errors import MarketError
from marketplace.wire.activation import flex_activation, read_instruction

START = datetime(2026, 1, 15, 17, tzinfo=UTC)


def asked(*, identity: str = "d-1", mechanism: str = "P415") -> dict[str, Any]:
    attributes = flex_activation(
        instruction_id=identity,
        mechanism=mechanism,
        issued_at=START,
        ack_by=START,
        requested_kw={START: Decimal(400)},
        meter="1010000000012-1",
    )
    entry = {"status": {"code": "ACTIVATION_REQUESTED"}, "performanceAttributes": attributes}
    return {"contract": {"performance": [entry]}}


def test_a_name_as_long_as_an_activation_keeps_is_kept_whole():
    assert read_instruction(asked(identity="x" * 120)).instruction_id == "x" * 120


@pytest.mark.parametrize(
    ("name", "given"), [("activationId", {"identity": "x" * 121}), ("mechanism", {"mechanism": "WHOLESALE DEVIATION"})]
)
def test_a_longer_name_is_refused_and_never_cut_because_two_might_become_one(name, given):
    with pytest.raises(MarketError, match=name) as refused:
        read_instruction(asked(**given))
    assert refused.value.code == "BIZ_INVALID_UPDATE_TARGET"
