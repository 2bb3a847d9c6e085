"""manage.py prepare: bring the database up to date and make the Beckn keys. `manage.py up` runs it at every start."""

from __future__ import annotations

from typing import Any

from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from caco_site import heartbeat


class Command(BaseCommand):
    help = "Apply missing migrations and make missing Beckn keys. Safe to repeat. Example: manage.py prepare"

    requires_system_checks = [
        Tags.security,
        Tags.compatibility,
    ]  # what can be wrong here; code was checked before release

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        else:
            self.stdout.write("the database is up to date")
        call_command("beckn_keygen", stdout=self.stdout)
        heartbeat.forget()
