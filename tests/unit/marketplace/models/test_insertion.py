"""A row that is inserted directly is the row that the object's own save would have made, and is judged alike."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, IntegrityError, transaction

from marketplace.models import Event
from marketplace.models.insertion import insert_rows

pytestmark = pytest.mark.django_db
AT = datetime(2024, 1, 16, 14, 10, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def event(**changed):
    facts = {"id": uuid.uuid4(), "type": "a.b", "at": AT, "subject": "é:1", "payload": b"\x00{}", "salt": b"s" * 32}
    return Event(**facts | {"payload_commit": "ab" * 32} | changed)


def columns(one):
    one.refresh_from_db()
    return [bytes(v) if isinstance(v, memoryview) else v for v in (getattr(one, f.attname) for f in one._meta.fields)][
        1:
    ]


def test_it_is_the_row_that_save_makes():
    saved, inserted, others = event(), event(), [event(), event()]
    saved.save()
    insert_rows([inserted])
    insert_rows(others)
    insert_rows([])
    assert columns(inserted) == columns(saved) == columns(others[1])
    assert (inserted.at, inserted._state.adding) == (AT.astimezone(UTC), False)
    inserted.full_clean()


def test_the_database_and_the_fields_judge_it_alike():
    made = event()
    insert_rows([made])
    for rows, problem in (([event(id=made.pk)], IntegrityError), ([event(type="x" * 61)], DataError)):
        with pytest.raises(problem), transaction.atomic():
            insert_rows(rows)
