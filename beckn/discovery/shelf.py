"""The catalogues as this process last read them: reading JSON costs more than searching it, and a search reads everything.

What is kept is bounded, and true: each search asks the table which version of which catalogue is in force, and reads what
it does not hold. Catalogues on the shelf are shared between threads and never changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from beckn.models import Catalogue
from beckn.wire import body

MOST_BYTES = 64 * 1024 * 1024  # of JSON; some ten times that in memory
AT_ONCE = 20  # catalogues read from the table together


Key = tuple[int, int, datetime]  # which catalogue, which version of it, and when that was published
KEY = ("pk", "version", "updated_at")


class Shelf:
    """One process's catalogues, the longest unused given up first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self.held: OrderedDict[Key, tuple[int, dict[str, Any]]] = OrderedDict()
        self.current: dict[int, Key] = {}  # one version of a catalogue is held at a time
        self.lock = threading.Lock()

    def catalogues(self, rows: QuerySet[Catalogue]) -> Iterator[dict[str, Any]]:
        """The catalogues of `rows` as they are now, in their order."""
        wanted: list[Key] = list(rows.values_list(*KEY))
        for start in range(0, len(wanted), AT_ONCE):
            keys = wanted[start : start + AT_ONCE]
            found = {key[0]: self.take(key) for key in keys}
            found |= self.read([pk for pk, whole in found.items() if whole is None])
            yield from (whole for whole in found.values() if whole is not None)

    def read(self, pks: list[int]) -> dict[int, dict[str, Any]]:
        """Read catalogues from the table, and keep them."""
        found: dict[int, dict[str, Any]] = {}
        rows = Catalogue.objects.filter(pk__in=pks).values_list(*KEY, "body") if pks else ()
        for *key, raw in rows:
            found[key[0]] = body.load(bytes(raw))
            self.keep((key[0], key[1], key[2]), len(raw), found[key[0]])
        return found

    def take(self, key: Key) -> dict[str, Any] | None:
        """A catalogue that is held."""
        with self.lock:
            if key not in self.held:
                return None
            self.held.move_to_end(key)
            return self.held[key][1]

    def keep(self, key: Key, size: int, whole: dict[str, Any]) -> None:
        """Hold a catalogue in place of what was held of it, and give up what has longest not been used."""
        with self.lock:
            if key[0] in self.current:
                self.give_up(self.current[key[0]])
            self.held[key], self.current[key[0]] = (size, whole), key
            self.bytes += size
            while self.bytes > self.most_bytes:
                self.give_up(next(iter(self.held)))

    def give_up(self, key: Key) -> None:
        """Hold it no longer."""
        self.bytes -= self.held.pop(key)[0]
        del self.current[key[0]]


SHELF = Shelf()
