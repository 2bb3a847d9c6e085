"""An accepted dispatch starts when its window does, once."""

from __future__ import annotations

from datetime import timedelta

from marketplace.models import Activation
from marketplace.usecases.start_activations import start_activations
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import FIRST


def test_it_starts_with_its_window_and_only_once(offer):
    activation = market.dispatched(market.confirmed(offer))
    assert start_activations(now=FIRST - timedelta(seconds=1)) == 0
    assert start_activations(now=FIRST) == 1
    assert start_activations(now=FIRST) == 0
    assert Activation.objects.get().state == "IN_PROGRESS"
    assert events_of(f"activation:{activation.pk}") == ["activation.accepted", "activation.started"]


def test_what_was_missed_by_hours_still_starts(offer):
    market.dispatched(market.confirmed(offer))
    assert start_activations(now=FIRST + timedelta(hours=9)) == 1


def test_a_rejected_dispatch_never_starts(offer):
    market.dispatched(market.confirmed(offer))
    Activation.objects.update(state="ACTIVATION_REJECTED")
    assert start_activations(now=FIRST) == 0
