"""What needs a person now, with the reason and the deadline: one list for the home page of every role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Subquery

from beckn.models import InboxMessage
from flex_engine.feeds.catalogue import FEEDS
from marketplace.models import (
    Activation,
    Anchor,
    Dispute,
    FeedState,
    Offer,
    Order,
    Organisation,
    Plan,
    PositionNotification,
    Purchase,
    PurchaseDispute,
    Site,
    Upload,
    User,
)
from marketplace.queries.attention_item import RECENT, SOON, Item
from marketplace.queries.attention_sites import meter_files, open_tenders
from marketplace.queries.catalogue import time_of
from marketplace.queries.messages import MessageFilters, filtered_messages
from marketplace.queries.sentences import money
from marketplace.queries.visible import deal_seen, own_organisations, visible
from marketplace.rules.dispute import DisputeState
from marketplace.rules.notification import Alarm
from marketplace.rules.order_state import ActivationState, OrderState
from marketplace.wire.purchase import exact


def operator_items(user: User, now: datetime) -> list[Item]:
    """What a data-centre operator should look at, most urgent first."""
    found = [
        *empty_queues(user),
        *refused_plans(user),
        *waiting_uploads(user, now),
        *meter_files(user, now),
        *open_tenders(user, now),
        *open_offers(user, now),
        *waiting_orders(user, now),
        *coming_dispatches(user, now),
        *untold_positions(user, now),
        *waiting_disputes(user, now),
        *dead_letters(user),
        *troubled_feeds(now),
    ]
    return sorted(found, key=lambda item: (item.tone != "bad", item.by or now + timedelta(days=365)))


def waiting_disputes(user: User, now: datetime) -> Iterator[Item]:
    """Disputes whose next step is ours: the answer to another's, the decision on our own."""
    own = Organisation.objects.filter(**own_organisations("", user)).values("pk")
    ours = Q(state=DisputeState.ANSWERED, opened_by__in=own)
    theirs = Q(state=DisputeState.OPEN) & ~Q(opened_by__in=own)
    rows = Dispute.objects.filter(deal_seen("statement__order", user)).filter(ours | theirs)
    rows = rows.select_related("statement__order__offer__site")
    for row in rows.order_by("response_due_at", "pk")[:5]:
        site, due = row.statement.order.offer.site, row.decision_due_at or row.response_due_at
        waits = "answer" if row.state == DisputeState.OPEN else "decision"
        left = "" if due - now > SOON else ", which is overdue" if now >= due else ", whose time runs out"
        yield Item(
            f"A dispute over {site.name} waits for your {waits}{left}",
            f"{money(abs(row.difference_pence))} of run {row.statement.run} is in dispute.",
            "See the dispute",
            "dispute",
            str(row.pk),
            due,
            "bad" if left else "attention",
        )


def answered_elsewhere(user: User, now: datetime) -> Iterator[Item]:
    """Disputes with sellers elsewhere that were answered: we accept the settlement or take them further, by the seller's clock."""
    rows = visible(PurchaseDispute, user).filter(state=PurchaseDispute.State.ANSWERED).select_related("purchase")
    for row in rows.order_by("updated_at")[:5]:
        due = time_of(exact(row.said).get("decisionDueAt"))
        near = due is not None and due - now <= SOON
        yield Item(
            f"A dispute with {row.purchase.seller_subscriber_id} was answered{', and its time runs out' if near else ''}",
            "Accept the settlement, or take the dispute further.",
            "See the purchase",
            "purchase",
            str(row.purchase_id),
            due,
            "bad" if near else "attention",
        )


def empty_queues(user: User) -> Iterator[Item]:
    """Sites nobody has given work yet: without a queue there is no plan and nothing to sell."""
    for site in visible(Site, user).filter(jobs__isnull=True, uploads__isnull=True).order_by("name"):
        yield Item(
            f"{site.name} has no jobs",
            "A plan, and what it leaves to sell, begin with a queue.",
            "Upload a queue",
            "queue",
            site.slug,
            None,
            "attention",
        )


def waiting_uploads(user: User, now: datetime) -> Iterator[Item]:
    """Uploads to review, and files that could not be read lately."""
    wanted = Q(state=Upload.State.NEEDS_REVIEW) | Q(state=Upload.State.FAILED, created_at__gt=now - RECENT)
    rows = visible(Upload, user).filter(wanted, created_at__gt=now - timedelta(days=30))
    rows = rows.defer("content", "jobs", "row_errors").select_related("site").order_by("-created_at")
    found = list(rows[:50])
    for row in [row for row in found if row.state == Upload.State.NEEDS_REVIEW][:5]:
        yield Item(
            f"{row.filename} waits for review",
            f"Nothing of it is in the queue of {row.site.name} yet.",
            "Review",
            "upload",
            str(row.pk),
            None,
            "attention",
        )
    for row in [row for row in found if row.state == Upload.State.FAILED][:3]:
        yield Item(
            f"{row.filename} could not be read",
            row.error or "The file is not a queue.",
            "See why",
            "upload",
            str(row.pk),
            None,
            "bad",
        )


