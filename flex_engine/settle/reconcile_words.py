"""The words of a finding: a place and a volume as people read them."""

from __future__ import annotations

from flex_engine.quantities import mwh
from flex_engine.settle.reconcile_views import Place
from flex_engine.timegrid import settlement_period


def at(place: Place) -> str:
    """A place in words.

    >>> from datetime import UTC, datetime
    >>> at(("V__CACO001", datetime(2026, 1, 15, 17, tzinfo=UTC)))
    'V__CACO001 in period 35 of 2026-01-15'
    """
    day, period = settlement_period(place[1])
    return f"{place[0]} in period {period} of {day}"


def mwh_text(position_wh: int) -> str:
    """A position in MWh without trailing zeros.

    >>> mwh_text(-250_000)
    '−0.25 MWh'
    """
    text = f"{mwh(abs(position_wh)).normalize():f} MWh"
    return f"−{text}" if position_wh < 0 else text
