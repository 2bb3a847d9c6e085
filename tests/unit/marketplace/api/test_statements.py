"""Statements and disputes for programs: the same figures as the pages, totals of what is listed, and a dispute from claim to end."""

from __future__ import annotations

import csv
from typing import Any

from marketplace.models import Dispute, Membership
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_page import statement_page
from tests.unit.marketplace.api.routes import CLAIM
from tests.unit.marketplace.web.world import NOW, World


def test_list_totals_document_and_files_agree(world: World, program: Any) -> None:
    for person in (world.operator, world.grid, world.auditor):
        asker = program(person)
        rows = asker.get("/statements", state="ALL")[1]["results"]
        totals = asker.get("/statements/totals", state="ALL")[1]
        assert totals["all"]["count"] == len(rows) == (2 if person == world.auditor else 1)
        for name in ("amount_pence", "delivered_wh", "in_dispute_pence"):
            assert totals["all"][name] == sum(row[name] for row in rows) == totals["by_run"]["II"][name]
        listed = asker.call("GET", "/statements/csv", data={"state": "ALL"})
        assert {row["statement"] for row in csv.DictReader(listed.getvalue().decode().splitlines())} == {
            row["id"] for row in rows
        }
        document = asker.get(f"/statements/{world.statement.pk}")[1]
        assert document == statement_document(statement_page(world.statement, None, NOW), world.statement)
        assert document["totals"]["amount_pence"] == world.statement.amount_pence
        pdf = asker.call("GET", f"/statements/{world.statement.pk}/pdf")
        assert (pdf["Content-Type"], pdf.content[:4]) == ("application/pdf", b"%PDF")
    assert program(world.other).get(f"/statements/{world.statement.pk}/doc")[0] == 404
    assert program(world.operator).get("/statements", run="RF")[1]["results"] == []
    assert program(world.operator).get("/statements", run="XX")[0] == 422


def test_a_dispute_from_claim_to_end(world: World, program: Any) -> None:
    Dispute.objects.all().delete()
    grid, operator, auditor = program(world.grid), program(world.operator), program(world.auditor)
    line = world.statement.lines.order_by("start_at")[0]
    part = {"settlement_date": str(line.settlement_date), "settlement_period": line.settlement_period}
    claim = CLAIM | {"periods": [part], "evidence_reference": "log.csv", "evidence_sha256": "cd" * 32}
    status, opened = grid.post(f"/statements/{world.statement.pk}/disputes", claim)
    assert status == 201
    path = f"/disputes/{opened['dispute']['id']}"
    assert grid.post(f"/statements/{world.statement.pk}/disputes", claim)[1]["dispute"]["id"] == opened["dispute"]["id"]
    assert (opened["your_side"], opened["next_steps"], opened["dispute"]["periods"]) == ("BUYER", [], [part])
    assert operator.get(path)[1]["next_steps"] == ["RESPOND"]
    assert auditor.get(path)[1]["next_steps"] == []
    assert auditor.post(f"{path}/respond", {"words": "x", "agrees": True})[0] == 403
    assert operator.post(f"{path}/respond", {"words": "No."})[1]["code"] == "BAD_ANSWER"
    answered = operator.post(f"{path}/respond", {"words": "The log shows none.", "agrees": False})[1]
    assert (answered["dispute"]["state"], answered["steps_taken"][1]["agrees"]) == ("ANSWERED", False)
    assert operator.post(f"{path}/uphold", {"words": "It stands."})[1]["code"] == "DISPUTE_TURN"
    assert grid.post(f"{path}/forget", {"words": "x"})[0] == 404
    assert grid.post(f"{path}/escalate", {"words": "We ask an expert."})[1]["dispute"]["state"] == "ESCALATED"
    closed = grid.post(f"{path}/uphold", {"words": "The expert agrees with you."})[1]
    assert (closed["dispute"]["state"], closed["next_steps"]) == ("UPHELD", [])
    assert [row["id"] for row in auditor.get("/disputes", state="UPHELD")[1]["results"]] == [opened["dispute"]["id"]]
    assert operator.get("/disputes", state="UNDECIDED")[1]["results"] == []


def test_a_refusal_names_the_member(world: World, program: Any) -> None:
    Dispute.objects.all().delete()
    grid, path = program(world.grid), f"/statements/{world.statement.pk}/disputes"
    for member, value in [
        ("reason", "WEATHER"), ("unit", "KWH"), ("claimed_value", "much"), ("claimed_value", 10**13), ("words", ""),
        ("evidence_sha256", "AB" * 32), ("periods", [{"settlement_date": "2024-01-15", "settlement_period": 51}]),
        ("periods", [{"settlement_date": "2024-02-15", "settlement_period": 2}]), ("evidence_reference", "a.csv"),
    ]:  # fmt: skip
        status, body = grid.post(path, CLAIM | {member: value})
        assert status == 422, member
        fields = [error["field"] for error in body["errors"]]
        assert any(one.startswith(("evidence", member)) for one in fields), (member, fields)
    Membership.objects.filter(user=world.grid).update(role="VIEWER")
    assert grid.post(path, CLAIM)[0] == 403
    assert not Dispute.objects.exists()
