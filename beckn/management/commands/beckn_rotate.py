"""Replace signing keys without losing a message: the new key signs from now, the old one verifies until its end."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beckn import keys, rotation

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A number and a unit: 90s, 30m, 12h or 7d."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a duration; write a number and s, m, h or d, such as 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Command(BaseCommand):
    help = (
        "Replace Beckn keys, for example: beckn_rotate --role bpp --overlap 7d. Interrupted, it goes on when run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        roles = [*settings.BECKN_PARTICIPANTS, keys.REGISTRY]
        parser.add_argument(
            "--role", choices=roles, help="one role only; without it every participant's key is replaced"
        )
        parser.add_argument("--overlap", type=duration, default="7d", help="how long the old key verifies (7d)")
        parser.add_argument("--wait", type=float, default=30.0, help="seconds to wait for another registry (30)")

    def handle(self, *args: Any, **options: Any) -> None:
        for role in [options["role"]] if options["role"] else list(settings.BECKN_PARTICIPANTS):
            try:
                done = rotation.rotate(role, overlap=options["overlap"], wait_s=options["wait"])
            except (rotation.RotationError, ImproperlyConfigured, OSError) as problem:
                raise CommandError(str(problem)) from problem
            self.stdout.write(
                f"{role}: {done.new_key_id} signs from now; "
                f"{done.old_key_id} verifies until {done.old_valid_until:%Y-%m-%d %H:%M} UTC"
            )
