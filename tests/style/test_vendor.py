"""Browser libraries are the pinned files, byte for byte, and no page asks another host for one."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from pathlib import Path

import pytest

from tests.style.meter import ROOT

MANIFEST = json.loads((ROOT / "static/vendor/manifest.json").read_text())
FILES = [
    (path, file["sha256"], library.get("package")) for library in MANIFEST for path, file in library["files"].items()
]
ASKS = re.compile(r"""(?:\bsrc|\bhref|@import|url\()\s*=?\s*["'(]?\s*(?:https?:)?//""", re.IGNORECASE)


@pytest.mark.parametrize(("path", "sha256", "package"), FILES)
def test_a_vendored_file_is_the_pinned_one(path: str, sha256: str, package: str | None) -> None:
    """Files of this repository, and those a Python package serves for us. script/vendor fetches them anew and compares."""
    folder = Path(importlib.import_module(package).__path__[0]) if package else ROOT
    assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == sha256


def test_every_vendored_file_is_in_the_manifest() -> None:
    lying = {str(path.relative_to(ROOT)) for path in (ROOT / "static/vendor").rglob("*") if path.is_file()}
    assert lying == {path for path, _, package in FILES if package is None} | {"static/vendor/manifest.json"}


def test_every_library_names_its_licence() -> None:
    assert {library["licence"] for library in MANIFEST} <= {"MIT", "0BSD", "BSD-3-Clause", "Apache-2.0", "ISC"}


def test_pages_load_from_their_own_host_only() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static/css").glob("*"), *(ROOT / "static/js").glob("*")]
    loads = {"script", "link", "img", "iframe"}
    found = []
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            tag = re.search(r"<(\w+)[^>]*" + ASKS.pattern, line, re.IGNORECASE)
            if (tag and tag.group(1).lower() in loads) or (path.suffix != ".html" and ASKS.search(line)):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert found == []
