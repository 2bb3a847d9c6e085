"""Make each participant's signing key, if it has none, and enter it in the development registry. Safe to repeat."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from beckn import keys, registry
from beckn.wire.context import Party


class Command(BaseCommand):
    help = "Make and register the Ed25519 keys of this installation's Beckn participants."

    def handle(self, *args: Any, **options: Any) -> None:
        for role, participant in settings.BECKN_PARTICIPANTS.items():
            path = keys.path_of(role)
            made = not path.exists()
            try:
                signer = keys.make(role) if made else keys.own(role)
            except (OSError, ImproperlyConfigured) as problem:
                raise CommandError(str(problem)) from problem
            registered = registry.register(
                Party(signer.subscriber_id, participant["url"]),
                role=role,
                key_id=signer.key_id,
                public_key=signer.public_key,
                now=timezone.now(),
            )
            self.stdout.write(
                f"{role} {signer.subscriber_id}: key {signer.key_id} {'made' if made else 'kept'} in {path}, "
                f"{'registered' if registered else 'already registered'} for {participant['url']}"
            )
