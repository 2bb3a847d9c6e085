"""The seller's door on the Beckn network: which action is handled where. Each handler calls one use case or query.

Handlers run in the worker, inside one transaction with the message journal and the outbox.
"""

from __future__ import annotations

from marketplace.bpp import aftercare, deals
from marketplace.bpp.answering import Handler

ACTIONS: dict[str, Handler] = {
    "discover": deals.discover,
    "select": deals.select,
    "init": deals.init,
    "confirm": deals.confirm,
    "update": deals.update,
    "status": deals.status,
    "cancel": deals.cancel,
    "track": aftercare.track,
    "rate": aftercare.rate,
    "support": aftercare.support,
    "catalog/on_publish": aftercare.on_publish,
}
