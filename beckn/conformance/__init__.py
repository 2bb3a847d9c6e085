"""The conformance kit: signed cases, good and bad, run against any participant's receiving endpoint, one verdict a rule.

It stands outside: real sockets, its own keys, its own signing and its own listener for callbacks, so that a mistake in the
rooms that receive and send here is not repeated in the one that judges them. It reads and changes no database.
"""

from beckn.conformance.kit import Kit, Patience
from beckn.conformance.rule import Outcome, Rule, Verdict
from beckn.conformance.rules import RULES
from beckn.conformance.run import applicable, run
from beckn.conformance.speech import Identity, Target

__all__ = ["RULES", "Identity", "Kit", "Outcome", "Patience", "Rule", "Target", "Verdict", "applicable", "run"]
