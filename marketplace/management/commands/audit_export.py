"""manage.py audit_export: write an evidence pack that anybody verifies without us."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flex_engine.timegrid import day_start
from marketplace import clock
from marketplace.ledger import reader
from marketplace.ledger.deployment import deployment
from marketplace.ledger.evidence_scope import Scope
from marketplace.ledger.onchain import ChainError
from marketplace.models import Order, Organisation, User
from marketplace.queries.evidence import everything, sight_of
from marketplace.rules.errors import MarketError
from marketplace.usecases.export_evidence import export_evidence


class Command(BaseCommand):
    help = (
        "Write an evidence pack: the log up to its newest tree head with all that it takes to verify it offline, and the "
        "verifiers inside. Example: manage.py audit_export --out pack.zip --order 6f0c..., then python verify_pack.py pack.zip"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, help="the zip file to write")
        parser.add_argument("--order", help="only what concerns this order")
        parser.add_argument("--organisation", help="only what concerns this organisation, by its slug")
        parser.add_argument("--from", dest="first", help="only events from this settlement day on, YYYY-MM-DD")
        parser.add_argument("--to", dest="last", help="and up to this settlement day")
        parser.add_argument("--for", dest="email", help="as far as this person may see; default: all that we hold")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first() if options["email"] else None
        if options["email"] and user is None:
            raise CommandError(f"There is nobody with the address {options['email']}.")
        out = Path(options["out"])
        if not out.parent.is_dir():
            raise CommandError(f"{out.parent} is not a folder.")
        try:
            chain = reader.installed()
            done = export_evidence(
                sight=sight_of(user) if user else everything(),
                scope=scope_of(options),
                out=out,
                chain=chain,
                code_hash=deployment().code_hash if chain else "",
                now=clock.now(),
            )
        except (MarketError, ChainError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{done.path}: {done.shown} entries shown of {done.size} under head {done.head}")
        self.stdout.write(f"sha256 {done.sha256}")


def scope_of(options: dict[str, Any]) -> Scope:
    """What the options ask for. Raises CommandError."""
    if sum(bool(options[name]) for name in ("order", "organisation")) + bool(options["first"] or options["last"]) > 1:
        raise CommandError("Name an order, an organisation or days, not two of them.")
    if options["order"]:
        return Scope(order=order_of(options["order"]))
    if options["organisation"]:
        found = Organisation.objects.filter(slug=options["organisation"]).first()
        if found is None:
            raise CommandError(f"There is no organisation {options['organisation']}.")
        return Scope(organisation=found)
    last = day(options["last"], "--to")
    return Scope(start=begin(day(options["first"], "--from")), end=begin(last + timedelta(days=1) if last else None))


def order_of(text: str) -> Order:
    """The order with this id. Raises CommandError."""
    try:
        return Order.objects.get(pk=uuid.UUID(text))
    except (ValueError, Order.DoesNotExist):
        raise CommandError(f"There is no order {text}.") from None


def day(text: str | None, option: str) -> date | None:
    """A day as it was written. Raises CommandError."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f"{option} {text} is not a day; write YYYY-MM-DD.") from None


def begin(found: date | None) -> datetime | None:
    """The moment a settlement day begins."""
    return day_start(found) if found else None
