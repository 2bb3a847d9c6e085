"""What every test may lean on. Settings under test are in tests/settings.py; reference data in tests/shared_data.py."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, connection
from django.db.models import CharField
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from beckn.conformance.official import Official
from beckn.wire import dialect
from marketplace.ledger import append_only
from tests.official_spec import checked

# One profile for everyone: no deadline on shared machines, and the same examples on every run, so a red test stays red.
settings.register_profile("caco", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("caco")

CHROMIUM = os.environ.get("CACO_CHROMIUM") or next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by name what this machine cannot run: a skip is counted in the last line, never hidden."""
    on_postgres = os.environ.get("DATABASE_URL", "").startswith(("postgres://", "postgresql://"))
    for item in items:
        if "browser" in item.keywords and not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="service missing: Chromium (set CACO_CHROMIUM or put it on PATH)"))
        if "postgres" in item.keywords and not on_postgres:
            item.add_marker(
                pytest.mark.skip(reason="service missing: PostgreSQL (script/test starts one where it can)")
            )


@pytest.fixture(scope="session", autouse=True)
def official_spec() -> Iterator[None]:
    """The standard's own file beside our schemas, for whoever has it."""
    named = os.environ.get("CACO_BECKN_SPEC")
    if not named:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "say", checked(dialect.say, Official(Path(named).read_text("utf-8"))))
        yield


@pytest.fixture(scope="session", autouse=True)
def lengths_as_on_postgresql() -> Iterator[None]:
    """SQLite keeps a text of any length in a column of 40: what PostgreSQL would refuse is refused here too."""
    as_it_was = CharField.get_db_prep_save

    def checked_length(field: CharField, value: Any, connection: Any) -> Any:
        if isinstance(value, str) and field.max_length is not None and len(value) > field.max_length:
            raise DataError(f"{field} keeps {field.max_length} characters, and {value!r} has {len(value)}")
        return as_it_was(field, value, connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CharField, "get_db_prep_save", checked_length)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    return CHROMIUM


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that gives a TCP port nobody listens on right now, a different one at each call."""
    given: set[int] = set()

    def pick() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                given.add(port)
                return port

    return pick


@pytest.fixture(autouse=True)
def own_channel_layer() -> Iterator[None]:
    """Each test gets a fresh in-memory channel layer, so no message of one test reaches another."""
    from channels.layers import channel_layers

    channel_layers.backends = {}
    yield
    channel_layers.backends = {}


@pytest.fixture(scope="session", autouse=True)
def emptying_the_log() -> Iterator[None]:
    """A test that commits has its tables emptied afterwards; the log's triggers step aside for exactly that moment."""
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def past_the_triggers(case: TransactionTestCase) -> None:
        append_only.disarm(connection)
        try:
            empty(case)
        finally:
            append_only.arm(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", past_the_triggers)
        yield
