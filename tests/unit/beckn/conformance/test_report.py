from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from beckn.conformance import RULES, Outcome, Rule, Target, Verdict, applicable, report, run
from beckn.conformance.rule import Failed, NotTested
from tests.style.meter import ROOT

TARGET = Target("http://127.0.0.1:1/beckn/bpp", "fake.example", "bpp", "n", "lts", {})


def verdict(outcome: Outcome, why: str = "", *, by_choice: bool = False) -> Verdict:
    return Verdict(Rule("a-rule", "A rule holds.", lambda _: None), outcome, 0.5, why, by_choice)


GOOD, BAD = verdict(Outcome.PASS), verdict(Outcome.FAIL, "answered \x00")
SKIPPED, UNASKED = verdict(Outcome.NOT_TESTED, "no callback"), verdict(Outcome.NOT_TESTED, "no --spec", by_choice=True)


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [([GOOD], 0), ([GOOD, UNASKED], 0), ([GOOD, SKIPPED], 2), ([SKIPPED, BAD], 1), ([], 0)],
)
def test_only_what_was_asked_for_and_passed_is_a_success(verdicts, status):
    assert report.exit_status(verdicts) == status


def test_a_line_says_the_verdict_and_the_reason():
    assert "PASS        a-rule" in report.line(GOOD)
    assert report.line(SKIPPED).endswith("no callback")
    assert report.closing([GOOD, BAD, SKIPPED, UNASKED]) == "1 PASS, 1 FAIL, 2 NOT TESTED"


def test_json_and_junit_say_the_same():
    told = report.document([GOOD, BAD, SKIPPED], TARGET, now=datetime(2026, 1, 15, tzinfo=UTC))
    assert json.loads(json.dumps(told))["rules"][1]["verdict"] == "FAIL"
    suite = ET.fromstring(report.junit([GOOD, BAD, SKIPPED], TARGET))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [len(case) for case in suite] == [0, 1, 1]


def test_a_rule_that_breaks_is_no_verdict():
    def broken(_: object) -> None:
        raise ZeroDivisionError

    def fails(_: object) -> None:
        raise Failed("no")

    def cannot(_: object) -> None:
        raise NotTested("why", by_choice=True)

    class Kit:
        target = TARGET

    rules = [Rule("f", "F.", fails), Rule("n", "N.", cannot)]
    assert [(one.outcome, one.why) for one in run(Kit(), rules)] == [(Outcome.FAIL, "no"), (Outcome.NOT_TESTED, "why")]
    with pytest.raises(ZeroDivisionError):
        run(Kit(), [Rule("b", "B.", broken)])


def test_rules_have_names_of_their_own_and_stand_in_the_documentation():
    page = (ROOT / "docs/reference/conformance.md").read_text()
    names = [rule.id for rule in RULES]
    assert len(set(names)) == len(names)
    assert [rule.id for rule in RULES if f"| `{rule.id}` | {rule.sentence} |" not in page] == []


@pytest.mark.parametrize("profile", ["lts", "onix", "v1"])
@pytest.mark.parametrize("role", ["bpp", "bap"])
def test_every_profile_and_role_has_rules(profile, role):
    found = applicable(RULES, Target("", "", role, "", profile, {}))
    assert len(found) > 40
    assert ("callback-owed" in {rule.id for rule in found}) == (role == "bpp")
