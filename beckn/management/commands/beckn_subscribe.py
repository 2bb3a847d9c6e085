"""Have another registry admit our participants. Our server must be running, because it is challenged meanwhile."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beckn import keys, rotation


class Command(BaseCommand):
    help = "Ask the registry at BECKN_REGISTRY_URL to admit our keys, and wait until it has. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", choices=list(settings.BECKN_PARTICIPANTS), help="one role only")
        parser.add_argument("--wait", type=float, default=30.0, help="seconds to wait for each (30)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BECKN_REGISTRY_URL:
            raise CommandError("BECKN_REGISTRY_URL is empty: this installation is its own registry")
        for role in [options["role"]] if options["role"] else list(settings.BECKN_PARTICIPANTS):
            try:
                held = keys.held(role)
                rotation.announce(role, held.signer, held, wait_s=options["wait"])
            except (rotation.RotationError, ImproperlyConfigured) as problem:
                raise CommandError(str(problem)) from problem
            self.stdout.write(f"{role} {held.signer.subscriber_id}: {held.signer.key_id} is in force there")
