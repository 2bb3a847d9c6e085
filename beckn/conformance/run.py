"""All rules in order, each with its verdict. A rule that breaks is a fault of the kit and is not hidden as a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from beckn.conformance.kit import Kit
from beckn.conformance.rule import Failed, NotTested, Outcome, Rule, Verdict
from beckn.conformance.speech import Target


def applicable(rules: Iterable[Rule], target: Target) -> list[Rule]:
    """The rules for a participant of this role and profile."""
    return [rule for rule in rules if target.profile in rule.profiles and target.role in rule.roles]


def run(kit: Kit, rules: Iterable[Rule], tell: Callable[[Verdict], None] = lambda _: None) -> list[Verdict]:
    """Judge `kit.target` by the rules that apply to it; `tell` hears each verdict as it falls."""
    verdicts = []
    for rule in applicable(rules, kit.target):
        verdict = judge(kit, rule)
        tell(verdict)
        verdicts.append(verdict)
    return verdicts


def judge(kit: Kit, rule: Rule) -> Verdict:
    """One rule."""
    begun = time.monotonic()
    try:
        rule.run(kit)
    except Failed as failed:
        return Verdict(rule, Outcome.FAIL, time.monotonic() - begun, str(failed))
    except NotTested as untested:
        return Verdict(rule, Outcome.NOT_TESTED, time.monotonic() - begun, str(untested), untested.by_choice)
    return Verdict(rule, Outcome.PASS, time.monotonic() - begun)
