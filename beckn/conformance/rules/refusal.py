"""What most rules are: one bad message, the HTTP statuses with which it may be refused, and the codes that name why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from beckn.conformance import receipt
from beckn.conformance.exchange import Request
from beckn.conformance.kit import Kit, describe
from beckn.conformance.rule import BOTH, Failed, NotTested, Rule
from beckn.conformance.speech import ALL

BAD_REQUEST = frozenset({400})
UNAUTHORISED = frozenset({401})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bad message and its right answer.

    With no `codes` any will do. `pointers` are the JSON pointers of which the NACK must name one. `may_hang_up`: closing
    the connection is an answer too. `unless` are codes that say that the kit's identities are not registered as it needs.
    """

    id: str
    sentence: str
    make: Callable[[Kit], Request]
    statuses: frozenset[int] = BAD_REQUEST
    codes: frozenset[str] = frozenset()
    pointers: frozenset[str] = frozenset()
    may_hang_up: bool = False
    unless: frozenset[str] = frozenset()
    profiles: frozenset[str] = ALL
    roles: frozenset[str] = BOTH

    @property
    def rule(self) -> Rule:
        """This case as a rule."""
        return Rule(self.id, self.sentence, partial(judge, self), self.profiles, self.roles)


def judge(case: Refusal, kit: Kit) -> None:
    """Send the bad message and look at the answer."""
    answer = kit.send_bad(case.make(kit))
    if not answer.status and case.may_hang_up:
        return
    code, words, path = receipt.error_of(kit.target.profile, answer)
    if code in case.unless:
        raise NotTested(f"it was refused with {code}: register the kit's identities as --subscriptions prints them")
    if answer.status not in case.statuses:
        wanted = " or ".join(map(str, sorted(case.statuses)))
        raise Failed(f"it was answered {describe(answer)}; refuse it with {wanted}")
    # A NACK that has no code at all is receipt-nack's affair, once and not here again.
    if case.codes and code and not kit.target.is_v1 and code not in case.codes:
        raise Failed(f"its code is {code}; name it {' or '.join(sorted(case.codes))}")
    if case.pointers and path not in case.pointers and not any(one in words for one in case.pointers):
        raise Failed(f"it points at {path or 'nothing'}; name {' or '.join(sorted(case.pointers))}")