def refused_plans(user: User) -> Iterator[Item]:
    """Sites whose newest plan did not solve."""
    newest = Plan.objects.filter(site=OuterRef("pk")).order_by("-created_at", "-pk")
    sites = visible(Site, user).annotate(
        last_state=Subquery(newest.values("state")[:1]), last_reasons=Subquery(newest.values("reasons")[:1])
    )
    for site in sites.filter(last_state__in=[Plan.State.INFEASIBLE, Plan.State.FAILED]).order_by("name"):
        why = (site.last_reasons or ["The plan before it stays in force."])[0]
        yield Item(f"No new plan for {site.name}", why, "See what to relax", "schedule", site.slug, None, "bad")


def open_offers(user: User, now: datetime) -> Iterator[Item]:
    """Drafts that can still be published, offers whose proof no longer holds, and sales that cannot be delivered."""
    drafts = Q(state=Offer.State.DRAFT, gate_closure_at__gt=now)
    broken = Q(end_at__gt=now) & ~Q(standing__broken="") & Q(standing__broken__isnull=False)
    lowered = Q(start_at__gt=now) & ~Q(standing__lowered="") & Q(standing__lowered__isnull=False)
    rows = visible(Offer, user).filter(drafts | broken | lowered).select_related("site")
    found = list(rows.order_by("gate_closure_at", "created_at")[:50])
    waiting = [row for row in found if row.state == Offer.State.DRAFT and row.standing.get("holds", True)]
    yield from (broken_offer(row) for row in [row for row in found if row not in waiting][:5])
    for row in waiting[:5]:
        yield Item(
            f"An offer of {row.site.name} waits in draft",
            "It is not on sale until you publish it.",
            "Review the offer",
            "offer",
            str(row.pk),
            row.gate_closure_at,
            "attention",
        )


def broken_offer(row: Offer) -> Item:
    """What no longer holds of an offer."""
    what, standing = f"{row.get_direction_display().lower()} of {row.site.name}", row.standing
    if standing["broken"]:
        text, why, tone = f"A sold {what} cannot be delivered", standing["broken"], "bad"
    elif row.state == Offer.State.DRAFT:
        text, why, tone = f"A draft {what} is no longer proved", standing["why"], "attention"
    else:
        text, why, tone = f"A {what} is offered with less, or not at all", standing["lowered"], "attention"
    return Item(text, why, "See the offer", "offer", str(row.pk), row.start_at, tone)


def coming_dispatches(user: User, now: datetime) -> Iterator[Item]:
    """Dispatches running or coming, and dispatches over that wait for readings."""
    # By site, which asks the database once less than by what auditors see too; this is the operator's own list.
    own = Activation.objects.filter(order__offer__site__in=visible(Site, user))
    rows = own.filter(state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS])
    for row in rows.select_related("order__offer__site").order_by("start_at")[:10]:
        name, key = row.order.offer.site.name, str(row.order_id)
        if row.end_at <= now:
            yield Item(
                f"A dispatch of {name} waits for meter readings",
                "It settles by itself once they are complete.",
                "See the order",
                "order",
                key,
                None,
                "attention",
            )
        elif row.start_at <= now:
            yield Item(
                f"{name} is delivering a dispatch",
                "The site holds its limit until the end.",
                "Follow it",
                "order",
                key,
                row.end_at,
                "open",
                "until",
            )
        elif row.start_at - now < RECENT:
            yield Item(
                f"{name} has a dispatch ahead",
                "The plan keeps the site under the agreed limit.",
                "See the order",
                "order",
                key,
                row.start_at,
                "open",
                "from",
            )


def waiting_orders(user: User, now: datetime) -> Iterator[Item]:
    """Orders that wait for a yes or no, awards of tenders among them."""
    rows = Order.objects.filter(state=OrderState.PENDING, approve_by__gt=now, offer__site__in=visible(Site, user))
    for row in rows.select_related("offer__site", "bid__tender").order_by("approve_by")[:5]:
        bid = getattr(row, "bid", None)
        yield Item(
            f"The award of the tender {bid.tender.name} to {row.offer.site.name} waits for you"
            if bid
            else f"An order for {row.offer.site.name} waits for you",
            row.waits_because,
            "Approve or decline",
            "order-decide",
            str(row.pk),
            row.approve_by,
            "attention",
        )


ALARMS = {
    Alarm.MISSED: ("missed", "was not sent before the gate closed, so the market does not know the position."),
    Alarm.LATE: ("late", "was not sent five minutes before the gate."),
    Alarm.EXCEPTION: ("came back with an exception", ""),
}


