"""A mock distribution network and a mock system operator buy from one installation, in their manner and by their script.

UKPN cancels one order, is refused a late dispatch of another, and lets a third be delivered; NESO fills a requirement and
disputes its statement. Both hear of the settlement from the seller alone.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketplace.management import sale
from marketplace.management.assumptions import measured
from marketplace.management.commands import demo
from tests.journeys.conftest import House
from tests.journeys.test_buy_from_outside import BOUGHT_KW, buying, lines_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def outcome_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The last line printed, once the process has ended well."""
    said, complained = process.communicate(timeout=90)
    assert process.returncode == 0, complained
    return dict(json.loads(said.splitlines()[-1]))


def on_sale(house: House) -> dict[str, Any]:
    """An offer with room for four purchases: one that is on sale already, for its window cannot be sold twice, or a new one."""
    room = 4 * Decimal(BOUGHT_KW)
    for offer in house.operator.get("/offers?state=PUBLISHED")["results"]:
        if all(Decimal(row["offered_kw"]) - Decimal(row["reserved_kw"]) >= room for row in offer["periods"]):
            return dict(offer)
    return house.offer()


def test_two_operators_buy_in_their_manner(house: House, tmp_path: Path) -> None:
    offer = on_sale(house)
    before = sale.wait_for_plan(house.operator, site=demo.SITE)
    end = datetime.fromisoformat(offer["end_at"].replace("Z", "+00:00"))

    def operator(who: str, name: str, *options: str) -> Any:
        asked = ["--as", who, "--kw", BOUGHT_KW, "--offer", offer["id"], "--settled-within", "120", *options]
        return stack.enter_context(buying(house, tmp_path, *asked, name="mock_operator", key=f"{name}.json"))

    with ExitStack() as stack:
        cancels = outcome_of(operator("ukpn", "cancels", "--behaviour", "cancel", "--zone", "NORM_1"))
        nothing = operator("ukpn", "nowhere", "--zone", "NOWHERE_1")
        assert (nothing.wait(60), "cannot be met" in nothing.stderr.read()) == (4, True)
        late = operator("ukpn", "late", "--behaviour", "late")
        lines_until(late, "waits until")
        accepts = operator("ukpn", "accepts", "--ceiling", "100000")
        disputes = operator("neso", "disputes", "--behaviour", "dispute")
        for process in (accepts, disputes):
            lines_until(process, "dispatch accepted")
        replan = sale.wait_for_plan(house.operator, site=demo.SITE, after=before["id"])
        house.group.set_clock(end + timedelta(minutes=5))
        print("\n", end="", file=late.stdin, flush=True)
        refused = outcome_of(late)
        demo.read_meter(house.operator, measured([before, replan], until=end, seed=1))
        heard, disputed = outcome_of(accepts), outcome_of(disputes)

    assert (cancels["state"], refused["state"]) == ("CANCELLED", "LATE_DISPATCH_REFUSED")
    assert "BIZ_FULFILLMENT_UNAVAILABLE" in refused["orders"][0]["refusal"]
    assert (heard["state"], disputed["state"], disputed["operator"]) == ("SETTLED", "DISPUTED", "NESO (mock)")
    assert disputed["orders"][0]["ticket"]
    seen = {name: house.operator.get(f"/orders/{one['orders'][0]['contract_id']}") for name, one in
            {"cancels": cancels, "late": refused, "accepts": heard, "disputes": disputed}.items()}  # fmt: skip
    assert [order["state"] for order in seen.values()] == ["CANCELLED", "CONFIRMED", "SETTLED", "SETTLED"]
    assert [seen[name]["activations"][0]["mechanism"] for name in ("accepts", "disputes")] == ["DSO_FLEX", "DFS"]
    for name, told in (("accepts", heard), ("disputes", disputed)):
        statement = seen[name]["activations"][0]["statements"][0]
        assert Decimal(told["orders"][0]["amount_gbp"]) == Decimal(statement["amount_pence"]) / 100
