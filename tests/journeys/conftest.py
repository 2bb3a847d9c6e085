"""One real installation with an offer on sale, shared by the journeys that come to it from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flex_engine.timegrid import floor_half_hour
from marketplace.management import sale
from marketplace.management.commands import demo
from marketplace.management.process_group import ProcessGroup
from marketplace.management.sale import Party


@dataclass
class House:
    """A running `manage.py up` with a plan, and the seller's own access to it."""

    group: ProcessGroup
    operator: Party
    plan: dict[str, Any]

    def offer(self) -> dict[str, Any]:
        """A newly published offer of the best window there is."""
        return sale.publish_best_offer(self.operator, site=demo.SITE, window=None)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demonstration's sites, jobs and signals, without its sale; real time until a test moves the market's clock."""
    var = Path(tmp_path_factory.mktemp("house"))
    group = ProcessGroup(var, log=var / "up.log")
    group.start()
    try:
        made = json.loads(group.command("demo_parties", "--json", "--tokens"))
        operator = Party(group.url, made["tokens"]["operator"])
        morning = floor_half_hour(datetime.now(UTC)) + timedelta(minutes=30)
        plan = demo.Command().prepare(group, operator, seed=1, morning=morning)
        yield House(group, operator, plan)
    finally:
        group.stop()