def untold_positions(user: User, now: datetime) -> Iterator[Item]:
    """Position notifications of the last days and of those ahead that are alarmed and were not put right since."""
    later = PositionNotification.objects.filter(
        unit=OuterRef("unit"), start_at=OuterRef("start_at"), revision__gt=OuterRef("revision"), sent_at__isnull=False
    )
    own = PositionNotification.objects.filter(site__in=visible(Site, user))
    alarmed = own.filter(~Exists(later), start_at__gt=now - RECENT).exclude(alarm="")
    by_kind: dict[tuple[str, str], list[PositionNotification]] = {}
    for row in alarmed.select_related("site").defer("content").order_by("start_at", "pk")[:200]:
        by_kind.setdefault((row.site.name, row.alarm), []).append(row)
    for (site, alarm), rows in by_kind.items():
        word, why = ALARMS[Alarm(alarm)]
        many = "1 position notification" if len(rows) == 1 else f"{len(rows)} position notifications"
        state = word if alarm == Alarm.EXCEPTION else f"{'was' if len(rows) == 1 else 'were'} {word}"
        text = f"{many} of {site} {state}"
        reason = f"{rows[0].key}: {rows[0].exception_reason}" if rows[0].exception_reason else f"{rows[0].key} {why}"
        yield Item(text, reason, "See the day", "reconciliation-place", str(rows[0].pk), None, "bad")


def troubled_feeds(now: datetime) -> Iterator[Item]:
    """Feeds that fail although they are asked, and rows set aside in the last days. A key that is not set is no trouble."""
    asked = Q(attempted_at__gt=now - RECENT, attempted_at__lte=now)
    failing = asked & Q(failing_since__isnull=False) & ~Q(failure_kind=FeedState.Failure.NO_KEY)
    rows = FeedState.objects.filter(failing | Q(set_aside_at__gt=now - RECENT, set_aside_at__lte=now)).order_by("pk")
    for row in rows:
        title = FEEDS[row.pk].title if row.pk in FEEDS else row.pk
        if row.failing_since and row.failure_kind != FeedState.Failure.NO_KEY:
            yield Item(
                f"{title} cannot be read", row.failure, "See the feeds", "feeds", "", row.failing_since, "bad", "since"
            )
        if row.set_aside_at and row.set_aside_at > now - RECENT:
            many = "1 row" if row.set_aside_rows == 1 else f"{row.set_aside_rows} rows"
            text = f"{many} of {title} cannot be right and {'was' if row.set_aside_rows == 1 else 'were'} set aside"
            yield Item(text, row.set_aside_why, "See the feeds", "feeds", "", row.set_aside_at, "attention", "at")


def dead_letters(user: User) -> Iterator[Item]:
    """Beckn messages that were given up; they go nowhere until somebody looks at them."""
    dead = filtered_messages(user, MessageFilters(state=InboxMessage.State.DEAD)).count()
    if dead:
        text = "1 Beckn message was given up" if dead == 1 else f"{dead} Beckn messages were given up"
        why = "It could not be delivered or handled, and is tried again only when you say so."
        yield Item(text, why, "See the dead letters", "operations", "", None, "bad")


BUYER_STEPS = {
    Purchase.State.QUOTED: ("is quoted", "The price holds for half an hour at most.", "See the quote"),
    Purchase.State.INITIALISED: ("has agreed terms", "Nothing is reserved until you confirm.", "Confirm"),
    Purchase.State.CONFIRMED: ("is confirmed", "Dispatch it when you need it.", "Dispatch"),
    Purchase.State.ACTIVE: ("is dispatched", "Delivery and settlement follow by themselves.", "Follow it"),
}


def grid_items(user: User, now: datetime) -> list[Item]:
    """What a grid operator should look at, soonest first."""
    found = [*waiting_disputes(user, now), *dead_letters(user), *troubled_feeds(now)]
    rows = visible(Purchase, user).filter(state__in=BUYER_STEPS, end_at__gt=now)
    for row in rows.order_by("start_at")[:10]:
        state, why, act = BUYER_STEPS[Purchase.State(row.state)]
        tone = "open" if row.state == Purchase.State.ACTIVE else "attention"
        found.append(
            Item(
                f"{row.offer_name or row.offer_id} {state}",
                why,
                act,
                "purchase",
                str(row.pk),
                row.start_at,
                tone,
                "from" if tone == "open" else "by",
            )
        )
    refused = (
        visible(Purchase, user)
        .filter(state=Purchase.State.REFUSED, updated_at__gt=now - RECENT)
        .order_by("-updated_at")[:3]
    )
    for row in refused:
        found.append(
            Item(
                f"{row.offer_name or row.offer_id} was refused",
                str(row.refusal.get("message", "")),
                "See why",
                "purchase",
                str(row.pk),
                None,
                "bad",
            )
        )
    return found


def auditor_items() -> list[Item]:
    """Heads and records that are not where they should be."""
    odd = {
        Anchor.State.FAILED: "The chain refused the transaction.",
        Anchor.State.REORGED: "The block it stood in is gone; it is being sent again.",
    }
    rows = Anchor.objects.filter(state__in=odd).order_by("-updated_at")[:5]
    return [
        Item(
            f"{row.get_kind_display()} {row.pk if row.seq is None else row.seq}: {row.get_state_display().lower()}",
            row.last_error or odd[Anchor.State(row.state)],
            "See the chain",
            "operations",
            "",
            None,
            "bad",
        )
        for row in rows
    ]
