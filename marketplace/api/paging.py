"""Lists in slices: `next` continues exactly behind the last row, whatever was inserted meanwhile.

The cursor holds the last row's place: the value it is ordered by, and its primary key among equals.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Q
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketplace.api.problems import FieldError, Invalid

SIZE, MOST = 100, 500
PARAMETERS = ("cursor", "limit")
BAD_CURSOR = "Take the address in `next` as it is, or leave the cursor out."


class Keyset(BasePagination):
    """`?cursor=` and `?limit=`. The view names one field of the model in `ordering`, with - in front for newest first."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """One slice. Raises Invalid for a cursor or a limit that cannot be used."""
        ordering: str = getattr(view, "ordering", "pk")
        self.field, down = ordering.removeprefix("-"), ordering.startswith("-")
        size = limit_of(request)
        if text := request.query_params.get("cursor"):
            queryset = queryset.filter(self.behind(read_cursor(text, queryset.model, self.field), down=down))
        sign = "-" if down else ""
        rows = list(queryset.order_by(f"{sign}{self.field}", f"{sign}pk")[: size + 1])
        self.next = self.address_behind(rows[size - 1], request) if len(rows) > size else None
        return rows[:size]

    def behind(self, place: tuple[Any, Any], *, down: bool) -> Q:
        """Rows after `place` in the order of the list."""
        beyond = "lt" if down else "gt"
        value, pk = place
        return Q(**{f"{self.field}__{beyond}": value}) | Q(**{self.field: value, f"pk__{beyond}": pk})

    def address_behind(self, row: Any, request: Request) -> str:
        """The address of the slice after `row`."""
        value = getattr(row, self.field)
        place = [value.isoformat() if isinstance(value, datetime) else str(value), str(row.pk)]
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        return replace_query_param(request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response(self, data: Any) -> Response:
        """The rows and where they go on."""
        return Response({"next": self.next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The same for the OpenAPI document."""
        following = {
            "type": "string",
            "format": "uri",
            "nullable": True,
            "description": "The next slice; null on the last.",
        }
        return {"type": "object", "required": ["next", "results"], "properties": {"next": following, "results": schema}}

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The two query parameters."""
        size = {"type": "integer", "minimum": 1, "maximum": MOST, "default": SIZE}
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "From `next`, as it is."},
            {"name": "limit", "in": "query", "schema": size, "description": "How many rows a slice holds."},
        ]


def limit_of(request: Request) -> int:
    """?limit= as a number."""
    text = request.query_params.get("limit")
    if text is None:
        return SIZE
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST):
        raise Invalid([FieldError("limit", text[:40], "it is not a number of rows.", f"Write 1 to {MOST}.")])
    return int(text)


def read_cursor(text: str, model: Any, field: str) -> tuple[Any, Any]:
    """(value, primary key) of the row a cursor stands behind, as the model's fields have them."""
    try:
        place = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        value, pk = place if isinstance(place, list) else (None, None)
        return value_of(model._meta.get_field(field), value), value_of(model._meta.pk, pk)
    except (ValueError, binascii.Error, ValidationError, TypeError, RecursionError) as problem:
        raise Invalid([FieldError("cursor", text[:40], "it is not a cursor of this list.", BAD_CURSOR)]) from problem


def value_of(field: Field[Any, Any], text: Any) -> Any:
    """`text` as the field's own type. Raises ValueError or ValidationError."""
    value = field.to_python(text) if isinstance(text, str) else None
    if (
        value is None
        or (isinstance(value, int) and abs(value) >= 2**63)
        or (isinstance(value, datetime) and value.tzinfo is None)
    ):
        raise ValueError(text)
    return value
