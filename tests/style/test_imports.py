"""The floors hold, no import hides in a function, and the web process stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.style.meter import PACKAGES, ROOT, sources

HEAVY = ("torch", "cvxpy", "xgboost", "web3", "eth", "scipy.optimize")


def test_the_floors_of_the_house_hold() -> None:
    """The contracts of [tool.importlinter] in pyproject.toml."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_our_own_packages_are_imported_at_the_top() -> None:
    """An import inside a function hides a cycle. Heavy third-party packages are the reasoned exception, ours are not."""
    found = []
    for source in sources():
        for function in ast.walk(source.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [f"{source.name}:{node.lineno}" for node in ast.walk(function) if is_ours(node)]  # type: ignore[attr-defined]
    assert sorted(set(found)) == []


def is_ours(node: ast.AST) -> bool:
    """Whether `node` imports one of our packages."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in PACKAGES
    return isinstance(node, ast.Import) and any(alias.name.split(".")[0] in PACKAGES for alias in node.names)


def test_the_web_process_loads_no_solver_and_no_chain() -> None:
    """A page must not wait for gigabytes it never uses: entrances and every URL are imported, then the modules counted."""
    code = (
        "import os, sys, django; django.setup()\n"
        "import caco_site.wsgi, caco_site.urls\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "caco_site.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []
