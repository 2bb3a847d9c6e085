"""Buy flexibility from any seller on a Beckn network: discover, select, init, confirm, dispatch, and wait until it is settled.

It needs no database and no market: a key file, a registry, and a port at which the seller's callbacks reach this machine.
"""

from __future__ import annotations

import json
import time
import uuid
from argparse import ArgumentTypeError
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from beckn.client import deal, identity
from beckn.client.buyer import Buyer, LateError, RefusedError
from beckn.client.deal import Choice
from beckn.client.directory import Directory
from beckn.client.listener import Listener
from beckn.client.network import Network
from beckn.client.registry import NetworkError, Registry
from beckn.wire.errors import WireError
from beckn.wire.profile import PROFILES

# Exit codes, beside 0 (done), 1 (the key file or port cannot be used) and 2 (a mistake in what was asked).
UNREACHABLE, NOTHING_FITS, REFUSED, LATE = 3, 4, 5, 6
CODES = (
    (NetworkError, UNREACHABLE),
    (deal.DealError, NOTHING_FITS),
    (RefusedError, REFUSED),
    (LateError, LATE),
    (identity.IdentityError, 1),
)


def power(text: str) -> Decimal:
    """A number of kW above 0."""
    try:
        kw = Decimal(text)
    except InvalidOperation:
        kw = Decimal(0)
    if not kw.is_finite() or kw <= 0:
        raise ArgumentTypeError(f"{text!r} is not a power in kW; write a number above 0, such as 250")
    return kw


def span(text: str) -> tuple[datetime, datetime]:
    """START/END, each with a zone."""
    try:
        start, end = (datetime.fromisoformat(part) for part in text.split("/"))
        if start.tzinfo is None or end.tzinfo is None or start >= end:
            raise ValueError("not a span of time with zones")
    except ValueError as problem:
        raise ArgumentTypeError(
            f"{text!r} is not a window; write START/END with zones, such as 2026-01-15T17:00Z/2026-01-15T19:00Z"
        ) from problem
    return start, end


