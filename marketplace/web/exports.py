"""CSV answers: exactly the filtered rows, streamed, with a header line that names unit, zone and sign."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import StreamingHttpResponse

from marketplace.queries.exports import csv_lines


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """`rows` under `header` as the download `name`.csv in UTF-8."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
