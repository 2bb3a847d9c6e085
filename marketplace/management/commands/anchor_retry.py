"""manage.py anchor_retry: the anchors that failed and why, or one of them back in line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from marketplace import clock
from marketplace.models import Anchor
from marketplace.rules.errors import MarketError
from marketplace.usecases.retry_anchor import number_of, retry_anchor


class Command(BaseCommand):
    help = (
        "Without a number: list the anchors that failed, with the reason of each. With one: send it again, after what it failed "
        "for has been seen to. Example: manage.py anchor_retry 41"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("anchor", nargs="?", type=int, help="the number in the first column of the list")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = Anchor.objects.filter(state=Anchor.State.FAILED).order_by("pk")
        if options["anchor"] is None:
            for row in failed:
                self.stdout.write(f"{row.pk}: {row.get_kind_display().lower()} {number_of(row)}: {row.last_error}")
            self.stdout.write(f"{len(failed)} failed")
            return
        found = Anchor.objects.filter(pk=options["anchor"]).first()
        if found is None:
            raise CommandError(
                f"There is no anchor {options['anchor']}; manage.py anchor_retry lists those that failed."
            )
        try:
            retry_anchor(anchor=found, user=None, now=clock.now(), sent_now=timezone.now())
        except MarketError as problem:
            raise CommandError(f"{problem.message} {problem.fix}") from problem
        self.stdout.write(f"Anchor {found.pk} is in line again; the worker sends it with its next tick.")
