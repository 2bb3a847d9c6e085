"""Every setting is documented with its default, and nothing is documented that does not exist."""

from __future__ import annotations

import ast
import re

from tests.style.meter import ROOT

PAGE = ROOT / "docs" / "reference" / "settings.md"
OUTSIDE = {"CACO_CLOCK_IN_WORKER"}  # read before or beside settings.py


def documented():
    """Name -> default as the page gives them."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: default.strip("`") for name, default, _ in rows}


def read_in_code():
    """Name -> default as caco_site/settings.py gives them; None where the default is worked out."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / "caco_site" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and re.fullmatch(r"env\.[a-z_]+", ast.unparse(node.func)):
            default = next((one.value for one in node.keywords if one.arg == "default"), None)
            try:
                found[node.args[0].value] = ast.literal_eval(default)
            except ValueError:
                found[node.args[0].value] = None
    return found


def written(default):
    """A default as people write it in an environment."""
    if isinstance(default, bool):
        return str(default).lower()
    return (",".join(map(str, default)) if isinstance(default, list) else str(default)) or "empty"


def test_the_page_names_every_setting_and_no_other():
    assert set(documented()) == set(read_in_code()) | OUTSIDE


def test_the_page_gives_each_default():
    page = documented()
    # A default worked out from another setting, or "" that stands for one, is described in words.
    described = {name for name, default in read_in_code().items() if default is None or default == ""}
    plain = {name: written(default) for name, default in read_in_code().items() if name not in described}
    assert {name: page[name] for name in plain} == plain
