"""Numbers as people read them: a value, its unit, where it comes from and how old it is. It only formats."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.queries.exports import utc_text
from marketplace.templatetags.moments import clock, moment

register = template.Library()
Number = Decimal | float | int
THIN = "\u202f"  # narrow no-break space between a value and its unit
WORDS = {
    "MEASURED": "Measured by a meter or a market operator.",
    "FORECAST": "Predicted by a model from what was known when it was issued.",
    "ESTIMATED": "Worked out from related data because nothing measured it.",
    "SIMULATED": "Made by a simulator. It describes no real meter or market.",
    "ASSUMED": "Taken as given because nobody said otherwise.",
    "AGREED": "Follows from the terms of the order alone; nothing had to be metered.",
}


def plain(value: Number, places: int) -> str:
    """Thousands in commas, a real minus sign, and at most `places` decimals without trailing zeros.

    >>> plain(1234.50, 2), plain(Decimal("-0.25"), 2), plain(12.0, 1)
    ('1,234.5', '−0.25', '12')
    """
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−") if text not in {"-0", "0"} else "0"


def with_unit(value: Number | None, unit: str, places: int) -> str:
    """The value, a narrow space and the unit; a dash when there is no value."""
    return "—" if value is None else f"{plain(value, places)}{THIN}{unit}"


@register.filter
def kw(value: Number | None) -> str:
    """Power in kW, to the watt at most."""
    return with_unit(value, "kW", 3 if value is not None and abs(float(value)) < 10 else 1)


@register.filter
def kwh(value: Number | None) -> str:
    """Energy in kWh."""
    return with_unit(value, "kWh", 1)


@register.filter
def wh_as_kwh(value: int | None) -> str:
    """Integer Wh shown exactly in kWh."""
    return "—" if value is None else with_unit(Decimal(value) / 1000, "kWh", 3)


@register.filter
def wh_as_mwh(value: int) -> str:
    """Integer Wh as a bare number of MWh, exact."""
    return plain(Decimal(value).scaleb(-6), 6)


@register.filter
def wh_plain(value: int) -> str:
    """Integer Wh as a bare number of kWh, exact."""
    return plain(Decimal(value) / 1000, 3)


@register.filter
def pence(value: int | None) -> str:
    """Integer pence as pounds: £436.25."""
    if value is None:
        return "—"
    return f"{'−' if value < 0 else ''}£{abs(value) // 100:,}.{abs(value) % 100:02d}"


@register.filter
def pounds(value: Number | None) -> str:
    """Pounds to the penny."""
    return "—" if value is None else f"{'−' if value < 0 else ''}£{abs(value):,.2f}"


@register.filter
def rate_kwh(value: Number | None) -> str:
    """A price per kWh, spelled out, in pence below one pound: 25 p/kWh.

    >>> rate_kwh(Decimal("0.2500")).replace(THIN, " "), rate_kwh(Decimal("1.5")).replace(THIN, " ")
    ('25 p/kWh', '£1.50/kWh')
    """
    if value is None:
        return "—"
    return with_unit(value * 100, "p/kWh", 2) if abs(float(value)) < 1 else f"{pounds(value)}/kWh"


@register.filter
def rate_mwh(value: Number | None) -> str:
    """A price per kWh shown per MWh, as the wholesale market quotes it."""
    return with_unit(None if value is None else value * 1000, "GBP/MWh", 2)


@register.filter
def rate_mw_h(value: Number | None) -> str:
    """A price per MW and hour of standing ready."""
    return with_unit(value, "GBP/MW/h", 2)


@register.filter
def grams(value: Number | None) -> str:
    """Carbon intensity."""
    return with_unit(value, "gCO₂e/kWh", 0)


@register.filter
def kg(value: Number | None) -> str:
    """Mass of CO2e, in kg or tonnes."""
    if value is not None and abs(float(value)) >= 10_000:
        return with_unit(value / 1000, "t CO₂e", 2)
    return with_unit(value, "kg CO₂e", 1)


@register.filter
def things(value: int, plural: str) -> str:
    """How many of something there are, in words that agree.

    >>> things(1, "disputes"), things(1, "entries"), things(1204, "orders")
    ('1 dispute', '1 entry', '1,204 orders')
    """
    single = f"{plural[:-3]}y" if plural.endswith("ies") else plural[:-1]
    return f"{value:,} {single if value == 1 else plural}"


@register.filter
def count(value: int) -> str:
    """A whole number with thousands in commas."""
    return f"{value:,}"


@register.filter
def share(value: Number | None) -> str:
    """A ratio as a percentage; below 1 % to the hundredth, so that a small gap does not read as none."""
    return "—" if value is None else f"{plain(value * 100, 2 if abs(float(value)) < 0.01 else 1)}{THIN}%"


@register.filter
def amount(value: Number | None) -> str:
    """A bare number, to three places at most."""
    return "—" if value is None else plain(value, 3)


@register.filter
def exact(value: Decimal | str | None) -> str:
    """A Decimal, or one written out, with every digit that says something; a dash when there is none.

    >>> exact("12.5106903000000"), exact(Decimal("-0.0050")), exact(Decimal(100)), exact(None)
    ('12.5106903', '−0.005', '100', '—')
    """
    if value is None or value == "":
        return "—"
    return f"{Decimal(value).normalize():f}".replace("-", "−")


@register.filter
def amount_at(value: Number | None, places: int) -> str:
    """A bare number to `places` decimals at most."""
    return "—" if value is None else plain(value, places)


@register.simple_tag
def chip(label: str, source: str = "", as_of: datetime | None = None) -> SafeString:
    """Where a number comes from, in a word, with the source in the tooltip and its age beside it."""
    name = str(label).upper()
    title = WORDS.get(name, "")
    if source:
        title = f"{title} Source: {source}."
    if as_of is not None:
        title = f"{title} As of {utc_text(as_of)}."
    word = format_html(
        '<span class="chip chip-{}" title="{}">{}</span>', name.lower(), title.strip(), name.capitalize()
    )
    if as_of is None:
        return word
    return format_html('{} <span class="asof">as of {}</span>', word, clock(as_of))


@register.inclusion_tag("parts/figure.html")
def figure(name: str, figure: Any, note: str = "") -> dict[str, Any]:
    """One key figure with its unit, label and age. `figure` is a queries.figures.Figure or None."""
    return {"name": name, "figure": figure, "note": note}


@register.filter
def shown(figure: Any) -> str:
    """The value of a queries.figures.Figure with its unit."""
    return with_unit(figure.value, figure.unit, figure.places)


@register.filter
def as_of_text(value: datetime | None) -> SafeString | str:
    """The full as-of time, for places with room."""
    return moment(value)
