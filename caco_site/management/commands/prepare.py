"""manage.py prepare: make the folder, bring the database up to date and make the Beckn keys. `manage.py up` runs it at every start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from caco_site import heartbeat
from caco_site.supervisor import folder


class Command(BaseCommand):
    help = "Make the folder and what is missing in it: tables, secret key, Beckn keys. Safe to repeat. Example: manage.py prepare"

    requires_system_checks = [
        Tags.security,
        Tags.compatibility,
    ]  # what can be wrong here; code was checked before release

    def handle(self, *args: Any, **options: Any) -> None:
        folder.make(Path(settings.VAR_DIR))
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        else:
            self.stdout.write("the database is up to date")
        call_command("beckn_keygen", stdout=self.stdout)
        heartbeat.forget()
