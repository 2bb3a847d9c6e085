"""Print the Authorization header that signs a body, for trying a Beckn network by hand. The bytes are signed as they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from beckn import keys
from beckn.client import identity
from beckn.wire import signing


class Command(BaseCommand):
    help = "Print the Authorization header for a body file (- reads standard input), for example: beckn_sign discover.json --role bap"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the body, exactly as it will be sent; - for standard input")
        parser.add_argument(
            "--role", choices=list(settings.BECKN_PARTICIPANTS), default="bap", help="sign as (%(default)s)"
        )
        parser.add_argument("--key", type=Path, help="sign with the key file of beckn_buy instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            raw = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
            if options["key"]:
                if not options["key"].exists():
                    raise CommandError(f"there is no key file {options['key']}")
                signer = identity.load_or_make(options["key"], subscriber_id="", port=0).signer
            else:
                signer = keys.own(options["role"])
        except (OSError, ImproperlyConfigured, identity.IdentityError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(signing.sign(raw, signer, now=timezone.now()))
