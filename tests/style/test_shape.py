"""The shape of the code, held by numbers. A limit may be lowered when the code is better than it, and never raised.

The bar is the best column of twenty codebases measured with the same meter; single worst cases are capped as well.
"""

from __future__ import annotations

import ast

import pytest

from tests.style.meter import Function, Source, functions, percentile, public_definitions, sources

SOURCES = sources()
FUNCTIONS = [one for source in SOURCES for one in functions(source)]


def worst(found: list[Function], by: str) -> str:
    """The five worst functions, for a message that says where to cut."""
    ranked = sorted(found, key=lambda one: getattr(one, by), reverse=True)[:5]
    return ", ".join(f"{one.where} ({getattr(one, by)})" for one in ranked)


@pytest.mark.parametrize(("share", "limit"), [(0.5, 120), (0.9, 240), (1.0, 360)])
def test_files_stay_short(share: float, limit: int) -> None:
    longest = sorted(SOURCES, key=lambda source: source.lines, reverse=True)[:5]
    names = ", ".join(f"{source.name} ({source.lines})" for source in longest)
    assert percentile([source.lines for source in SOURCES], share) <= limit, f"the longest files are {names}"


@pytest.mark.parametrize(("share", "limit"), [(0.9, 35), (0.99, 60), (1.0, 75)])
def test_functions_stay_short(share: float, limit: int) -> None:
    assert percentile([one.lines for one in FUNCTIONS], share) <= limit, worst(FUNCTIONS, "lines")


@pytest.mark.parametrize(("share", "limit"), [(0.9, 7), (0.99, 12), (1.0, 20)])
def test_functions_branch_little(share: float, limit: int) -> None:
    assert percentile([one.branches for one in FUNCTIONS], share) <= limit, worst(FUNCTIONS, "branches")


def test_every_function_says_what_it_returns() -> None:
    assert [one.where for one in FUNCTIONS if not one.annotated] == []


def test_every_module_opens_with_what_it_is_for() -> None:
    assert [source.name for source in SOURCES if not ast.get_docstring(source.tree)] == []


def test_public_names_are_documented() -> None:
    bare = [f"{source.name} {node.name}" for source, node in public() if not ast.get_docstring(node)]
    assert 1 - len(bare) / len(public()) >= 0.95, bare


def public() -> list[tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Public definitions, without Django's own command interface, whose `help` text is its documentation."""
    return [
        (source, node)
        for source in SOURCES
        for node in public_definitions(source.tree)
        if not ("/management/commands/" in source.name and node.name in {"Command", "handle", "add_arguments"})
    ]


def test_the_meter_counts_what_it_says() -> None:
    text = "def f(x):\n    if x:\n        return [y for y in x]\n    def g() -> int:\n        while x: pass\n    return g\n"
    outer, inner = sorted(functions(Source(__file__, "sample.py", 6, ast.parse(text))), key=lambda one: one.where)  # type: ignore[arg-type]
    assert (outer.lines, outer.branches, outer.annotated) == (6, 3, False)
    assert (inner.lines, inner.branches, inner.annotated) == (2, 2, True)
