"""manage.py audit_deploy: put the audit contract on the configured chain, once."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.ledger.deploy import ADMIN_DELAY_S, MIN_INTERVAL_S, deploy
from marketplace.ledger.deploy_checks import deployed_checks
from marketplace.ledger.deployment import deployment
from marketplace.ledger.onchain import ChainError, RevertedError

WORDS = {True: "holds", False: "FAILED", None: "not checked"}


class Command(BaseCommand):
    help = (
        "Deploy the audit contract to the configured chain, write chain/contract.json, and check what stands. Run it again as often "
        "as you like: a contract that stands is kept. With --check nothing is deployed; exit 1 when a check fails."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--admin",
            default="",
            help=f"address that may resume, seal and grant roles, after {ADMIN_DELAY_S // 3600} hours; default: the chain key, on development chains alone",
        )
        parser.add_argument("--check", action="store_true", help="only check the contract that stands")
        parser.add_argument("--pauser", default="", help="address that may stop new writes; default: the chain key")
        parser.add_argument(
            "--min-interval", type=int, help=f"seconds between heads; default {MIN_INTERVAL_S}, 0 on development chains"
        )
        parser.add_argument("--predecessor", default="", help="address of the sealed log this one takes over from")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            failed = self.report() if options["check"] else self.deploy(options)
        except (ChainError, RevertedError) as problem:
            raise CommandError(str(problem)) from problem
        if failed and options["check"]:
            sys.exit(1)

    def deploy(self, options: dict[str, Any]) -> int:
        """Put it there, or find it there, and check it."""
        done = deploy(
            admin=options["admin"],
            pauser=options["pauser"],
            min_interval_s=options["min_interval"],
            predecessor=options["predecessor"],
        )
        what = "deployed to" if done.fresh else "stands already at"
        self.stdout.write(
            f"The audit contract {what} {done.where.address} on chain {done.where.chain_id}; see {settings.CHAIN_CONTRACT_FILE}."
        )
        return self.report()

    def report(self) -> int:
        """A line for each check; how many failed."""
        found = deployed_checks(deployment())
        for one in found:
            self.stdout.write(f"{WORDS[one.held]:>11}  {one.title}: {one.why}.")
        return sum(one.held is False for one in found)
