"""manage.py ledger_verify: recompute the whole log from its payloads, and compare it with the contract.

Exit 0 when every check held, 1 when one failed, 2 when none failed and one could not be made (no chain, or it is down).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace.ledger import reader
from marketplace.ledger.checks import verdict
from marketplace.ledger.log import log_size
from marketplace.ledger.verify import verify_log
from marketplace.models import Event

WORDS = {True: "holds", False: "FAILED", None: "not checked"}


class Command(BaseCommand):
    help = "Recompute the whole log and compare it with the contract; names the first thing that does not agree. Exit 0: all held; 1: a check failed; 2: something could not be asked. Example: manage.py ledger_verify --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_log(reader.installed)
        held, waiting = verdict(found), Event.objects.filter(entry__isnull=True).count()
        if options["json"]:
            facts = {"verified": held, "entries": log_size(), "unnumbered": waiting}
            self.stdout.write(json.dumps(facts | {"checks": [asdict(check) for check in found]}))
        else:
            for check in found:
                self.stdout.write(f"{WORDS[check.held]:>11}  {check.title}: {check.why}")
            self.stdout.write(f"{log_size()} entries, {waiting} events without a number")
        if held is not True:
            sys.exit(1 if held is False else 2)
