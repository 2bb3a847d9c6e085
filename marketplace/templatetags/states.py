"""States as text, shape and colour, never colour alone. One table gives every state of the house its tone."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# waiting: ring, nothing asked of you. open: dot, running. good: square, done well. attention: triangle. bad: diamond.
TONES = {
    "waiting": """RECEIVED WAITING DRAFT PENDING QUOTING QUOTED INITIALISING INITIALISED CONFIRMING DISPATCHING SIGNED SENT
        QUEUED SEQUENCED ACTIVATION_REQUESTED PLANNED DISCARDED OFF WITHDRAWN EXPIRED CANCELLED SUPERSEDED""",
    "open": """READING PUBLISHED SOLD CONFIRMED ACTIVE ACTIVATION_ACCEPTED IN_PROGRESS DELIVERED DELIVERY_COMPLETE MINED OPTIMAL
        FEASIBLE ANSWERED OFFERED""",
    "good": "CLEARED TAKEN READY IMPORTED SETTLED FINAL FRESH ANCHORED DONE PASSED HOLDS HANDLED STANDING UPHELD AMENDED",
    "attention": "BIASED EMPTY ESCALATED LATE OPEN NEEDS_REVIEW REORGED NO_CHAIN NO_KEY STALE MISSING INFEASIBLE",
    "bad": "FAILED REFUSED ACTIVATION_REJECTED ERROR BROKEN DEAD EXCEPTION MISSED",
}
# Codes whose own word says too little, or says it in a machine's way.
WORDS = {
    "FINAL": "Anchored",
    "SENT": "Submitted",
    "REORGED": "Reorganised",
    "QUEUED": "Waiting for its transaction",
    "NO_CHAIN": "No chain",
    "NO_KEY": "No key",
    "ACTIVATION_REQUESTED": "Asked for",
    "ACTIVATION_ACCEPTED": "Accepted",
    "ACTIVATION_REJECTED": "Refused",
    "IN_PROGRESS": "Delivering",
    "DELIVERY_COMPLETE": "Delivered",
    "UNCONFIRMED": "Sent, unconfirmed",
}
TONE_OF = {state: tone for tone, states in TONES.items() for state in states.split()}


def tone(code: str) -> str:
    """The tone of a state code; a code nobody listed stays neutral.

    >>> tone("FINAL"), tone("SOMETHING_NEW")
    ('good', 'neutral')
    """
    return TONE_OF.get(str(code).upper(), "neutral")


def words(code: str) -> str:
    """A state code as a word.

    >>> words("NEEDS_REVIEW"), words("FINAL")
    ('Needs review', 'Anchored')
    """
    return WORDS.get(str(code), str(code).replace("_", " ").capitalize())


@register.simple_tag
def state(code: str, text: str = "") -> SafeString:
    """A state badge: `text`, or the code in words."""
    return format_html('<span class="state state-{}">{}</span>', tone(code), text or words(code))


@register.filter
def in_words(code: str) -> str:
    """A state code as a word, without the badge."""
    return words(code)
