"""Every rule, in the order in which they are put to a participant. What a rule needs of another is kept by the kit."""

from __future__ import annotations

from beckn.conformance.rule import Rule
from beckn.conformance.rules import acceptance, bodies, callbacks, contexts, copies, orders, receipts, signatures

RULES: tuple[Rule, ...] = (
    *acceptance.RULES,
    *receipts.RULES,
    *signatures.RULES,
    *contexts.RULES,
    *bodies.RULES,
    *copies.RULES,
    *callbacks.RULES,
    *orders.RULES,
    *callbacks.LAST,
    *receipts.LAST,
)
