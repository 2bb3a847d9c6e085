"""Say how we speak with one counterparty, or show it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from beckn import registry
from beckn.models import Subscriber
from beckn.wire.profile import PROFILES


class Command(BaseCommand):
    help = "Set or show a counterparty's profile, for example: beckn_profile grid.example v1"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subscriber_id")
        parser.add_argument("profile", nargs="?", choices=sorted(PROFILES))

    def handle(self, *args: Any, subscriber_id: str, profile: str | None = None, **options: Any) -> None:
        if not Subscriber.objects.filter(subscriber_id=subscriber_id).exists():
            raise CommandError(f"The registry knows no subscriber {subscriber_id!r}; see /beckn/registry/subscribers.")
        if profile:
            registry.set_profile(subscriber_id, PROFILES[profile])
        self.stdout.write(f"{subscriber_id}: {registry.profile_of(subscriber_id).name}")
