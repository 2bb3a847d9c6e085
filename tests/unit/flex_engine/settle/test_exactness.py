"""No float in settlement: not written, not made by a division, not brought in by a package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flex_engine import settle

FILES = sorted(Path(settle.__file__).parent.glob("*.py"))
WHOLE = {"isqrt", "lcm"}  # the functions of math that stay with whole numbers
ARRAYS = {"bulk"}  # the one room with arrays, which refuses any but int64: test_bulk holds it to the Decimal rooms


def floats_in(text: str) -> list[str]:
    """What in a module could make a float, by line."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{node.lineno}: {node.value}")
        elif isinstance(node, ast.Name) and node.id in {"float", "complex"}:
            found.append(f"{node.lineno}: {node.id}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{node.lineno}: /")
        elif isinstance(node, ast.ImportFrom) and node.module in {"math", "statistics"}:
            found += [f"{node.lineno}: {one.name}" for one in node.names if one.name not in WHOLE]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            found += [f"{node.lineno}: {one}" for one in names if one.split(".")[0] in {"math", "statistics", "numpy", "pandas", "scipy"}]  # fmt: skip
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_float_in_the_settlement_rooms(path: Path):
    found = floats_in(path.read_text())
    assert [one for one in found if path.stem not in ARRAYS or not one.endswith((": numpy", ": numpy.typing"))] == []


@pytest.mark.parametrize(
    "text",
    ["x = 0.5", "x = a / b", "x /= 2", "x = float(y)", "import numpy as np", "from math import sqrt", "import math"],
)
def test_the_rule_finds_what_it_forbids(text: str):
    assert floats_in(text)


def test_the_rule_lets_whole_numbers_through():
    assert floats_in("from math import isqrt\nx = isqrt(a // b)") == []
