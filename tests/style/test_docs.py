"""The docs name what exists, their links lead somewhere, and nothing ties the project to one package index."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.style.meter import PACKAGES, ROOT, sources

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contracts").glob("*.md")])
COMMANDS = (ROOT / "docs/reference/commands.md").read_text()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUR_PREFIXES = ("CACO_", "BECKN_", "DATABASE_URL", "REDIS_URL")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def settings_read() -> frozenset[str]:
    """Every environment variable of ours that the code names."""
    found = set()
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                word = node.value
                if re.fullmatch(r"[A-Z][A-Z0-9_]*[A-Z0-9]", word) and word.startswith(OUR_PREFIXES):
                    found.add(word)
    return frozenset(found)


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()
    assert {word for word in settings_read() if f"`{word}`" not in text} == set()


def test_no_setting_is_documented_that_nothing_reads() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()
    named = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text, re.MULTILINE))
    scripts = "".join(path.read_text() for path in (ROOT / "script").iterdir() if path.is_file())
    assert {word for word in named if word not in settings_read() and word not in scripts} == set()


def test_every_command_of_ours_is_documented() -> None:
    ours = [command for command, app in get_commands().items() if app in PACKAGES]
    assert len(ours) > 5
    assert [command for command in ours if f"`{command}`" not in COMMANDS] == []


def test_every_script_is_documented() -> None:
    scripts = [path.name for path in (ROOT / "script").iterdir() if path.is_file()]
    assert [script for script in scripts if f"script/{script}" not in COMMANDS] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    inside = [
        link.split("#")[0] for link in LINK.findall(text) if not link.startswith(("http://", "https://", "mailto:"))
    ]
    assert [link for link in inside if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_a_page_tells_to_run_exist(page: Path) -> None:
    text = page.read_text()
    known = set(get_commands())
    told = re.findall(r"manage\.py ([a-z_]+)", text)
    assert [command for command in told if command not in known] == []
    assert [
        script for script in re.findall(r"\bscript/([a-z][\w-]*)", text) if not (ROOT / "script" / script).exists()
    ] == []


def test_every_page_is_in_the_index() -> None:
    index = set(LINK.findall((ROOT / "docs/README.md").read_text()))
    pages = [
        page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions" and page.name != "README.md"
    ]
    assert [name(page) for page in pages if str(page.relative_to(ROOT / "docs")) not in index] == []


def test_every_decision_is_in_its_index_and_has_its_three_parts() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for page in sorted(folder.glob("0*.md")):
        assert page.name in index
        assert [line for line in page.read_text().splitlines() if line.startswith("## ")] == [
            "## Context",
            "## Decision",
            "## Consequence",
        ]


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize(
    "file", ["requirements.txt", "requirements-dev.txt", "pyproject.toml", "script/setup", "script/lock", ".ci/run"]
)
def test_nothing_names_a_package_index(file: str) -> None:
    """A lock with addresses works for those who can reach them. Names and versions work with every index."""
    text = (ROOT / file).read_text()
    assert not re.search(r"index-url|--find-links|--index|https?://", text)


def test_npm_locks_hold_no_addresses() -> None:
    for lock in (ROOT / "contracts").glob("package-lock.json"):
        assert '"resolved"' not in lock.read_text()
