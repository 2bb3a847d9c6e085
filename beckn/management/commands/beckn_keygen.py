"""Make each participant's keys, if it has none, and enter them in the development registry. Safe to repeat."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from beckn import keys, rotation


class Command(BaseCommand):
    help = "Make and register the signing and encryption keys of this installation's Beckn participants and registry."

    def handle(self, *args: Any, **options: Any) -> None:
        roles = [*settings.BECKN_PARTICIPANTS, *([] if settings.BECKN_REGISTRY_URL else [keys.REGISTRY])]
        for role in roles:
            path = keys.path_of(role)
            made = not path.exists()
            try:
                if made:
                    keys.make(role)
                keys.complete(role)
                held = keys.held(role)
            except (OSError, ImproperlyConfigured) as problem:
                raise CommandError(str(problem)) from problem
            registered = rotation.enter(role, held, now=timezone.now())
            self.stdout.write(
                f"{role} {held.signer.subscriber_id}: key {held.signer.key_id} {'made' if made else 'kept'} in {path}, "
                f"{'registered' if registered else 'already registered'} for {rotation.url_of(role)}"
            )
