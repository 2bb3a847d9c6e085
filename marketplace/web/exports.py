"""CSV answers: exactly the filtered rows, streamed, with a header line that names unit, zone and sign."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

from marketplace.queries.exports import safe_cell


class Echo:
    """A file that hands each written line straight back, so that csv can feed a stream."""

    def write(self, line: str) -> str:
        """The line itself."""
        return line


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """`rows` under `header` as the download `name`.csv in UTF-8."""
    response = StreamingHttpResponse(lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of the file."""
    writer = csv.writer(Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])