class Command(BaseCommand):
    help = "Buy flexibility on a Beckn network as a buyer of its own: beckn_buy --registry http://127.0.0.1:8000/beckn/registry --kw 250"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--registry", help="the network's registry (default: BECKN_REGISTRY_URL, or this installation's)"
        )
        parser.add_argument(
            "--registry-kind",
            choices=("v1", "dedi"),
            default=settings.BECKN_REGISTRY_KIND,
            help="how it is asked: v1 (POST /lookup) or dedi (GET /lookup/...), which admits nobody (%(default)s)",
        )
        parser.add_argument("--network", default=settings.BECKN_NETWORK_ID, help="network id (%(default)s)")
        parser.add_argument("--bpp", default="", help="subscriber id of the seller; may be left out where there is one")
        parser.add_argument("--bpp-key", default="", help="one of its key ids; only a DeDi directory wants it")
        parser.add_argument(
            "--profile", choices=sorted(PROFILES), default="lts", help="how the seller speaks with us (%(default)s)"
        )
        parser.add_argument(
            "--key", type=Path, default=Path("beckn_buyer.json"), help="key file, made if missing (%(default)s)"
        )
        parser.add_argument("--id", default="", help="subscriber id for a new key file")
        parser.add_argument("--port", type=int, default=0, help="port for callbacks (default: the key file's)")
        parser.add_argument("--host", default="127.0.0.1", help="address at which the seller reaches us (%(default)s)")
        parser.add_argument(
            "--url", default="", help="public address for callbacks, where a proxy stands in front of us"
        )
        parser.add_argument("--kw", type=power, help="power to order (default: all that is on offer)")
        parser.add_argument("--window", type=span, help="START/END; only offers inside it")
        parser.add_argument("--offer", default="", help="this offer and no other")
        parser.add_argument("--direction", choices=["REDUCE", "INCREASE"], default="REDUCE", help="(%(default)s)")
        parser.add_argument("--no-dispatch", action="store_true", help="stop once the order is confirmed")
        parser.add_argument("--no-wait", action="store_true", help="stop once the dispatch is accepted")
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for each answer (%(default)s)")
        parser.add_argument(
            "--settled-within", type=float, default=7200.0, help="seconds to wait for settlement (%(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document a step, and the outcome last")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json, self.begun = options["json"], time.monotonic()
        try:
            outcome = self.buy(options)
        except tuple(kind for kind, _ in CODES) as problem:
            code = next(code for kind, code in CODES if isinstance(problem, kind))
            raise CommandError(str(problem), returncode=code) from problem
        except WireError as problem:
            raise CommandError(f"we cannot say this on the network: {problem}", returncode=1) from problem
        if self.as_json:
            self.stdout.write(json.dumps(outcome, default=str, sort_keys=True))

    def step(self, text: str, **facts: Any) -> None:
        """Print one step."""
        at = time.monotonic() - self.begun
        self.stdout.write(
            json.dumps({"step": text, "after_s": round(at, 3), **facts}, default=str)
            if self.as_json
            else f"[{at:6.1f} s] {text}"
        )
        self.stdout.flush()

    def buy(self, options: dict[str, Any]) -> dict[str, Any]:
        """The whole purchase; returns its outcome."""
        us = identity.load_or_make(options["key"], subscriber_id=options["id"], port=options["port"])
        network = registry_of(options)
        profile = PROFILES[options["profile"]]
        listener = Listener(us, network, options["network"], host=options["host"], profile=profile)
        url = options["url"].rstrip("/") or f"http://{options['host']}:{us.port}/bap"
        try:
            with listener.listening():
                network.be_admitted(us, url, within_s=options["timeout"])
                self.step(f"admitted as {us.signer.subscriber_id} at {url}", subscriber_id=us.signer.subscriber_id)
                seller = network.seller(options["bpp"], options["bpp_key"])
                return self.deal(Buyer(listener, seller, url, options["timeout"], uuid.uuid4()), options)
        except OSError as problem:
            raise identity.IdentityError(
                f"port {us.port} cannot be listened on ({problem}); choose another with --port"
            ) from problem

    def deal(self, buyer: Buyer, options: dict[str, Any]) -> dict[str, Any]:
        """From discover to the last step that was asked for."""
        expression = f"$.catalogs[*].resources[?(@.resourceAttributes.direction == '{options['direction']}')]"
        choice = deal.pick(
            self.discover(buyer, expression), kw=options["kw"], window=options["window"], offer_id=options["offer"]
        )
        contract, outcome = self.order(buyer, choice, options["kw"] or choice.kw)
        if options["no_dispatch"]:
            return outcome
        return outcome | self.dispatch(buyer, contract, options)

    def discover(self, buyer: Buyer, expression: str) -> list[Choice]:
        """Everything on offer that a JSONPath expression finds."""
        found = buyer.ask("discover", {"intent": {"filters": {"type": "jsonpath", "expression": expression}}})
        return list(deal.choices(found.get("catalogs"), seller=buyer.seller.party.subscriber_id))

    def order(self, buyer: Buyer, choice: Choice, kw: Decimal) -> tuple[dict[str, Any], dict[str, Any]]:
        """Select, init and confirm; the confirmed contract, and what is known of the purchase."""
        self.step(
            f"discovered: {choice.offer['id']}, {kw} kW from {deal.instant(choice.start)} to {deal.instant(choice.end)}"
        )
        us = buyer.listener.identity.signer.subscriber_id
        quoted = buyer.ask("select", deal.select_message(choice, kw=kw, buyer=us))["contract"]
        self.step(f"quoted: {deal.amount_of(quoted)} GBP", quote_gbp=deal.amount_of(quoted))
        terms = buyer.ask("init", deal.again(quoted))["contract"]
        if deal.amount_of(terms) != deal.amount_of(quoted):
            raise RefusedError(f"the terms ask {deal.amount_of(terms)} GBP; the quote was {deal.amount_of(quoted)} GBP")
        contract = buyer.ask("confirm", deal.again(terms))["contract"]
        self.step(f"confirmed: contract {contract['id']}", contract_id=contract["id"])
        return contract, {
            "state": "CONFIRMED",
            "contract_id": contract["id"],
            "transaction_id": str(buyer.transaction_id),
            "offer_id": choice.offer["id"],
            "seller": buyer.seller.party.subscriber_id,
            "kw": kw,
            "quote_gbp": deal.amount_of(contract),
            "window": [deal.instant(choice.start), deal.instant(choice.end)],
        }

    def dispatch(self, buyer: Buyer, contract: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Dispatch everything ordered, and wait for what comes of it."""
        told = deal.dispatch_message(contract, instruction_id=f"dispatch-{uuid.uuid4().hex[:8]}", now=timezone.now())
        answer = buyer.ask("update", told)["contract"]
        if "ACTIVATION_REJECTED" in deal.codes(answer):
            raise RefusedError("the seller rejected the dispatch")
        self.step("dispatch accepted")
        if options["no_wait"]:
            return {"state": "ACTIVE"}
        return self.settlement(buyer, options["settled_within"])

    def settlement(self, buyer: Buyer, within_s: float) -> dict[str, Any]:
        """Wait for the measured delivery and the settled amount, which the seller sends unasked."""
        end = time.monotonic() + within_s
        while True:
            found = buyer.wait(
                lambda one: one.action in ("on_status", "on_update"), "settlement", max(0.0, end - time.monotonic())
            )
            contract = found.message["contract"]
            reached = deal.codes(contract)
            if "SETTLED" in reached:
                settled = (contract.get("settlements") or [{}])[-1].get("settlementAttributes", {})
                self.step(f"settled: {deal.amount_of(contract)} GBP")
                return {"state": "SETTLED", "amount_gbp": deal.amount_of(contract), "settlement": settled}
            self.step(f"{found.action}: {', '.join(sorted(reached)) or 'no news of the delivery'}")


def registry_of(options: dict[str, Any]) -> Registry:
    """The network's registry in its dialect: the one named, or this installation's."""
    dedi = options["registry_kind"] == "dedi"
    ours = f"{settings.PUBLIC_URL}/beckn/registry{'/dedi' if dedi else ''}"
    url = options["registry"] or settings.BECKN_REGISTRY_URL or ours
    return Directory(url, options["network"]) if dedi else Network(url)
