"""manage.py devchain: the development chain under this installation's var folder."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.ledger.chain_key import KeyFileError
from marketplace.ledger.devchain.server import serve
from marketplace.ledger.devchain.store import InUseError


class Command(BaseCommand):
    help = (
        "Run the development chain: a real EVM in one SQLite file behind JSON-RPC on loopback. It writes chain/rpc_url once it listens. "
        "`python -m marketplace.ledger.devchain --var DIR` does the same without loading Django."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="default: the port of last time, else any free one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve(var=settings.VAR_DIR, port=options["port"])
        except (InUseError, OSError, KeyFileError) as problem:
            raise CommandError(str(problem)) from problem
