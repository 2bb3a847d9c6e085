"""manage.py up, for `manage.py help` and call_command. manage.py itself starts the supervisor without loading Django."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from caco_site.supervisor.command import HELP, arguments, up
from caco_site.supervisor.installation import Wanted


class Command(BaseCommand):
    help = HELP
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        named = ("host", "port", "postgres", "worker_threads", "web_processes")
        sys.exit(up(Wanted(**{name: options[name] for name in named})))
