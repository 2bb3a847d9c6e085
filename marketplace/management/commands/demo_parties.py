"""manage.py demo_parties: create the demonstration's organisations, people and sites; print logins, and tokens on request."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace import clock
from marketplace.management.parties import ensure_parties, ensure_site, make_token
from marketplace.models import Site

OPERATOR_SCOPES = [
    f"{noun}:{verb}"
    for noun in ("sites", "uploads", "plans", "offers", "orders", "readings", "signals", "ledger")
    for verb in ("read", "write")
]
GRID_SCOPES = [f"{noun}:{verb}" for noun in ("offers", "purchases", "ledger") for verb in ("read", "write")]


class Command(BaseCommand):
    help = "Create the demonstration's organisations, people and sites. Safe to repeat. Example: manage.py demo_parties --json --tokens"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--tokens", action="store_true", help="also make API tokens that live two hours")
        parser.add_argument("--site-kw", type=Decimal, help="import limit of the first site in kW")
        parser.add_argument("--must-run-kw", type=Decimal, help="must-run load of the first site in kW")
        parser.add_argument("--kw-per-cpu", type=Decimal, help="IT power per CPU of the first site in kW")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        logins = ensure_parties(now=now)
        site = ensure_site("norwich", now=now)
        changes = {
            field: options[option]
            for field, option in (
                ("import_limit_kw", "site_kw"),
                ("must_run_kw", "must_run_kw"),
                ("kw_per_cpu", "kw_per_cpu"),
            )
            if options[option] is not None
        }
        if changes:
            Site.objects.filter(pk=site.pk).update(**changes)
        tokens = (
            {
                "operator": make_token("fenland", scopes=OPERATOR_SCOPES),
                "grid": make_token("eastern-grid", scopes=GRID_SCOPES),
            }
            if options["tokens"]
            else {}
        )
        if options["json"]:
            people = [{"organisation": one.organisation, "kind": one.kind, "email": one.email} for one in logins]
            self.stdout.write(json.dumps({"logins": people, "site": site.slug, "tokens": tokens}))
            return
        for one in logins:
            self.stdout.write(f"{one.kind:<22} {one.organisation:<22} {one.email:<28} password {one.password}")
