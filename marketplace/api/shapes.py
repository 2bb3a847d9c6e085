"""Fields and shapes every noun shares: strict input with a hint for each field, and exact, zoned output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.api.problems import FieldError

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
SHOWN = 80


@extend_schema_field(OpenApiTypes.DATETIME)
class Instant(serializers.Field):
    """A moment: ISO 8601 with a zone on the way in, in UTC with Z on the way out."""

    default_error_messages = {
        "invalid": "it is not a time with a zone",
        "range": "it is not between 2000 and 2100",
    }

    def __init__(self, **options: Any) -> None:
        if not options.get("read_only"):
            options.setdefault("help_text", "Write it with a zone, such as 2024-01-16T17:00:00Z.")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> datetime:
        """The moment in UTC."""
        try:
            moment = datetime.fromisoformat(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("invalid")
        if not EARLIEST.year <= moment.year < LATEST.year:
            self.fail("range")
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime | str) -> str:
        """The moment in UTC, to the microsecond only where it has any; JSON columns hold moments as text."""
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Kw(serializers.DecimalField):
    """Power in kW to the watt; a string on the way out, so that nobody rounds it."""

    def __init__(self, **options: Any) -> None:
        if not options.get("read_only"):
            options.setdefault("min_value", 0)
            options.setdefault("help_text", "Write kilowatts from 0, to the watt at most, such as 412.5.")
        super().__init__(max_digits=12, decimal_places=3, **options)


class Rate(serializers.DecimalField):
    """GBP per kWh, as a string with four decimals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=10, decimal_places=4, **options)


@extend_schema_field({"type": "string", "format": "decimal"})
class Exact(serializers.Field):
    """A Decimal on its way out as it came, a string without an exponent or trailing zeros."""

    def to_representation(self, value: Decimal) -> str:
        """For example '412.5'."""
        return f"{value.normalize():f}"


class Shape(serializers.Serializer[Any]):
    """Base of everything that is sent out."""


class Input(serializers.Serializer[Any]):
    """Base of everything that is taken in: a field nobody knows is refused, never ignored."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The validated values. Raises ValidationError with every problem at once."""
        known = ", ".join(self.fields) or "none"
        strange = (
            {
                str(name): [f"there is no such field here; the fields are {known}"]
                for name in data
                if name not in self.fields
            }
            if isinstance(data, Mapping)
            else {}
        )
        try:
            found: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**error.detail, **strange}) from error  # type: ignore[dict-item]
        if strange:
            raise serializers.ValidationError(strange)
        return found


def field_errors(detail: Any, field: Any, value: Any, path: str = "", hint: str = "") -> Iterator[FieldError]:
    """DRF's tree of messages as a flat list with what was given and what to write.

    `field` is the serializer or field the messages are about, or None for a name it does not know; `hint` is what the
    fields around it say to write, for a field that says nothing itself.
    """
    hint = str(getattr(field, "help_text", "") or hint) if field is not None else "Leave it out."
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == "non_field_errors":
                yield from field_errors(inner, field, value, path, hint)
            else:
                yield from field_errors(inner, part(field, name), part_of(value, name), join(path, name), hint)
    elif isinstance(detail, list) and any(isinstance(inner, Mapping) for inner in detail):
        for index, inner in enumerate(detail):
            if inner:
                yield from field_errors(inner, part(field, index), part_of(value, index), f"{path}[{index}]", hint)
    else:
        for message in detail:
            fix = f"Give it. {hint}" if hint and value is None else hint
            yield FieldError(path, shown(value), sentence(message), fix)


def part(field: Any, name: str | int) -> Any:
    """The field called `name` inside `field`, or the one every item of a list has."""
    inside = getattr(field, "fields", None)
    if inside is not None:
        return inside.get(name)
    return getattr(field, "child", None)


def part_of(value: Any, name: str | int) -> Any:
    """What was given under `name`, or None."""
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list) and isinstance(name, int) and name < len(value):
        return value[name]
    return None


def join(path: str, name: str | int) -> str:
    """The path of a member: a name after a dot, a place in brackets."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)


def shown(value: Any) -> str:
    """What was given, short enough to read; nothing for what was left out."""
    text = "" if value is None else str(getattr(value, "name", value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def sentence(message: object) -> str:
    """A message as a sentence of its own."""
    text = str(message)
    return text if text.endswith((".", "?")) else f"{text}."
