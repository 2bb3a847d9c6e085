"""One holder at a time; a dead holder's duty is taken over; letting go frees only what is one's own."""

from __future__ import annotations

import os
import subprocess
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from marketplace.models import Lease
from marketplace.usecases.lease import LIFE, holding, place, take


def test_whoever_holds_it_keeps_the_others_out(db):
    with holding("anchor", seconds=60) as mine, holding("anchor", seconds=60) as theirs:
        assert (mine, theirs) == (True, False)
        assert Lease.objects.count() == 1
    assert not Lease.objects.exists()


def test_other_duties_are_not_in_the_way(db):
    with holding("anchor", seconds=60) as first, holding("plan:1", seconds=60) as second:
        assert first
        assert second


def test_a_dead_holders_lease_runs_out(db):
    Lease.objects.create(name="anchor", holder="a process that was killed", until=timezone.now() - timedelta(seconds=1))
    with holding("anchor", seconds=60) as mine:
        assert mine
        assert Lease.objects.get().holder != "a process that was killed"


def dead_process():
    """The number of a process that has ended and was buried."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("holder", "free"),
    [
        (lambda: f"{place()} {dead_process()} abcd1234 1", True),
        (lambda: f"{place()} {os.getpid()} abcd1234 1", True),  # our number, an earlier life: a container's process 1
        (lambda: f"{place()} {os.getpid()} {LIFE} 1", False),  # another thread of ours
        (lambda: f"{place()} {os.getppid()} abcd1234 1", False),
        (lambda: f"another-machine {dead_process()} abcd1234 1", False),
        (lambda: "written by nobody we know", False),
    ],
)
def test_a_holder_that_is_seen_dead_is_followed_at_once(db, holder, free):
    Lease.objects.create(name="plan:1", holder=holder(), until=timezone.now() + timedelta(seconds=120))
    with holding("plan:1", seconds=60) as mine:
        assert mine is free


def test_a_lease_that_was_taken_over_is_not_released_by_its_late_holder(db):
    with holding("anchor", seconds=60):
        Lease.objects.update(holder="somebody else")
    assert Lease.objects.get().holder == "somebody else"


def test_a_fault_inside_lets_go(db):
    with pytest.raises(RuntimeError), holding("anchor", seconds=60):
        raise RuntimeError("broken")
    assert not Lease.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_one_gets_it():
    line, won = threading.Barrier(6, timeout=30), []

    def reach(number):
        line.wait()
        try:
            won.append(take("anchor", f"worker {number}", 60))
        finally:
            connection.close()

    threads = [threading.Thread(target=reach, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
