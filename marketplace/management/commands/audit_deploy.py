"""manage.py audit_deploy: put the audit contract on the configured chain, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.ledger.deploy import ADMIN_DELAY_S, MIN_INTERVAL_S, deploy
from marketplace.ledger.onchain import ChainError, RevertedError


class Command(BaseCommand):
    help = (
        "Deploy the audit contract to the configured chain and write chain/contract.json. Run it again as often as you like: "
        "a contract that stands is kept."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--admin",
            default="",
            help=f"address that may resume, seal and grant roles, after {ADMIN_DELAY_S // 3600} hours; default: the chain key",
        )
        parser.add_argument("--pauser", default="", help="address that may stop new writes; default: the chain key")
        parser.add_argument(
            "--min-interval", type=int, help=f"seconds between heads; default {MIN_INTERVAL_S}, 0 on development chains"
        )
        parser.add_argument("--predecessor", default="", help="address of the sealed log this one takes over from")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = deploy(
                admin=options["admin"],
                pauser=options["pauser"],
                min_interval_s=options["min_interval"],
                predecessor=options["predecessor"],
            )
        except (ChainError, RevertedError) as problem:
            raise CommandError(str(problem)) from problem
        what = "deployed to" if done.fresh else "stands already at"
        self.stdout.write(
            f"The audit contract {what} {done.where.address} on chain {done.where.chain_id}; see {settings.CHAIN_CONTRACT_FILE}."
        )
