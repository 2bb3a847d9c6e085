"""What an API token may be allowed to ask for, as one table. A scope narrows what its person may do; it never adds to it."""

from __future__ import annotations

SCOPES: dict[str, str] = {
    "sites:read": "read sites, their limits and how fresh what we know about them is",
    "uploads:read": "read uploaded queues and the jobs in the queue",
    "uploads:write": "upload a queue, import it or discard it",
    "plans:read": "read plans",
    "plans:write": "ask for a new plan",
    "readings:read": "read meter readings",
    "readings:write": "send meter readings",
    "offers:read": "read offers and wishes for offers",
    "offers:write": "ask for an offer, publish it or withdraw it",
    "orders:read": "read orders, dispatches, statements and their proofs",
    "statements:read": "read settlement statements, their files and the disputes over them",
    "disputes:write": "open, answer, decide and escalate disputes",
    "orders:write": "approve or decline orders that wait for it, and set how a site sells",
    "purchases:read": "read searches and purchases",
    "purchases:write": "search the network, ask for quotes, order and dispatch",
    "tenders:read": "read tenders and one's bids on them",
    "tenders:write": "publish and cancel tenders, bid on them and withdraw bids",
    "ledger:read": "read the log and its proofs",
    "signals:read": "read grid signals and forecasts",
    "messages:read": "read the Beckn messages of one's own deals",
    "messages:write": "send or handle a message again that was given up",
    "tokens:read": "list one's own tokens",
    "tokens:write": "make and revoke tokens that may do no more than this one",
}
