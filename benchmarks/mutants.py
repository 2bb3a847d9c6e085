"""Are the tests of a module worth anything? python -m benchmarks.mutants marketplace.ledger.merkle

Small faults are put into the module, one at a time: a comparison turned, a number off by one, a statement left out, a condition
negated, an argument dropped. A fault that the tests notice is killed; one they do not notice survives and is printed with its
line. A seeded sample is tried of all that can be made. Not touched: docstrings, annotations, decorators, imports, what is logged.

The unfaulted module must pass first. Each fault then lives in a process forked from that run, which puts it into the functions
that others hold already and runs the tests again, up to the first that fails: with --first those that a pytest expression names,
because they are quick, and then all. A run that takes longer than --patience seconds counts as killed. Exit 1 below --floor.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import signal
import sys
import types
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TURNED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Add,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip
LOOPS: dict[type[ast.AST], type[ast.stmt]] = {ast.Break: ast.Continue, ast.Continue: ast.Break}
DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: where, what, and the whole module with it."""

    line: int
    what: str
    tree: ast.Module


Edit = tuple[str, Callable[[], None]]


def edits(tree: ast.Module) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """Every fault that can be put into this tree, with its line, in words, and as what does it."""
    for parent in wanted(tree):
        for name, value in ast.iter_fields(parent):
            if name in {"annotation", "returns", "decorator_list", "type_comment"}:
                continue
            places = enumerate(value) if isinstance(value, list) else [(None, value)]
            for at, node in places:
                if isinstance(node, ast.AST):
                    for what, change in of_node(parent, name, at, node):
                        yield getattr(node, "lineno", getattr(parent, "lineno", 0)), what, change
        for what, change in of_lists(parent):
            yield getattr(parent, "lineno", 0), what, change


def wanted(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes whose inside may be changed, in a fixed order."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr) or is_told(node):
            continue
        yield node
        skipped = {"annotation", "returns", "decorator_list"}
        for name, value in ast.iter_fields(node):
            if name not in skipped:
                todo += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def is_told(node: ast.AST) -> bool:
    """A docstring or a line for the log: words that nothing depends on."""
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.Constant):
        return True
    named = value.func.value if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else None
    return isinstance(named, ast.Name) and named.id == "log"


def put(parent: ast.AST, name: str, at: int | None, new: Any) -> Callable[[], None]:
    """What sets a place of the tree."""

    def change() -> None:
        if at is None:
            setattr(parent, name, new)
        else:
            getattr(parent, name)[at] = new

    return change


def of_node(parent: ast.AST, name: str, at: int | None, node: ast.AST) -> Iterator[Edit]:
    """The faults that replace `node` at its place."""
    for other in TURNED.get(type(node), ()):
        yield f"{type(node).__name__} becomes {other.__name__}", put(parent, name, at, other())
    if type(node) in LOOPS:
        yield f"{type(node).__name__} turned", put(parent, name, at, LOOPS[type(node)]())
    if isinstance(node, DROPPED) and not is_told(node):
        yield f"left out: {ast.unparse(node)[:70]}", put(parent, name, at, ast.Pass())
    if isinstance(node, ast.UnaryOp):
        yield f"{type(node.op).__name__} left out", put(parent, name, at, node.operand)
    if name == "test" and isinstance(node, ast.expr):
        yield f"negated: {ast.unparse(node)[:70]}", put(parent, name, at, ast.UnaryOp(ast.Not(), node))
    if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield f"returns None: {ast.unparse(node)[:70]}", put(parent, name, at, ast.Return(ast.Constant(None)))
    if isinstance(node, ast.Constant):
        for new in other_values(node.value):
            yield f"{node.value!r:.40} becomes {new!r}", put(parent, name, at, ast.Constant(new))  # type: ignore[arg-type]


