"""A buyer with nothing but a key file and a registry's address buys, dispatches and is told what was settled.

Once by `manage.py beckn_buy`, also in the other profiles and by a DeDi directory, once by curl, command by command as the how-to
page says it; and the conformance kit buys the least there is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from beckn.conformance.rules import orders
from marketplace.management import sale
from marketplace.management.assumptions import measured
from marketplace.management.commands import demo
from tests.journeys.conftest import House
from tests.style.meter import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
STEERING = ("CACO_", "BECKN_", "REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
BOUGHT_KW = "10"  # how much is on sale depends on the hour; several buy a part of the same offer
PAGE = ROOT / "docs" / "howto" / "order-flexibility-with-curl.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def offer(house: House) -> dict[str, Any]:
    """An offer large enough for everybody who buys a part of it."""
    return house.offer()


@contextmanager
def buying(
    house: House, folder: Path, *options: str, name: str = "beckn_buy", key: str = "buyer.json"
) -> Iterator[subprocess.Popen[str]]:
    """`manage.py beckn_buy` in an empty folder of its own, with no setting of the installation but the registry's address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        name,
        "--json",
        "--registry",
        f"{house.group.url}/beckn/registry",
    ]
    process = subprocess.Popen(
        [*command, "--key", str(folder / key), *options],
        env=kept | {"CACO_VAR": str(folder / "nothing")}, cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def lines_until(process: subprocess.Popen[str], words: str) -> list[dict[str, Any]]:
    """The steps printed up to the one that says `words`."""
    found: list[dict[str, Any]] = []
    assert process.stdout is not None
    for line in process.stdout:
        found.append(json.loads(line))
        if words in found[-1].get("step", ""):
            return found
    raise AssertionError(f"{words!r} was not reached: {found} {process.stderr.read() if process.stderr else ''}")


def test_a_stranger_buys_dispatches_and_hears_of_the_settlement(house: House, tmp_path: Path) -> None:
    offer = house.offer()
    kw = Decimal(offer["periods"][0]["offered_kw"]).quantize(Decimal(1)) - 1
    with buying(house, tmp_path, "--kw", str(kw), "--offer", offer["id"], "--settled-within", "120") as process:
        lines_until(process, "dispatch accepted")
        replan = sale.wait_for_plan(house.operator, site=demo.SITE, after=house.plan["id"])
        end = datetime.fromisoformat(offer["end_at"].replace("Z", "+00:00"))
        house.group.set_clock(end + timedelta(minutes=5))
        demo.read_meter(house.operator, measured([house.plan, replan], until=end, seed=1))
        lines_until(process, "settled: ")
        assert process.stdout is not None
        outcome = json.loads(process.stdout.read())
        assert process.wait(30) == 0
    assert outcome["state"] == "SETTLED"
    assert Decimal(outcome["kw"]) == kw
    order = house.operator.get(f"/orders/{outcome['contract_id']}")
    statement = order["activations"][0]["statements"][-1]
    assert order["state"] == "SETTLED"
    assert Decimal(outcome["amount_gbp"]) == Decimal(statement["amount_pence"]) / 100
    assert Decimal(outcome["quote_gbp"]) == Decimal(order["quote_pence"]) / 100


@pytest.mark.parametrize(("profile", "kind"), [("onix", "v1"), ("v1", "dedi")])
def test_a_stranger_buys_in_another_profile(
    house: House, offer: dict[str, Any], tmp_path: Path, profile: str, kind: str
) -> None:
    with buying(house, tmp_path, "--bpp", "nobody.example") as process:
        _, said = process.communicate(timeout=60)
    assert (process.returncode, "there is no seller" in said) == (3, True), said  # but it is on the network now
    house.group.command("beckn_profile", json.loads((tmp_path / "buyer.json").read_text())["subscriber_id"], profile)
    listed = requests.get(f"{house.group.url}/beckn/registry/subscribers", timeout=10).json()
    key = next(one["key_id"] for one in listed if one["type"] == "BPP")
    asked = ["--registry-kind", kind, "--bpp", "market.caco.local"]
    if kind == "dedi":
        asked += ["--registry", f"{house.group.url}/beckn/registry/dedi", "--bpp-key", key]
    with buying(
        house, tmp_path, *asked, "--profile", profile, "--kw", BOUGHT_KW, "--offer", offer["id"], "--no-wait"
    ) as process:
        said, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained
    outcome = json.loads(said.splitlines()[-1])
    order = house.operator.get(f"/orders/{outcome['contract_id']}")
    assert (outcome["state"], order["state"]) == ("ACTIVE", "ACTIVE")
    assert {float(row["ordered_kw"]) for row in order["periods"]} == {float(BOUGHT_KW)}
    assert Decimal(outcome["quote_gbp"]) == Decimal(order["quote_pence"]) / 100


@pytest.mark.parametrize("profile", ["lts", "onix"])
@pytest.mark.usefixtures("offer")
def test_the_conformance_kit_orders_here_and_finds_nothing_wrong(house: House, profile: str) -> None:
    options = ["--against", f"{house.group.url}/beckn/bpp", "--register", "--buy", "--only", "order-", "--json", "-"]
    told = json.loads(house.group.command("beckn_conformance", *options, "--profile", profile))
    assert {one["id"]: (one["verdict"], one["why"]) for one in told["rules"]} == {
        rule.id: ("PASS", "") for rule in orders.RULES
    }


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--bpp", "nobody.example"], 3, "there is no seller 'nobody.example'; on the network: market.caco.local"),
        (["--kw", "99999999"], 4, "fits"),
        (["--window", "2020-01-01T00:00Z/2020-01-01T01:00Z"], 4, "fits"),
        (["--registry", "http://127.0.0.1:9/registry"], 3, "does not answer as one"),
        (["--kw", "-5"], 2, "is not a power in kW"),
        (["--window", "soon"], 2, "write START/END"),
        (["--network", "another/network"], 5, "CTX_INVALID_FIELD"),
        (["--profile", "v1"], 5, "CTX_VERSION_UNSUPPORTED"),
        (["--registry-kind", "dedi"], 3, "does not hold our key; have it entered as type BAP"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence_with_its_exit_code(
    house: House, tmp_path: Path, options: list[str], code: int, words: str
) -> None:
    with buying(house, tmp_path, *options, "--timeout", "10") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert words in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("offer")
def test_every_command_of_the_page_does_what_it_says(house: House, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(BLOCK.findall(PAGE.read_text()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=kept | {"CACO": str(ROOT), "BASE": house.group.url, "CACO_VAR": str(tmp_path / "nothing")},
    )  # fmt: skip
    try:
        said, complained = process.communicate(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, complained + said
    assert said.rstrip().endswith("ACTIVATION_ACCEPTED")
    contract = json.loads((tmp_path / "inbox" / "on_status.json").read_text())["message"]["contract"]
    order = house.operator.get(f"/orders/{contract['id']}")
    assert order["state"] == "ACTIVE"
    assert {float(row["ordered_kw"]) for row in order["periods"]} == {float(BOUGHT_KW)}
