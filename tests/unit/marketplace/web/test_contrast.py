"""Text on its surface reaches 4.5:1 and graphics 3:1 in both themes (WCAG 2.2, 1.4.3 and 1.4.11), computed from the tokens."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

CSS = settings.BASE_DIR / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
SURFACES = ("paper", "surface", "raised")
TEXT = [
    *((ink, on) for ink in ("ink", "soft") for on in (*SURFACES, "good-back", "attention-back", "bad-back", "open-back")),
    *(("link", on) for on in (*SURFACES, "open-back", "bad-back", "good-back")),
    *((tone, f"{tone}-back") for tone in ("good", "attention", "bad", "open")),
    *((tone, on) for tone in ("bad", "attention") for on in ("paper", "surface")),
    ("main-ink", "main"),
    ("main-ink", "main-hover"),
    ("focus", "focus-back"),
]  # fmt: skip
GRAPHICS = [
    *((f"data-{name}", "surface") for name in ("planned", "ghost", "limit", "price", "carbon", "down", "up", "lock")),
    *(("edge", on) for on in ("paper", "surface")),
    *(("main", on) for on in SURFACES),
    *((tone, on) for tone in ("good", "attention", "bad", "open") for on in ("paper", "surface")),
]  # fmt: skip


def block(start: str) -> dict[str, str]:
    """The colours declared in the first block that opens with `start`."""
    found = re.search(re.escape(start) + r"\s*\{(.*?)\n\s*\}", TOKENS, re.S)
    assert found, start
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", found[1]))


THEMES = {"light": block(":root"), "dark": block(':root[data-theme="dark"]')}


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (GRAPHICS, 3.0)], ids=["text", "graphics"])
def test_each_pair_is_told_apart(theme: str, pairs: list[tuple[str, str]], least: float) -> None:
    colours = THEMES[theme]
    weak = {
        f"{a} on {b}": round(contrast(colours[a], colours[b]), 2)
        for a, b in pairs
        if contrast(colours[a], colours[b]) < least
    }
    assert weak == {}


@pytest.mark.parametrize("theme", list(THEMES))
def test_one_of_the_two_focus_rings_stands_out_everywhere(theme: str) -> None:
    colours = THEMES[theme]
    for on in (*SURFACES, "main"):
        assert max(contrast(colours[ring], colours[on]) for ring in ("focus", "focus-back")) >= 3, on


def test_the_chosen_dark_and_the_systems_dark_are_one() -> None:
    assert block(":root:not([data-theme])") == THEMES["dark"]
    assert set(THEMES["light"]) == set(THEMES["dark"])


def test_no_colour_is_named_outside_the_tokens() -> None:
    for path in [*CSS.glob("*.css"), *(settings.BASE_DIR / "static" / "js").glob("*.js")]:
        if path.name != "tokens.css":
            named = [c for c in re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", path.read_text()) if c != "#fff"]
            assert named == [], path.name
    assert (CSS / "layout.css").read_text().count("#fff") == 1  # paper, when printed


def test_every_token_used_is_there() -> None:
    declared = set(re.findall(r"--([\w-]+):", TOKENS))
    for path in CSS.glob("*.css"):
        assert set(re.findall(r"var\(--([\w-]+)\)", path.read_text())) <= declared, path.name
