"""Hold a named duty for a while, so that only one process does it at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.models import Lease


@contextmanager
def holding(name: str, *, seconds: float) -> Iterator[bool]:
    """Yield True while we hold lease `name`, False when somebody else does. A dead holder's lease runs out.

    Leases live on real time whatever the market's clock says: they guard processes, not trades.
    """
    holder = f"{os.uname().nodename}:{os.getpid()}:{threading.get_ident()}"
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
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False
    return True
