"""One thing that needs a person: what every list of them is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

RECENT = timedelta(days=2)
SOON = timedelta(days=2)  # a deadline this near is said to run out


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `route` and `key` name its page; `by` is when it matters, and `word` how: by, from or until."""

    text: str
    why: str
    act: str
    route: str
    key: str
    by: datetime | None
    tone: str
    word: str = "by"
