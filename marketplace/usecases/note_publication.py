"""Write down what a discovery service would not take of our catalogue, so that the operator sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marketplace.models import AgentDecision


def note_publication(*, service: str, results: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """One decision row for each catalogue that was not accepted whole; how many that are."""
    troubled = [result for result in results if result["status"] != "ACCEPTED"]
    for result in troubled:
        reasons = (
            "; ".join(str(error.get("errorMessage", "")) for error in result.get("errors") or []) or "no reason given"
        )
        AgentDecision.objects.create(
            agent="coordination",
            at=now,
            saw=f"{service} answered {result['status']} to catalogue {str(result['catalogId'])[:120]}: {reasons[:1000]}",
            decided="Leave it as it is until the catalogue changes.",
            why="What is not accepted there is not found there; our own seller still answers for it.",
            subject=f"catalogue:{str(result['catalogId'])[:100]}",
        )
    return len(troubled)