def other_values(value: object) -> list[object]:
    """What a constant could have been by mistake."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, str):
        return ["mutant"]
    return [b"mutant"] if isinstance(value, bytes) else []


def of_lists(node: ast.AST) -> Iterator[Edit]:
    """The faults that leave out one of several: an operand of and/or, a keyword argument, a bound of a slice."""
    if isinstance(node, ast.BoolOp):
        for at, one in enumerate(node.values):
            rest = [*node.values[:at], *node.values[at + 1 :]]
            yield f"without {ast.unparse(one)[:60]}", put(node, "values", None, rest)
    if isinstance(node, ast.Call):
        for at, word in enumerate(node.keywords):
            fewer = [*node.keywords[:at], *node.keywords[at + 1 :]]
            yield f"without argument {ast.unparse(word)[:60]}", put(node, "keywords", None, fewer)
    if isinstance(node, ast.Slice):
        for bound in ("lower", "upper"):
            if getattr(node, bound) is not None:
                yield f"slice without {bound}", put(node, bound, None, None)


def mutants(source: str, count: int, seed: int) -> tuple[list[Mutant], int]:
    """A sample of so many faults, and how many can be made."""
    total = sum(1 for _ in edits(ast.parse(source)))
    chosen = random.Random(seed).sample(range(total), min(count, total))
    made = []
    whole = ast.parse(source)
    for number in chosen:
        tree = deepcopy(whole)
        line, what, change = next(one for at, one in enumerate(edits(tree)) if at == number)
        change()
        made.append(Mutant(line, what, ast.fix_missing_locations(tree)))
    return made, total


def put_into(module: types.ModuleType, tree: ast.Module) -> None:
    """Make the running module the faulty one, in the functions and classes that others hold already too."""
    fresh: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(tree, str(module.__file__), "exec"), fresh)
    for name in [one for one in vars(module) if not one.startswith("__") and one not in fresh]:
        delattr(module, name)
    for name, new in fresh.items():
        old = module.__dict__.get(name)
        if isinstance(new, types.FunctionType) and isinstance(old, types.FunctionType):
            swap(old, new)
        elif isinstance(new, type) and isinstance(old, type):
            for part, method in vars(new).items():
                before = vars(old).get(part)
                if isinstance(method, types.FunctionType) and isinstance(before, types.FunctionType):
                    swap(before, method)
        elif not name.startswith("__") and not isinstance(new, types.ModuleType):
            setattr(module, name, new)


def swap(old: types.FunctionType, new: types.FunctionType) -> None:
    """The new function's body and defaults in the old one."""
    if old.__module__ == new.__module__:
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def survives(module: types.ModuleType, tree: ast.Module, arguments: list[str], patience: int) -> bool:
    """Whether the tests still pass with the faulty tree, in a process of its own."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(patience)
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        put_into(module, tree)
        os._exit(int(pytest.main(arguments)))
    except BaseException:  # noqa: BLE001 - a module that cannot even be made is noticed
        os._exit(3)


def own_tests(name: str) -> str:
    """The test file that mirrors a module."""
    *folders, last = name.split(".")
    return str(Path("tests", "unit", *folders, f"test_{last}.py"))


def main() -> None:
    """Read the command line, run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("module", help="for example marketplace.ledger.merkle")
    parser.add_argument("--tests", nargs="+", help="default: the test file that mirrors the module")
    parser.add_argument("--first", default="", help="a pytest -k expression")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=int, default=120, help="seconds of one run of the tests")
    parser.add_argument("--minutes", type=float, default=600, help="stop then, and judge what was tried")
    parser.add_argument("--floor", type=int, default=90, help="per cent that must be killed")
    given = parser.parse_args()
    os.chdir(ROOT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    module = import_module(given.module)
    tests = given.tests or [own_tests(given.module)]
    arguments = [*tests, "-x", "-q", "-p", "no:cacheprovider", "--reuse-db", "--assert=plain", "--timeout=0"]
    if pytest.main([*arguments, "--create-db"]):
        sys.exit(f"mutants: {' '.join(tests)} must pass before anything is changed")
    arguments.append("--nomigrations")  # the tables are there
    passes = [[*arguments, "-k", given.first], arguments] if given.first else [arguments]
    made, total = mutants(Path(str(module.__file__)).read_text(), given.sample, given.seed)
    left, tried, begun = [], 0, perf_counter()
    for one in made:
        if perf_counter() - begun > 60 * given.minutes:
            break
        tried += 1
        if all(survives(module, one.tree, words, given.patience) for words in passes):
            left.append(one)
            print(f"{module.__file__}:{one.line}: {one.what}", flush=True)
        if tried % 50 == 0:
            print(f"{tried} tried, {len(left)} left, {perf_counter() - begun:.0f} s", flush=True)
    killed = tried - len(left)
    share = 100 * killed / tried
    print(
        f"{given.module}: {killed} of {tried} mutants killed ({share:.1f} %), of {total} that can be made, seed {given.seed}"
    )
    sys.exit(1 if share < given.floor else 0)


if __name__ == "__main__":
    main()
