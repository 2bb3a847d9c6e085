"""Every duty is ticked, every name that is enqueued exists, and the clock survives its own faults."""

from __future__ import annotations

import ast
import inspect
import threading

import pytest
from celery import current_app
from django.conf import settings

from caco_site import celery as composition
from tests.style.meter import sources


@pytest.fixture(scope="module")
def registered():
    current_app.loader.import_default_modules()
    return set(current_app.tasks)


def test_the_app_of_every_django_process_is_ours():
    assert current_app.main == "caco"


def test_every_tick_is_a_task_that_exists(registered):
    assert set(settings.TICKS) <= registered


def test_every_duty_is_ticked(registered):
    """A task called tick or sweep that no clock starts would only run when somebody remembers it."""
    duties = {name for name in registered if name.rsplit(".", 1)[-1] in {"tick", "sweep", "pulse"}}
    assert duties == set(settings.TICKS)


def test_a_tick_that_waited_too_long_is_dropped():
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert entry["schedule"] <= entry["options"]["expires"] <= max(5.0, settings.TICKS[name])


def test_every_name_that_is_enqueued_is_a_task(registered):
    found = set()
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "enqueue.enqueue":
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    assert found
    assert found <= registered


def test_a_task_takes_what_a_later_version_may_send(registered):
    """During a rolling start an older worker meets newer keywords."""
    ours = [current_app.tasks[name] for name in registered if name.startswith(("marketplace.", "beckn.", "caco_site."))]
    assert [task.name for task in ours if not takes_anything(task.run)] == []


def takes_anything(function):
    return any(one.kind is one.VAR_KEYWORD for one in inspect.signature(function).parameters.values())


class Schedule:
    """A scheduler whose service fails twice before it runs."""

    def __init__(self):
        self.schedule = {}


def test_the_clock_starts_again_after_a_fault(monkeypatch):
    starts, runs = [], threading.Event()

    class Service:
        scheduler = Schedule()

        def __init__(self, *_, **__):
            starts.append(1)

        def start(self):
            if len(starts) < 3:
                raise RuntimeError("no broker")
            runs.set()
            clock.stopping.wait(5)

        def stop(self):
            pass

    monkeypatch.setattr(composition, "Service", Service)
    monkeypatch.setattr(composition, "RESTART_S", 0.01)
    worker = type("Worker", (), {"app": current_app})()
    clock = composition.Clock(worker)
    clock.start(worker)
    assert runs.wait(5)
    clock.stop(worker)
    assert len(starts) == 3


def test_only_a_worker_that_was_told_keeps_the_clock(monkeypatch):
    worker = type("Worker", (), {"app": current_app})()
    monkeypatch.delenv("CACO_CLOCK_IN_WORKER", raising=False)
    assert not composition.Clock(worker).include_if(worker)
    monkeypatch.setenv("CACO_CLOCK_IN_WORKER", "1")
    assert composition.Clock(worker).include_if(worker)
