"""The clock by which a catalogue is in force: the application's own (settings.BECKN_CLOCK), which a demonstration may set.

Signatures and time to live go by real time, and are not judged here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string


def now() -> datetime:
    """The market's time."""
    clock: Callable[[], datetime] = import_string(settings.BECKN_CLOCK)
    return clock()
