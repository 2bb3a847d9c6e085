"""Listen as a buyer of its own: be admitted by a registry, acknowledge callbacks, and write each into a file."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beckn.client import identity
from beckn.client.listener import Callback, Listener
from beckn.client.network import Network
from beckn.client.registry import NetworkError
from beckn.wire import body


class Command(BaseCommand):
    help = "Listen for a seller's callbacks, for trying a network by hand: beckn_listen --registry URL --key buyer.json --into inbox"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--registry", required=True, help="the network's registry")
        parser.add_argument("--network", default=settings.BECKN_NETWORK_ID, help="network id (%(default)s)")
        parser.add_argument("--key", type=Path, default=Path("beckn_buyer.json"), help="key file, made if missing")
        parser.add_argument(
            "--into", type=Path, default=Path("inbox"), help="folder; the newest of each action is ACTION.json"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address at which the seller reaches us (%(default)s)")
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds to be admitted within (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        options["into"].mkdir(parents=True, exist_ok=True)
        signal.signal(signal.SIGTERM, stop)
        try:
            us = identity.load_or_make(options["key"], subscriber_id="", port=0)
            url = f"http://{options['host']}:{us.port}/bap"
            network = Network(options["registry"])
            with Listener(us, network, options["network"], host=options["host"]).listening() as listener:
                network.be_admitted(us, url, within_s=options["timeout"])
                self.say(f"listening as {us.signer.subscriber_id} at {url}")
                (options["into"] / "address").write_text(f"{us.signer.subscriber_id} {url}\n")
                while True:
                    self.keep(listener.arrived.get(), options["into"])
        except KeyboardInterrupt:
            self.say("stopped")
        except (identity.IdentityError, NetworkError, OSError) as problem:
            raise CommandError(str(problem)) from problem

    def keep(self, callback: Callback, into: Path) -> None:
        """Write a callback whole, so that whoever waits for the file never reads half of one."""
        told = {"message": callback.message} | ({"error": callback.error} if callback.error else {})
        half = into / f".{callback.action.replace('/', '_')}"
        half.write_bytes(body.dump(told))
        half.replace(into / f"{callback.action.replace('/', '_')}.json")
        self.say(f"{time.strftime('%H:%M:%S')} {callback.action}{' refused: see its error' if callback.error else ''}")

    def say(self, text: str) -> None:
        """Print at once."""
        self.stdout.write(text)
        self.stdout.flush()


def stop(_number: int, _frame: FrameType | None) -> None:
    """End as on a key press."""
    raise KeyboardInterrupt
