"""A mock grid operator as a Beckn participant of its own: it searches, orders, dispatches and hears the statement.

Its key is in a file and it needs no database, as with beckn_buy, which it is built on. `--as` says in whose manner it buys,
`--behaviour` what it does with the order; every name it goes by says that it is a mock.
"""

from __future__ import annotations

import queue
import select
import sys
import time
import uuid
from argparse import ArgumentTypeError
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from beckn.client import deal
from beckn.client.buyer import Buyer, LateError, RefusedError
from beckn.client.listener import Callback
from beckn.management.commands import beckn_buy
from marketplace.management.mock_operators import MANNERS, Award, Manner, award, expression

NOT_AS_SCRIPTED = 7  # beside the exit codes of beckn_buy
BEHAVIOURS = ("accept", "cancel", "late", "dispute")
DISPUTE = "SETTLEMENT_DISPUTE"


def price(text: str) -> Decimal:
    """A number of GBP per MWh."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ArgumentTypeError(f"{text!r} is not a price; write GBP per MWh, such as 300")
    return found


class Command(beckn_buy.Command):
    help = "Buy flexibility in the manner of a grid operator, for trying a seller: mock_operator --as ukpn --registry http://127.0.0.1:8000/beckn/registry"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--as", dest="manner", choices=sorted(MANNERS), required=True, help="in whose manner to buy"
        )
        parser.add_argument(
            "--behaviour",
            choices=BEHAVIOURS,
            default="accept",
            help="accept the statement; cancel after confirming; dispatch late, once the window has begun or a line comes in, "
            "and be refused; dispute the statement (%(default)s)",
        )
        parser.add_argument(
            "--zone", default="", help="one grid supply point, such as NORM_1 (default: everywhere it buys)"
        )
        parser.add_argument("--ceiling", type=price, help="the most it pays, in GBP per MWh (default: no limit)")
        parser.set_defaults(key=Path("mock_operator.json"))

    def deal(self, buyer: Buyer, options: dict[str, Any]) -> dict[str, Any]:
        """From discover to the end of the behaviour."""
        manner, behaviour = MANNERS[options["manner"]], options["behaviour"]
        self.step(f"{manner.title} looks for {manner.product}", operator=manner.title, product=manner.product)
        found = self.discover(buyer, expression(manner, direction=options["direction"], zone=options["zone"]))
        ceiling = options["ceiling"]
        awards = award(
            found,
            manner,
            need_kw=options["kw"] or manner.minimum_kw,
            ceiling_gbp_per_kwh=None if ceiling is None else ceiling / 1000,
            window=options["window"],
            offer_id=options["offer"],
        )
        deals = [self.ordered(buyer, one) for one in awards]
        outcome = {"operator": manner.title, "product": manner.product, "behaviour": behaviour, "label": "SIMULATED"}
        if behaviour == "cancel":
            done = [self.cancel(*one) for one in deals]
        elif behaviour == "late":
            done = [self.late(*one, manner) for one in deals]
        else:
            done = self.dispatched(deals, manner, options)
        return outcome | {"state": done[-1]["state"], "orders": done}

    def ordered(self, buyer: Buyer, one: Award) -> tuple[Buyer, dict[str, Any], dict[str, Any]]:
        """Order an award in a transaction of its own."""
        own = Buyer(buyer.listener, buyer.seller, buyer.url, buyer.timeout_s, uuid.uuid4())
        return own, *self.order(own, one.choice, one.kw)

    def cancel(self, buyer: Buyer, contract: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
        """Cancel a confirmed order."""
        answer = buyer.ask("cancel", deal.again(contract))["contract"]
        if (answer.get("status") or {}).get("code") != "CANCELLED":
            raise CommandError(f"the seller left the order {answer.get('status')}", returncode=NOT_AS_SCRIPTED)
        self.step("cancelled")
        return outcome | {"state": "CANCELLED"}

    def late(self, buyer: Buyer, contract: dict[str, Any], outcome: dict[str, Any], manner: Manner) -> dict[str, Any]:
        """Dispatch after the window has begun, and be refused."""
        self.step("waits until it is too late to dispatch")
        wait_until(outcome["window"][0])
        try:
            self.instruct(buyer, contract, manner)
        except RefusedError as problem:
            self.step(f"late dispatch refused: {problem}")
            return outcome | {"state": "LATE_DISPATCH_REFUSED", "refusal": str(problem)}
        raise CommandError("the seller accepted a dispatch that came too late", returncode=NOT_AS_SCRIPTED)

    def dispatched(
        self, deals: list[tuple[Buyer, dict[str, Any], dict[str, Any]]], manner: Manner, options: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Dispatch every order, and hear what is settled of each."""
        done = {str(buyer.transaction_id): outcome for buyer, _, outcome in deals}
        if options["no_dispatch"]:
            return list(done.values())
        for buyer, contract, _ in deals:
            self.instruct(buyer, contract, manner)
            done[str(buyer.transaction_id)]["state"] = "ACTIVE"
            self.step("dispatch accepted")
        if not options["no_wait"]:
            self.hear({str(buyer.transaction_id): buyer for buyer, _, _ in deals}, done, options["settled_within"])
        if options["behaviour"] == "dispute" and not options["no_wait"]:
            for buyer, contract, _ in deals:
                done[str(buyer.transaction_id)] |= self.dispute(buyer, contract)
        return list(done.values())

    def instruct(self, buyer: Buyer, contract: dict[str, Any], manner: Manner) -> None:
        """Dispatch everything ordered. Raises RefusedError."""
        name = f"{manner.mechanism.lower()}-{uuid.uuid4().hex[:8]}"
        told = deal.dispatch_message(contract, instruction_id=name, now=timezone.now(), mechanism=manner.mechanism)
        if "ACTIVATION_REJECTED" in deal.codes(buyer.ask("update", told)["contract"]):
            raise RefusedError("the seller rejected the dispatch")

    def hear(self, buyers: dict[str, Buyer], done: dict[str, dict[str, Any]], within_s: float) -> None:
        """Wait until every order is settled, whichever is first; the seller tells it unasked. Raises LateError."""
        end, waiting = time.monotonic() + within_s, set(buyers)
        listener = next(iter(buyers.values())).listener
        while waiting:
            try:
                heard = listener.arrived.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise LateError(
                    f"the statements of {len(waiting)} orders did not come within {within_s:.0f} s"
                ) from None
            if heard.transaction_id in waiting and settled(heard, buyers[heard.transaction_id]):
                contract = heard.message["contract"]
                self.step(f"settled: {deal.amount_of(contract)} GBP", contract_id=contract.get("id"))
                told = (contract.get("settlements") or [{}])[-1].get("settlementAttributes", {})
                done[heard.transaction_id] |= {
                    "state": "SETTLED",
                    "amount_gbp": deal.amount_of(contract),
                    "run": told.get("run", ""),
                }
                waiting.discard(heard.transaction_id)

    def dispute(self, buyer: Buyer, contract: dict[str, Any]) -> dict[str, Any]:
        """Tell the seller that the statement is disputed: as a question to support, for the protocol has no message of its own."""
        asked = {"support": {"orderId": contract["id"], "descriptor": {"code": DISPUTE}}}
        answer = buyer.ask("support", asked)["support"]
        tickets = [str(one["ticket"]) for one in answer.get("channels") or [] if one.get("ticket")]
        if not tickets:
            raise CommandError("the seller gave the dispute no ticket", returncode=NOT_AS_SCRIPTED)
        self.step(f"disputed under ticket {tickets[0]}")
        return {"state": "DISPUTED", "ticket": tickets[0]}


def settled(heard: Callback, buyer: Buyer) -> bool:
    """Whether a callback of the seller says that the order is settled. Raises RefusedError for an error."""
    if heard.sender != buyer.seller.party.subscriber_id or heard.action not in ("on_status", "on_update"):
        return False
    if heard.error:
        raise RefusedError(f"{heard.action}: {heard.error}")
    return "SETTLED" in deal.codes(heard.message["contract"])


def wait_until(start: str) -> None:
    """Until `start` has passed by this machine's clock, or a line comes in on standard input."""
    moment = datetime.fromisoformat(start)
    open_input = True
    while (left := (moment - timezone.now()).total_seconds()) >= 0:
        if open_input and select.select([sys.stdin], [], [], min(left, 1.0))[0]:
            if sys.stdin.readline():
                return
            open_input = False  # at its end: only the clock is left
        elif not open_input:
            time.sleep(min(left, 1.0))
