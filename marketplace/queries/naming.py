"""Names and values of stored members as people read them: words instead of keys, with the unit that the key carries."""

from __future__ import annotations

from typing import Any

UNITS = {"wh": "Wh", "kwh": "kWh", "w": "W", "kw": "kW", "pence": "pence", "s": "seconds"}


def named(key: str) -> str:
    """A member's name in words, with its unit.

    >>> named("delivered_wh"), named("reference_kw"), named("terms_sha256")
    ('delivered, in Wh', 'reference, in kW', 'terms sha256')
    """
    stem, _, last = key.rpartition("_")
    if stem and last in UNITS:
        return f"{stem.replace('_', ' ')}, in {UNITS[last]}"
    return key.replace("_", " ")


def written(value: Any) -> str:
    """A stored value on one line.

    >>> written([1576.57, "1638.95"]), written({"a": True}), written([])
    ('1576.57, 1638.95', 'a: yes', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(written(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {written(item)}" for key, item in value.items()) or "none"
    return str(value)
