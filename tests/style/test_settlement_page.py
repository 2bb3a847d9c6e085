"""The page on settlement promises tests by name and rows by file: each of them is there, and none is left out."""

from __future__ import annotations

import re
from pathlib import Path

from tests.style.meter import ROOT

TEXT = (ROOT / "docs/reference/settlement.md").read_text()
TESTS = ROOT / "tests/unit/flex_engine"


def test_every_test_the_page_names_exists() -> None:
    named = {file_of(name) for name in re.findall(r"`([\w/]*test_\w+\.py)`", TEXT)}
    assert len(named) > 8
    assert [str(file) for file in named if not file.exists()] == []
    written = "".join(file.read_text() for file in named)
    functions = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(functions) > 15
    assert [one for one in functions if f"def {one}(" not in written] == []


def file_of(name: str) -> Path:
    """Names start at tests/unit/flex_engine, or say the whole way."""
    return ROOT / name if name.startswith("tests/") else TESTS / name


def test_every_file_of_rows_is_on_the_page() -> None:
    rows = [path.stem for path in (ROOT / "flex_engine/settle/rows").glob("*.json")]
    assert [name for name in rows if f"| `{name}` |" not in TEXT] == []


def test_every_baseline_method_is_on_the_page() -> None:
    held = re.findall(r'"key": "([\w-]+)"', (ROOT / "flex_engine/settle/rows/baseline_methods.json").read_text())
    assert [one for one in held if f"`{one}`" not in TEXT] == []
