"""The reader that judges every page must itself see a fault where there is one."""

from __future__ import annotations

import pytest

from tests.unit.marketplace.web.reading import Page

SOUND = '<body><h1>Offers</h1><h2>Terms</h2><label for="kw">Power</label><input id="kw" name="kw" value="3"></body>'


def test_a_sound_page_has_no_fault() -> None:
    assert Page(SOUND).faults() == []
    assert Page(SOUND).value("kw") == "3"


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        (SOUND.replace("</h2>", ""), "closes"),
        (SOUND.replace("h2>", "h3>"), "jumps from h1 to h3"),
        (SOUND.replace("h1>", "p>"), "not exactly one h1"),
        (SOUND.replace('for="kw"', 'for="mw"'), "points to mw"),
        (SOUND.replace(' id="kw"', ""), "has no label"),
        (SOUND.replace("<h2>", '<h2 id="kw">'), "stands 2 times"),
        (SOUND.replace("Terms", "None"), "'None' in"),
        (SOUND.replace("<h2>", '<h2 style="color:red">'), "inline style"),
        (SOUND.replace("Offers", "Offers <script>go()</script>"), "inline style or script"),
        (SOUND.replace("<h1>", "<a href='/'></a><h1>"), "has no words"),
        (SOUND.replace("<h1>", "<form method='post'></form><h1>"), "without a token"),
        (SOUND.replace("</h1>", "</h1><table><tr><th>When</th></tr></table>"), "without a scope"),
    ],
)
def test_each_kind_of_fault_is_seen(html: str, fault: str) -> None:
    assert any(fault in found for found in Page(html).faults()), Page(html).faults()
