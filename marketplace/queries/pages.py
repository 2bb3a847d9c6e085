"""A slice of a long list: the rows of one page, and enough to link the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet

R = TypeVar("R")
SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Page `number` of `pages`, counted from 1; `total` rows fit the filters."""

    rows: tuple[R, ...]
    number: int
    pages: int
    total: int

    @property
    def before(self) -> int | None:
        """The page number before this one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page number after this one."""
        return self.number + 1 if self.number < self.pages else None


def page_of(rows: QuerySet[Any], number: int, make: Callable[[Any], R], *, size: int = SIZE) -> Page[R]:
    """Page `number` of an ordered queryset; a number outside the list gives its nearest page."""
    total = rows.count()
    pages = max(1, -(-total // size))
    number = min(max(1, number), pages)
    first = (number - 1) * size
    return Page(tuple(make(row) for row in rows[first : first + size]), number, pages, total)
