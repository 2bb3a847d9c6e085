"""What is the record: the log and its proofs, signals and forecasts, the Beckn journal."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from django.utils import timezone

from beckn.models import OutboxMessage, RefusedRequest
from marketplace.ledger.proof import proof_from_json
from marketplace.models import LedgerEntry, SignalPoint
from tests.unit.marketplace.web.world import NOW, World


def test_the_log_is_listed_newest_first_with_a_sentence_and_a_state(world: World, program: Any) -> None:
    status, body = program(world.operator).get("/ledger")
    entries = body["results"]
    assert status == 200
    assert [one["seq"] for one in entries] == sorted((one["seq"] for one in entries), reverse=True)
    assert {"FINAL", "MINED"} <= {one["state"] for one in entries}
    assert all(one["sentence"].endswith(".") for one in entries)


def test_entries_are_found_by_type_state_and_number(world: World, program: Any) -> None:
    operator = program(world.operator)
    assert [one["type"] for one in operator.get("/ledger", type="plan.ready")[1]["results"]] == ["plan.ready"]
    assert [one["seq"] for one in operator.get("/ledger", find="3")[1]["results"]] == [3]
    assert all(one["state"] == "FINAL" for one in operator.get("/ledger", state="FINAL")[1]["results"])
    assert operator.get("/ledger", state="LOST")[0] == 422


def test_an_entry_carries_its_bytes(world: World, program: Any) -> None:
    status, body = program(world.operator).get("/ledger/3")
    entry = LedgerEntry.objects.select_related("event").get(seq=3)
    assert status == 200
    assert body["leaf"].encode() == bytes(entry.leaf)
    assert body["payload"].encode() == bytes(entry.event.payload)
    assert body["entry"]["leaf_hash"] == entry.leaf_hash


def test_the_buyer_sees_the_entries_of_what_it_bought_and_no_others(world: World, program: Any) -> None:
    types = {one["type"] for one in program(world.grid).get("/ledger")[1]["results"]}
    assert "order.confirmed" in types
    assert not types & {"queue.accepted", "plan.ready", "offer.drafted"}
    assert program(world.other).get("/ledger")[1]["results"] == []


def test_a_proof_is_one_that_others_can_read(world: World, program: Any) -> None:
    status, body = program(world.operator).get("/ledger/3/proof")
    assert status == 200
    assert proof_from_json(body).entry.seq == 3
    assert body["head"]["anchor"]["state"] == "FINAL"


def test_the_proof_of_an_order_is_that_of_its_newest_statement(world: World, program: Any) -> None:
    operator = program(world.operator)
    status, body = operator.get(f"/orders/{world.orders['settled'].pk}/proof")
    assert (status, body["entry"]["type"]) == (200, "settlement.statement")
    assert body["entry"]["subject"] == f"order:{world.orders['settled'].pk}"
    status, body = operator.get(f"/orders/{world.orders['confirmed'].pk}/proof")
    assert status == 404
    assert "no settlement statement" in body["detail"]


def test_an_auditor_may_prove_every_order(world: World, program: Any) -> None:
    assert program(world.auditor).get(f"/orders/{world.orders['settled'].pk}/proof")[0] == 200


def test_signals_are_shown_as_they_became_known(world: World, program: Any) -> None:
    SignalPoint.objects.create(
        series="price", start_at=NOW + timedelta(minutes=20), value=1.0, unit="GBP/MWh", source="recorded", label="MEASURED",
        known_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    query = {"series": "price", "start": "2024-01-16T10:00:00Z", "end": "2024-01-17T10:00:00Z"}
    status, body = program(world.operator).get("/signals", **query)
    assert status == 200
    assert body["results"]
    assert all(row["known_at"] <= "2024-01-16T13:10:00Z" and row["series"] == "price" for row in body["results"])
    assert set(body["results"][0]) == {"series", "start_at", "value", "unit", "source", "label", "known_at"}


def test_signals_and_forecasts_are_read_as_known_at_an_earlier_moment(world: World, program: Any) -> None:
    early, later = "2024-01-16T12:00:00Z", "2030-01-01T00:00:00Z"
    for path in ("/signals", "/forecasts"):
        status, body = program(world.operator).get(path, known_at=early, series="price")
        assert status == 200
        assert all(row["known_at"] <= early for row in body["results"])
        now = program(world.operator).get(path, series="price")[1]["results"]
        assert program(world.operator).get(path, known_at=later, series="price")[1]["results"] == now, (
            "not what is to come"
        )
        assert now != body["results"]


def test_forecasts_carry_their_band(world: World, program: Any) -> None:
    [issue] = program(world.grid).get("/forecasts", series="price")[1]["results"]
    assert len(issue["p10"]) == len(issue["p50"]) == len(issue["p90"])
    assert issue["label"] == "FORECAST"
    assert program(world.grid).get("/forecasts", series="wind")[0] == 422


def test_each_side_reads_its_own_messages(world: World, program: Any) -> None:
    seller = program(world.operator).get("/messages")[1]["results"]
    buyer = program(world.grid).get("/messages")[1]["results"]
    assert {row["role"] for row in seller} == {"seller"}
    assert {row["role"] for row in buyer} == {"buyer"}
    one = seller[0]
    assert program(world.operator).get("/messages", transaction=one["transaction_id"], way=one["direction"])[1][
        "results"
    ]
    assert program(world.operator).get("/messages", page=99)[1] == {"next": None, "results": []}
    assert program(world.operator).get("/messages", page="x")[0] == 422
    assert program(world.auditor).get("/messages")[1]["results"] == []


def test_a_message_is_read_whole_and_its_bytes_exactly(world: World, program: Any) -> None:
    row = world.messages["select"]
    status, told = program(world.operator).get(f"/messages/in/{row.pk}")
    assert status == 200
    assert base64.b64decode(told["raw_base64"]) == bytes(row.raw)
    assert [step["name"] for step in told["timings"]] == [
        "Received",
        "Handled",
        "on_select stored",
        "on_select delivered",
    ]
    assert told["schema"]["fits"] is False
    assert (told["schema"]["code"], told["schema"]["pointer"]) == ("SCH_REQUIRED_FIELD_MISSING", "/context")
    assert [one["action"] for one in told["paired"]] == ["on_select"]
    assert program(world.grid).get(f"/messages/in/{row.pk}")[0] == 404
    assert program(world.operator).get(f"/messages/sideways/{row.pk}")[0] == 404


def test_a_dead_letter_is_driven_again_by_whoever_may(world: World, program: Any) -> None:
    dead = world.messages["dead"]
    path = f"/messages/out/{dead.pk}/redrive"
    status, told = program(world.operator).post(path, {})
    assert (status, told["code"]) == (409, "MESSAGE_ENDED")
    OutboxMessage.objects.filter(pk=dead.pk).update(created_at=timezone.now())
    assert program(world.viewer).post(path, {})[0] == 403
    status, told = program(world.operator).post(path, {})
    assert (status, told["message"]["state"], told["attempts"], told["can_redrive"]) == (200, "PENDING", 0, False)
    assert program(world.operator).post(path, {})[1]["code"] == "MESSAGE_NOT_DEAD"


def test_refusals_are_for_administrators(world: World, program: Any) -> None:
    RefusedRequest.objects.create(
        at=timezone.now(), address="192.0.2.7", path="/beckn/bpp/confirm", status=401, code="AUT_SIGNATURE_INVALID",
        reason="no", size=3, digest="0" * 128, beginning=b"\xff{}",
    )  # fmt: skip
    [row] = program(world.operator).get("/messages/refused")[1]["results"]
    assert (row["address"], row["code"], row["beginning"]) == ("192.0.2.7", "AUT_SIGNATURE_INVALID", "\ufffd{}")
    assert program(world.viewer).get("/messages/refused")[0] == 404
    assert program(world.auditor).get("/messages/refused")[0] == 404
