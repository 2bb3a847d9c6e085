"""What became of an offer's proof since it was drafted, as the worker last found it. It works nothing out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketplace.models import Offer


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the proof since: when it was last solved anew, whether it holds, and what does not."""

    at: datetime
    holds: bool
    why: str
    lowered: str
    broken: str


def standing_of(offer: Offer) -> Standing | None:
    """The stored standing; None for an offer from before it was kept."""
    data = offer.standing
    if not data:
        return None
    words = (str(data[name]) for name in ("why", "lowered", "broken"))
    return Standing(datetime.fromisoformat(data["at"]), bool(data["holds"]), *words)
