"""A file is named after what it is for. A drawer for everything has no name, so it may not exist."""

from __future__ import annotations

import ast

import pytest

from tests.style.meter import ROOT, sources

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools", "lib", "shared", "services"}


def test_no_file_is_a_drawer_for_everything() -> None:
    found = [source.name for source in sources() if source.path.stem in DRAWERS or source.path.parent.stem in DRAWERS]
    assert found == []


@pytest.mark.parametrize("package", ["usecases"])
def test_a_use_case_is_the_verb_its_file_is_named_after(package: str) -> None:
    """One verb a file: the function of that name is there, and takes keywords only. `lease` is the duty's guard."""
    for path in sorted((ROOT / "marketplace" / package).glob("[!_]*.py")):
        functions = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        if path.stem == "lease":
            continue
        assert path.stem in functions, f"{path.name} has no function {path.stem}"
        arguments = functions[path.stem].args
        assert not arguments.args, f"{path.stem} must take its arguments by keyword"
        assert "now" in {one.arg for one in arguments.kwonlyargs}, f"{path.stem} must be told the time"


def test_nothing_below_the_doors_reads_a_clock() -> None:
    """`now` is an argument. Leases, the ledger's sender and delivery of messages live on real time, and say so."""
    clocks = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("clock", "now"), ("date", "today")}
    rooms = ("marketplace/usecases", "marketplace/rules", "marketplace/queries", "marketplace/models", "flex_engine")
    real_time = {"marketplace/usecases/lease.py"}
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources()
        if source.name.startswith(rooms) and source.name not in real_time
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in clocks
    ]
    assert found == []
