"""Print the OpenAPI description of this installation's Beckn doors, made from what it serves and how it checks it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from beckn import ports
from beckn.wire import openapi


class Command(BaseCommand):
    help = "Print an OpenAPI 3.1 document (JSON) of every Beckn address here, of all roles, in 2.0.0 and 1.1"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        served = {role: ports.handlers(role) for role in settings.BECKN_HANDLERS}
        told = openapi.document(served=served, server=f"{settings.PUBLIC_URL}/beckn")
        self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
