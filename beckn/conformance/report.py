"""Verdicts for people (one line a rule), for programs (JSON) and for build servers (JUnit)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from beckn.conformance.rule import Outcome, Verdict
from beckn.conformance.speech import Target


def line(verdict: Verdict) -> str:
    """One rule and how it came out."""
    why = f"\n{' ' * 37}{verdict.why}" if verdict.why else ""
    return f"{verdict.outcome:<11} {verdict.rule.id:<24} {verdict.rule.sentence}{why}"


def closing(verdicts: Sequence[Verdict]) -> str:
    """The last line."""
    count = Counter(verdict.outcome for verdict in verdicts)
    return ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome)


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0: every rule that was asked for passed. 1: one failed. 2: none failed, but one could not be tested."""
    if any(verdict.outcome == Outcome.FAIL for verdict in verdicts):
        return 1
    return 2 if any(verdict.outcome == Outcome.NOT_TESTED and not verdict.by_choice for verdict in verdicts) else 0


def document(verdicts: Sequence[Verdict], target: Target, *, now: datetime) -> dict[str, Any]:
    """The whole run as one JSON document."""
    return {
        "target": target.url,
        "subscriberId": target.subscriber_id,
        "role": target.role,
        "profile": target.profile,
        "at": now.isoformat(),
        "summary": closing(verdicts),
        "rules": [
            {
                "id": verdict.rule.id,
                "sentence": verdict.rule.sentence,
                "verdict": str(verdict.outcome),
                "why": verdict.why,
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }


def junit(verdicts: Sequence[Verdict], target: Target) -> bytes:
    """The same as a JUnit report: one case a rule, NOT TESTED as skipped."""
    count = Counter(verdict.outcome for verdict in verdicts)
    suite = ET.Element(
        "testsuite",
        name=f"beckn {target.profile} {target.role} {target.url}",
        tests=str(len(verdicts)),
        failures=str(count[Outcome.FAIL]),
        skipped=str(count[Outcome.NOT_TESTED]),
        errors="0",
        time=f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    )
    for verdict in verdicts:
        case = ET.SubElement(
            suite, "testcase", classname=f"beckn.{target.profile}", name=verdict.rule.id, time=f"{verdict.seconds:.3f}"
        )
        if verdict.outcome != Outcome.PASS:
            kind = "failure" if verdict.outcome == Outcome.FAIL else "skipped"
            ET.SubElement(case, kind, message=plain(verdict.why)).text = verdict.rule.sentence
    return ET.tostring(suite, encoding="utf-8", xml_declaration=True)


def plain(text: str) -> str:
    """What XML 1.0 can hold: a participant may have answered anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
