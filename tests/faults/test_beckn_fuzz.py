"""A short slice of the campaign of bad messages (python -m benchmarks.beckn_fuzz), and that its judge sees what is wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import beckn_fuzz
from benchmarks.beckn_fuzz import Campaign, fault_in, run, verdict_of
from benchmarks.beckn_fuzz_cases import Shot, Spoiler, own_messages
from benchmarks.beckn_fuzz_http import Answer
from benchmarks.beckn_house import House

CHEAP = {"/bpp/discover", "/bpp/rating"}  # what schemathesis generates at once
BUSY_S = 10.0  # the machine that tests may be busy with other tests; the second is kept where the campaign is run


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    one = House(Path(tmp_path_factory.mktemp("fuzz")) / "house")
    try:
        one.set_up()
        one.serve()
        yield one
    finally:
        one.close()
    assert "Traceback" not in (one.var / "web.log").read_text()


def test_bad_messages_are_refused_in_words_and_leave_nothing(house: House) -> None:
    report = run(house, cases=300, bodies=16, only=CHEAP, patience_s=BUSY_S)
    told = report.document()
    assert told["faults"] == []
    assert told["cases"] == 300
    assert set(told["by_source"]) == {"generated", "http", "questions", "spoilt"}
    assert {"200", "400", "401", "413", "415"} <= set(told["by_status"])
    assert told["stored"] == sum(told["handled"].values()) + at_once(house)


def at_once(house: House) -> int:
    """Subscriptions, which are answered when they come and never handed to the worker."""
    rows = json.loads(house.python(beckn_fuzz.STORED))
    return sum(action == "catalog/subscription" for _, _, action, *_ in rows)


def test_every_address_that_is_described_is_there(house: House) -> None:
    campaign = Campaign(house, start=2)
    for path, methods in campaign.document["paths"].items():
        place = path[1:].replace("{id}", "6f1d0c2e-7a54-4c0b-9a6e-0d2b7f3f1a01").replace("{item}", "x")
        for method in methods:
            shot = Shot(path, "", "bap", place, b"{}", method=method.upper(), unsigned=True)
            assert campaign.client.fire(shot, "").status == 401, (method, path)
    campaign.client.close()


SHOT = Shot("x", "spoilt", "bap", "bpp/select", b"{}")
GOOD = {"status": "NACK", "error": {"errorCode": "SCH_INVALID_JSON"}}


@pytest.mark.parametrize(
    ("status", "told", "seconds", "fault"),
    [
        (400, GOOD, 0.1, ""),
        (200, {"status": "ACK"}, 0.1, ""),
        (200, {"message": {"ack": {"status": "ACK"}}}, 0.1, ""),
        (400, {"message": {"ack": {"status": "NACK"}}, "error": {"code": "30000"}}, 0.1, ""),
        (0, GOOD, 0.1, "no answer"),
        (500, GOOD, 0.1, "a server error"),
        (503, GOOD, 0.1, "a server error"),
        (400, GOOD, 1.1, "answered after"),
        (404, {"status": "ACK"}, 0.1, "an ACK with 404"),
        (200, GOOD, 0.1, "with HTTP 200"),
        (401, GOOD, 0.1, "with HTTP 401"),
        (400, {"status": "NACK", "error": {"errorCode": "AUT_SIGNATURE_INVALID"}}, 0.1, "with HTTP 400"),
        (400, {"status": "NACK", "error": {"errorCode": "WRONG"}}, 0.1, "a code nobody knows"),
        (400, {"status": "NACK"}, 0.1, "a code nobody knows"),
        (404, {"detail": "no"}, 0.1, "without a receipt"),
        (400, [], 0.1, "without a receipt"),
    ],
)
def test_the_judge_names_what_is_wrong(status, told, seconds, fault):
    answer = Answer(status, json.dumps(told).encode(), {}, seconds)
    found = fault_in(SHOT, answer, *verdict_of(answer), 1.0)
    assert fault in found
    assert bool(found) == bool(fault)


def test_the_judge_compares_the_inbox_with_what_was_acknowledged(house: House) -> None:
    campaign = Campaign(house, start=3)
    message = next(one for one in own_messages() if one.action == "select")
    raw = json.dumps(campaign.envelope.around(message)).encode()
    campaign.fire(Shot("select", "spoilt", message.peer, message.path, raw))
    (kept,) = campaign.report.taken
    campaign.report.taken = {"never stored"}
    campaign.client.close()
    campaign.settle()
    assert "acknowledged, and not stored: never stored" in campaign.report.faults
    assert any(one.startswith("refused, and stored:") and kept in one for one in campaign.report.faults)


def test_a_seed_makes_the_same_cases_again():
    def made(seed: int) -> list[tuple[str, bytes]]:
        spoiler = Spoiler(random.Random(seed))
        told = {"context": {"action": "select"}, "message": own_messages()[0].content}
        return [spoiler.spoil(json.loads(json.dumps(told))) for _ in range(50)]

    assert made(1) == made(1) != made(2)
    assert len({raw for _, raw in made(1)}) > 40
