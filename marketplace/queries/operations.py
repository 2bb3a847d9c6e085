"""How the house itself is doing: messages, agents, feeds and the chain, as far as each person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q

from marketplace.models import AgentDecision, Anchor, Event, User
from marketplace.queries.ledger import Head, heads
from marketplace.queries.messages import MessageRow, dead_letters
from marketplace.queries.refusals import RefusalRow, refusals
from marketplace.queries.signals import Feed, feeds
from marketplace.queries.sites import Decision, decisions
from marketplace.queries.visible import visible

SHOWN_HEADS = 8
SHOWN_STUCK = 10
SHOWN_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class ChainState:
    """How many transactions stand in one state, heads and settlement records together."""

    state: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class StuckAnchor:
    """A head or a batch of records that failed, or that waits for a reason, with the reason. `can_retry`: by this person."""

    id: int
    name: str
    state: str
    state_name: str
    why: str
    updated_at: datetime
    can_retry: bool


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """The operations page."""

    feeds: tuple[Feed, ...]
    decisions: tuple[Decision, ...]
    chain: tuple[ChainState, ...]
    no_chain: bool
    stuck: tuple[StuckAnchor, ...]
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
        no_chain=settings.CHAIN_RPC_URL == "none",
        stuck=stuck(user),
        heads=tuple(reversed(heads()[-SHOWN_HEADS:])),
        unsequenced=visible(Event, user).filter(entry__isnull=True).count(),
        dead=dead_letters(user),
        refused=refusals(user, limit=SHOWN_REFUSALS),
    )


def stuck(user: User) -> tuple[StuckAnchor, ...]:
    """The oldest anchors that do not move, because they failed or because something keeps them."""
    odd = Q(state=Anchor.State.FAILED) | (~Q(state=Anchor.State.FINAL) & ~Q(last_error=""))
    return tuple(
        StuckAnchor(
            id=row.pk,
            name=f"{row.get_kind_display()} {row.pk if row.seq is None else row.seq}",
            state=row.state,
            state_name=row.get_state_display(),
            why=row.last_error,
            updated_at=row.updated_at,
            can_retry=row.state == Anchor.State.FAILED and user.is_superuser and user.acting_for is None,
        )
        for row in Anchor.objects.filter(odd).order_by("pk")[:SHOWN_STUCK]
    )
