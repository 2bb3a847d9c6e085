"""manage.py audit_restore: put entries back that a restored database lacks, from the files the log was published to.

Exit 0 when nothing is lacking any more, 1 with the reason when files, database and contract are not of one log.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from marketplace.ledger import reader
from marketplace.ledger.log import BrokenLogError
from marketplace.ledger.onchain import ChainError
from marketplace.ledger.restore import restore
from marketplace.ledger.tiles import TilesError


class Command(BaseCommand):
    help = "Put log entries and tree heads back that a database restored from an older copy lacks, from CACO_LOG_DIR and the contract. All or nothing. Example: manage.py audit_restore"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restore(reader.installed(), now=timezone.now())
        except (BrokenLogError, TilesError, ChainError) as problem:
            raise CommandError(f"Nothing was restored: {problem}.") from problem
        self.stdout.write(f"{done.entries} entries and {done.heads} tree heads were put back.")
