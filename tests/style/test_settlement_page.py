"""The page on settlement promises tests by name and rows by file: each of them is there, and none is left out."""

from __future__ import annotations

import re

from tests.style.meter import ROOT

TEXT = (ROOT / "docs/reference/settlement.md").read_text()
TESTS = ROOT / "tests/unit/flex_engine"


def test_every_test_the_page_names_exists() -> None:
    named = set(re.findall(r"`((?:settle/|simulate/)?test_\w+\.py)`", TEXT))
    assert len(named) > 8
    assert [file for file in named if not (TESTS / file).exists()] == []
    written = "".join((TESTS / file).read_text() for file in named)
    functions = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(functions) > 15
    assert [one for one in functions if f"def {one}(" not in written] == []


def test_every_file_of_rows_is_on_the_page() -> None:
    rows = [path.stem for path in (ROOT / "flex_engine/settle/rows").glob("*.json")]
    assert [name for name in rows if f"| `{name}` |" not in TEXT] == []


def test_every_baseline_method_is_on_the_page() -> None:
    held = re.findall(r'"key": "([\w-]+)"', (ROOT / "flex_engine/settle/rows/baseline_methods.json").read_text())
    assert [one for one in held if f"`{one}`" not in TEXT] == []
