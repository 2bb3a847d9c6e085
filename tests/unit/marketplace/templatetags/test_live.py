"""Live parts: what a page gives htmx to fetch them by, and that nothing they hold would be lost when it does."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.template import Context, Template

TEMPLATES = settings.BASE_DIR / "templates"
LIVE = re.compile(r'<(\w+)[^<>]*{% live "([\w-]+)"[^%]*%}[^<>]*>')


def test_a_live_part_is_fetched_from_its_own_page_and_stays_itself() -> None:
    text = Template('{% load live %}<div {% live "order" topic "operations" %}></div>').render(
        Context({"path": "/orders/7?state=<b>", "topic": "order:7"})
    )
    assert 'id="order"' in text
    assert 'data-live-topics="order:7 operations"' in text
    assert 'hx-get="/orders/7?state=&lt;b&gt;"' in text
    assert 'hx-select="#order > *" hx-target="this" hx-swap="innerHTML"' in text
    assert 'hx-trigger="order:7 from:body, operations from:body, caco-poll from:body, caco-missed"' in text


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_a_live_part_holds_elements_only(path) -> None:
    """`> *` selects child elements; text directly inside a live part would vanish at the first change."""
    text = path.read_text()
    for found in LIVE.finditer(text):
        after = re.sub(r"\{%.*?%\}|\{#.*?#\}|\s+", "", text[found.end() : found.end() + 400])
        assert after.startswith("<"), f"{path.name}: {found[2]} begins with text: {after[:40]}"
