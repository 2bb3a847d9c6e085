"""The AST meter: what a source file looks like in numbers. Branch counts are McCabe's, without boolean operators.

Measured the same way as the codebases we compare ourselves with (CONTRIBUTING.md), so the figures can be compared.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("caco_site", "marketplace", "beckn", "flex_engine")
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case)


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method."""

    where: str
    lines: int
    branches: int
    annotated: bool


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed file."""

    path: Path
    name: str
    lines: int
    tree: ast.Module


@cache
def sources() -> list[Source]:
    """Every hand-written module of our packages; migrations are generated and left out."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                text = path.read_text(encoding="utf-8")
                name = str(path.relative_to(ROOT))
                found.append(Source(path, name, text.count("\n"), ast.parse(text, filename=name)))
    return found


def functions(source: Source) -> Iterator[Function]:
    """Every function of a file, nested ones too; a nested function's branches count for itself only."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(
                where=f"{source.name}:{node.lineno} {node.name}",
                lines=(node.end_lineno or node.lineno) - node.lineno + 1,
                branches=1 + sum(isinstance(inner, BRANCHES) for inner in own_nodes(node)),
                annotated=node.returns is not None,
            )


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes under `node` that belong to no function nested in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from own_nodes(child)


def public_definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public classes and functions of a module and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                        yield inner


def percentile(values: Sequence[int], share: float) -> int:
    """The smallest value that at least `share` of `values` do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
