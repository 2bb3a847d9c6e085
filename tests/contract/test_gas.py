"""The gas table people read is the one the code gives."""

from __future__ import annotations

from benchmarks.contract_gas import table
from tests.style.meter import ROOT


def test_the_gas_table_in_the_readme_is_measured() -> None:
    assert table() in (ROOT / "contracts" / "README.md").read_text(), "run python -m benchmarks.contract_gas"
