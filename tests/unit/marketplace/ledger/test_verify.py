"""A log before its first entry. Full logs, and whoever changes one, are in management/test_ledger_verify.py."""

from __future__ import annotations

import pytest

from marketplace.ledger.checks import verdict
from marketplace.ledger.verify import verify_log
from tests.unit.marketplace.ledger.logged import Contract, happened

pytestmark = pytest.mark.django_db


def test_an_empty_log_holds():
    assert verdict(verify_log(Contract)) is True


def test_events_without_a_number_are_no_fault():
    happened(2)
    found = verify_log(Contract)
    assert verdict(found) is True
    assert found[0].why == "0 checked"
