"""How the house itself is doing: messages, agents, feeds and the chain, as far as each person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from marketplace.models import AgentDecision, Anchor, Event, User
from marketplace.queries.ledger import Head, heads
from marketplace.queries.messages import MessageRow, dead_letters
from marketplace.queries.refusals import RefusalRow, refusals
from marketplace.queries.signals import Feed, feeds
from marketplace.queries.sites import Decision, decisions
from marketplace.queries.visible import visible

SHOWN_HEADS = 8
SHOWN_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class ChainState:
    """How many transactions stand in one state, heads and settlement records together."""

    state: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """The operations page."""

    feeds: tuple[Feed, ...]
    decisions: tuple[Decision, ...]
    chain: tuple[ChainState, ...]
    heads: tuple[Head, ...]
    unsequenced: int
    dead: tuple[MessageRow, ...]
    refused: tuple[RefusalRow, ...]


def operations_page(user: User, now: datetime) -> OperationsPage:
    """Feeds, agents, chain and what went wrong with messages, for `user`."""
    counts = dict(Anchor.objects.order_by("state").values_list("state").annotate(n=Count("pk")))
    return OperationsPage(
        feeds=tuple(feeds(now)),
        decisions=tuple(decisions(visible(AgentDecision, user), limit=15)),
        chain=tuple(ChainState(s.value, s.label, counts[s.value]) for s in Anchor.State if s.value in counts),
        heads=tuple(reversed(heads()[-SHOWN_HEADS:])),
        unsequenced=visible(Event, user).filter(entry__isnull=True).count(),
        dead=dead_letters(user),
        refused=refusals(user, limit=SHOWN_REFUSALS),
    )
