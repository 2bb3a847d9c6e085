"""manage.py audit_demo: settle and anchor a sale, hand out its evidence, change one reading, and see everybody refuse it.

It plays `demo_sale` in a private installation, exports a pack, and verifies it with both verifiers while only the chain still
runs. Then it copies the database, changes a reading in the copy as somebody with its password would, and shows who says what.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.management.audit_steps import (
    Chain,
    Verdict,
    changed_reading,
    refused_rewrite,
    running_chain,
    verdicts,
)
from marketplace.management.process_group import NotReadyError, ProcessGroup


class Command(BaseCommand):
    help = (
        "Settle, anchor, export and verify a sale, then change one reading behind everybody's back: both verifiers and the "
        "contract must refuse. Exit 0 only when they do. Example: manage.py audit_demo --var /tmp/audit"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--var", type=Path, help="keep the private installation in this folder")
        parser.add_argument("--seed", type=int, default=1, help="seed of everything simulated")

    def handle(self, *args: Any, **options: Any) -> None:
        var = options["var"] or Path(tempfile.mkdtemp(prefix="caco-audit-"))
        call_command("demo_sale", var=var, seed=options["seed"], stdout=self.stdout)
        try:
            with running_chain(var) as chain:
                self.honest(var, chain)
                self.tampered(var, chain)
                self.rewritten(var, chain)
        except NotReadyError as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"audit_demo: everything held that had to; packs and databases are in {var}")

    def honest(self, var: Path, chain: Chain) -> None:
        """Export, and verify with our servers off."""
        pack = var / "pack.zip"
        self.stdout.write(f"audit_demo: {exported(var, pack, chain)}")
        for found in verdicts(pack, chain):
            self.tell("the honest pack", found, due={0})

    def tampered(self, var: Path, chain: Chain) -> None:
        """Change a reading in a copy of the database, and export from there."""
        copy = var / "tampered"
        shutil.copytree(var, copy, ignore=shutil.ignore_patterns("tampered", "run", "*.sock", "*.zip"))
        with sqlite3.connect(copy / "caco.sqlite3") as database:
            changed = changed_reading(database)
        database.close()
        self.stdout.write(f"audit_demo: in a copy of the database {changed.told}")
        pack = var / "tampered.zip"
        exported(copy, pack, chain)
        for found in verdicts(pack, chain):
            self.tell("the pack of the changed database", found, due={18})
            if changed.half_hour not in found.half_hours:
                raise CommandError(
                    f"{found.verifier} does not name the half hour {changed.half_hour}: {found.half_hours}"
                )
            self.stdout.write(f"audit_demo: {found.verifier} names the half hour at fault: {changed.half_hour}")

    def rewritten(self, var: Path, chain: Chain) -> None:
        """Rewrite the log from that entry on, with every hash made anew, and offer its head to the contract."""
        reason = refused_rewrite(var / "pack.zip", chain)
        if reason != "BadConsistency":
            raise CommandError(f"the contract answered {reason or 'yes'} to a rewritten log, not BadConsistency")
        self.stdout.write(f"audit_demo: the contract refuses the head of a rewritten log: {reason}")

    def tell(self, what: str, found: Verdict, *, due: set[int]) -> None:
        """Print what a verifier says. Raises CommandError when it is not what it must be."""
        self.stdout.write(f"audit_demo: {found.verifier} on {what}: {found.sentence}")
        if found.code not in due:
            raise CommandError(f"{found.verifier} ends with {found.code} on {what}, not {sorted(due)}:\n{found.output}")


def exported(var: Path, pack: Path, chain: Chain) -> str:
    """Export the installation's whole log; what the command printed. Raises NotReadyError."""
    group = ProcessGroup(var, log=var / "export.log")
    group.env |= {"CACO_RPC_URL": chain.url}
    return group.command("audit_export", "--out", str(pack)).strip().replace("\n", ", ")
