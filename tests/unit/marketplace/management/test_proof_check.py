"""A counterparty checks a settled order's proof against a real chain, and is not satisfied with anything less than all of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from marketplace.ledger import sender
from marketplace.ledger.checks import verdict
from marketplace.ledger.reader import installed
from marketplace.ledger.verify import verify_log
from marketplace.management.proof_check import check_proof
from marketplace.management.sale import StepFailedError
from marketplace.models import Anchor, LedgerEntry, SettlementStatement
from marketplace.queries import proofs
from marketplace.usecases.anchor_events import anchor_events
from marketplace.usecases.record_settlements import record_settlements
from tests.embedded_chain import KEY, EmbeddedChain, running_chain
from tests.unit.marketplace.ledger.logged import happened, statement
from tests.unit.marketplace.usecases.market import END


class Operator:
    """What the API would answer: the proof and the order as JSON, changed on the way if a test wants that."""

    def __init__(self, made: SettlementStatement) -> None:
        self.order_id = str(made.order_id)
        entry = proofs.statement_entry_of(LedgerEntry.objects.all(), order_id=made.order_id)
        assert entry is not None
        figures = ("run", "delivered_wh", "payment_pence", "penalty_pence", "amount_pence")
        shown = {name: getattr(made, name) for name in figures}
        self.answers: dict[str, Any] = {
            f"/orders/{self.order_id}/proof": json.loads(json.dumps(proofs.proof_of(entry).as_json())),
            f"/orders/{self.order_id}": {"id": self.order_id, "activations": [{"statements": [shown]}]},
        }

    @property
    def proof(self) -> dict[str, Any]:
        return dict(self.answers[f"/orders/{self.order_id}/proof"])

    @property
    def shown(self) -> dict[str, Any]:
        return dict(self.answers[f"/orders/{self.order_id}"]["activations"][0]["statements"][0])

    def get(self, path: str) -> Any:
        return self.answers[path]

    def wait(self, path: str, *, until: Callable[[Any], bool], what: str) -> Any:
        if not until(self.answers[path]):
            raise StepFailedError(f"{what} did not happen")
        return self.answers[path]


@pytest.fixture(scope="module")
def settled(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SettlementStatement, EmbeddedChain]]:
    """A statement in the log, its head and its record sent to the real contract by the real sender."""
    var = tmp_path_factory.mktemp("chain")
    (var / "key").write_text(KEY.hex())
    with running_chain() as chain, django_db_blocker.unblock(), transaction.atomic():
        chain.deployment(chain.deploy()).write(var / "contract.json")
        facts = {
            "CHAIN_RPC_URL": chain.url,
            "CHAIN_CONTRACT_FILE": var / "contract.json",
            "CHAIN_KEY_FILE": var / "key",
        }
        with override_settings(**facts):
            happened(3)
            made = statement()
            happened(2)
            anchor_events(now=END)
            record_settlements(now=END)
            assert sender.send_due(now=timezone.now()) == 2
            yield made, chain
        transaction.set_rollback(True)


@pytest.fixture
def operator(settled: tuple[SettlementStatement, EmbeddedChain], db: None) -> Operator:
    return Operator(settled[0])


@pytest.fixture
def check(settled: tuple[SettlementStatement, EmbeddedChain], operator: Operator) -> Callable[[], dict[str, Any]]:
    """Check the operator's proof, as it now answers, on the real chain."""
    return lambda: check_proof(operator, order_id=operator.order_id, rpc_url=settled[1].url)  # type: ignore[arg-type]


def test_a_settled_order_is_verified_on_the_real_chain(check, settled):
    found = check()
    assert found["verified"] is True, found["sentence"]
    head, record = Anchor.objects.get(kind="HEAD"), Anchor.objects.get(kind="RECORD")
    assert (found["tx_hash"], found["head_tx_hash"]) == (record.tx_hash, head.tx_hash)
    assert found["root"] == f"0x{head.root}"
    assert found["tx_hash"] != found["head_tx_hash"]
    names = [one["name"] for one in found["checks"]]
    assert names == [
        *(
            "order",
            "contract",
            "payload",
            "leaf",
            "leaf_hash",
            "prev",
            "inclusion",
            "chain_root",
            "record",
            "chain_record",
        )
    ]
    assert found["sentence"].startswith("10 checks held; entry ")
    receipt = settled[1].web3.eth.get_transaction_receipt(found["tx_hash"])
    assert receipt["status"] == 1


def test_the_whole_log_is_verified_on_the_real_chain(check):
    found = verify_log(installed)
    assert verdict(found) is True, [one for one in found if one.held is not True]


def test_a_proof_that_is_not_anchored_is_waited_for(check, operator):
    operator.proof["settlement"]["anchor"]["state"] = "MINED"
    with pytest.raises(StepFailedError, match="the anchoring of the settlement's proof"):
        check()


@pytest.mark.parametrize(
    ("part", "member", "value", "said"),
    [
        ("entry", "payload", '{"amount_pence":"1"}', "says what the order shows"),
        ("entry", "subject", "order:another", "about something else"),
        ("head", "root", "ab" * 32, "It is in the tree"),
        ("settlement", "commitment", "ab" * 32, "record follows from the statement"),
        ("settlement", "record_key", "zz", "not verified"),
        ("entry", "seq", "seven", r"Expected `int`"),
    ],
)
def test_a_changed_proof_is_not_verified(check, operator, part, member, value, said):
    operator.proof[part][member] = value
    found = check()
    assert found["verified"] is False
    assert said in found["sentence"]


def test_an_order_that_shows_other_money_is_not_verified(check, operator):
    path = f"/orders/{operator.order_id}"
    operator.answers[path]["activations"][0]["statements"][0]["amount_pence"] += 1
    found = check()
    assert (found["verified"], found["sentence"].split(";")[0]) == (
        False,
        "not verified: The proven statement says what the order shows: they differ in amount_pence",
    )


def test_another_chain_or_contract_is_not_believed(check, operator):
    anchor = operator.proof["head"]["anchor"]
    operator.proof["head"]["anchor"] = anchor | {"chain_id": 1}
    assert "answers, and the proof speaks of chain 1" in check()["sentence"]
    operator.proof["head"]["anchor"] = anchor | {"contract": "0x" + "00" * 20}
    assert "different contracts" in check()["sentence"]
    operator.proof["settlement"]["anchor"]["contract"] = "0x" + "00" * 20
    found = check()
    assert (found["verified"], "there is no contract" in found["sentence"]) == (False, True)


def test_a_contract_of_another_log_is_not_believed(check, operator):
    operator.answers[f"/orders/{operator.order_id}/proof"]["log_id"] += "/another"
    found = check()
    assert found["verified"] is False
    assert "deployed for another log" in found["sentence"]


def test_a_chain_that_is_down_verifies_nothing(operator, free_port):
    down = f"http://127.0.0.1:{free_port()}"
    found = check_proof(operator, order_id=operator.order_id, rpc_url=down)
    assert (found["verified"], found["tx_hash"]) == (False, "")
    assert "does not answer" in found["sentence"]
