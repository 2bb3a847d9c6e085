"""What every handler of the seller's side needs: who we are, which deal is meant, and how the market's errors become refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

from django.conf import settings

from beckn.ports import Message, Refusal, Reply
from beckn.wire.errors import WireError
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import InvalidTransitionError

Handler = Callable[[Message], Reply | None]


def refusing(handler: Handler) -> Handler:
    """Turn the market's anticipated errors into Beckn refusals; anything else is a fault the inbox retries."""

    @wraps(handler)
    def answer(message: Message) -> Reply | None:
        try:
            return handler(message)
        except MarketError as problem:
            raise Refusal(problem.code, str(problem), problem.details) from problem
        except InvalidTransitionError as problem:
            raise Refusal("BIZ_INVALID_STATE_TRANSITION", str(problem), {}) from problem
        except WireError as problem:
            raise Refusal(problem.code, problem.message, {"path": problem.path}) from problem

    return answer


def seller() -> str:
    """Our own subscriber id as a seller."""
    return str(settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"])


def transaction_of(message: Message) -> uuid.UUID:
    """The transaction the message belongs to; the inbox has checked that it is a UUID."""
    return uuid.UUID(message.context["transactionId"])
