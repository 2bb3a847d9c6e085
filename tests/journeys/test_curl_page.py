"""docs/howto/order-flexibility-with-curl.md, command by command, against a running installation."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.journeys.conftest import House
from tests.style.meter import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
PAGE = ROOT / "docs" / "howto" / "order-flexibility-with-curl.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_does_what_it_says(house: House, tmp_path: Path) -> None:
    house.offer()
    script = "set -euo pipefail\n" + "\n".join(BLOCK.findall(PAGE.read_text()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CACO_", "BECKN_", "DJANGO_"))}
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
    assert {float(row["ordered_kw"]) for row in order["periods"]} == {100.0}
