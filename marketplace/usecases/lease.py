"""Hold a named duty for a while, so that only one process does it at a time.

A holder that died lets go when its time runs out; one that died on this very machine at once, because we can see it.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.models import Lease

LIFE = secrets.token_hex(4)  # of this process: its number may be given to another one after it


@contextmanager
def holding(name: str, *, seconds: float) -> Iterator[bool]:
    """Yield True while we hold lease `name`, False when somebody else does.

    Leases live on real time whatever the market's clock says: they guard processes, not trades.
    """
    holder = f"{place()} {os.getpid()} {LIFE} {threading.get_ident()}"
    held = take(name, holder, seconds)
    try:
        yield held
    finally:
        if held:
            Lease.objects.filter(name=name, holder=holder).delete()


def take(name: str, holder: str, seconds: float) -> bool:
    """Try to become the holder of `name`."""
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    if Lease.objects.filter(name=name, until__lt=now).update(holder=holder, until=until):
        return True
    before = Lease.objects.filter(name=name).values_list("holder", flat=True).first()
    if before is not None:
        return seen_dead(before) and bool(
            Lease.objects.filter(name=name, holder=before).update(holder=holder, until=until)
        )
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False
    return True


def seen_dead(holder: str) -> bool:
    """Whether we can see that the holder's process is gone. Of other machines we see nothing."""
    where, _, rest = holder.partition(" ")
    number, _, rest = rest.partition(" ")
    life = rest.partition(" ")[0]
    if where != place() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return life != LIFE
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def place() -> str:
    """Where process numbers mean what they mean to us: this machine, and on it this container."""
    try:
        return f"{os.uname().nodename}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return os.uname().nodename
