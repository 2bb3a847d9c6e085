"""Thousands of signed messages that nobody should send, at a running installation: python -m benchmarks.beckn_fuzz.

    python -m benchmarks.beckn_fuzz --cases 5000            a report, exit 1 if anything was not as it should be
    python -m benchmarks.beckn_fuzz --cases 5000 --json     the same as one JSON document
    python -m benchmarks.beckn_fuzz --generated 0           none by schemathesis, which takes eight minutes for its 500

A third of the cases begins with a body that schemathesis generated from our own OpenAPI description: fired as it is, in a
valid envelope, and spoilt further. Most others are valid messages (those of the recorded flow where CACO_SHARED has it) with
members dropped, numbers beyond reason, nesting, broken texts, names that stand twice; the rest are HTTP requests out of the
ordinary. Each is signed by a registered peer, over exactly the bytes that are sent, after they were made.

What must hold: an answer within a second and never a 5xx; a refusal has a code of the network and the status of its family;
what was acknowledged is in the inbox once, what was refused is not; and the worker can handle whatever was acknowledged.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from beckn.conformance import speech
from beckn.wire import actions
from beckn.wire.context import Party
from beckn.wire.errors import CODES
from beckn.wire.receipts import inner
from beckn.wire.v1.error import WORDS
from benchmarks.beckn_fuzz_cases import Envelope, Message, Network, Shot, Spoiler, own_messages, recorded_messages
from benchmarks.beckn_fuzz_generated import Generated, generate
from benchmarks.beckn_fuzz_http import Answer, Client, questions, shots
from benchmarks.beckn_house import ROOT, House

ANSWER_S = 1.0
SHOWN = 5
NOT_KEPT = ("ds/catalog/master/search",)  # a question, answered at once
PEERS = {"bap": "lts", "bap-v1": "v1", "bap-onix": "onix", "bpp": "lts", "bpp-v1": "v1", "ds": "lts"}
FLOW = Path(os.environ.get("CACO_SHARED") or ROOT.parent / "shared") / "beckn" / "flow"
KNOW = """
import django, json, sys; django.setup()
from django.conf import settings as s
from django.utils import timezone
from beckn import ports, registry
from beckn.wire import openapi
from beckn.wire.context import Party
from beckn.wire.profile import PROFILES
for one in json.loads(sys.argv[1]):
    registry.register(Party(one["id"], one["url"]), role=one["role"], key_id=one["key_id"], public_key=one["public_key"], now=timezone.now())
    registry.set_profile(one["id"], PROFILES[one["profile"]])
served = {role: ports.handlers(role) for role in s.BECKN_HANDLERS}
told = {"network": s.BECKN_NETWORK_ID, "ours": s.BECKN_PARTICIPANTS}
print(json.dumps(told | {"document": openapi.document(served=served, server=s.PUBLIC_URL + "/beckn")}))
"""
STORED = """
import django, json; django.setup()
from beckn.models import InboxMessage
rows = InboxMessage.objects.values_list("role", "subscriber_id", "action", "message_id", "digest")
print(json.dumps([[*map(str, row[:4]), row[4]] for row in rows]))
"""
# What the worker does with everything that was acknowledged; a fault is what it would try again and give up on at last.
HANDLE = """
import django, json, logging; django.setup()
from collections import Counter
from django.utils import timezone
from beckn import inbox
from beckn.models import InboxMessage
logging.disable(logging.CRITICAL)
states = Counter(inbox.handle(pk, now=timezone.now()) for pk in inbox.due(now=timezone.now(), limit=10**6))
stuck = InboxMessage.objects.filter(state="RECEIVED").values_list("action", "problem", "raw")
print(json.dumps({"states": states, "faults": [[action, problem, bytes(raw)[:3000].decode("utf-8", "replace")] for action, problem, raw in stuck]}))
"""


@dataclass
class Report:
    """What was fired, how it was answered, and everything that was not as it should be."""

    seed: int
    by_source: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    times: list[tuple[float, str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    handled: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """For machines."""
        ranked = sorted(self.times)
        return {
            "cases": len(ranked),
            "seed": self.seed,
            "by_source": dict(self.by_source),
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "by_code": dict(self.by_code.most_common()),
            "server_errors": sum(count for status, count in self.by_status.items() if status >= 500),
            "p50_ms": milliseconds(ranked[len(ranked) // 2][0]),
            "p99_ms": milliseconds(ranked[int(0.99 * len(ranked))][0]),
            "slowest": [
                {"ms": milliseconds(seconds), "status": status, "case": name[:200]}
                for seconds, name, status in ranked[: -SHOWN - 1 : -1]
            ],
            "stored": len(self.taken),
            "handled": self.handled,
            "load_average": round(os.getloadavg()[0], 1),
            "faults": self.faults,
        }


def milliseconds(seconds: float) -> float:
    """To a tenth."""
    return round(1000 * seconds, 1)


class Campaign:
    """A running installation, the peers that write to it, and the report."""

    def __init__(self, house: House, *, start: int, patience_s: float = ANSWER_S) -> None:
        self.house, self.patience_s = house, patience_s
        self.chance, self.report = random.Random(start), Report(start)
        self.peers = {name: self.identity(name) for name in PEERS}
        told = json.loads(house.python(KNOW, json.dumps([self.entry(name) for name in PEERS])))
        self.document: dict[str, Any] = told["document"]
        ours = {role: Party(one["subscriber_id"], one["url"]) for role, one in told["ours"].items()}
        known = {name: Party(one.subscriber_id, one.url) for name, one in self.peers.items()}
        self.envelope = Envelope(Network(told["network"], ours, known), self.chance)
        self.spoiler, self.client = Spoiler(self.chance), Client(house.port)

    def identity(self, name: str) -> speech.Identity:
        """A peer with a key of its own, under an id of its own: a server remembers keys by their ids."""
        role = name.partition("-")[0]
        return speech.Identity(
            f"{name}.fuzz.example", f"fuzz-{secrets.token_hex(4)}", SigningKey.generate(), f"http://127.0.0.1:9/{role}"
        )

    def entry(self, name: str) -> dict[str, str]:
        """The same for the registry."""
        one = self.peers[name]
        named = {"id": one.subscriber_id, "url": one.url, "key_id": one.key_id, "public_key": one.public_key}
        return named | {"role": name.partition("-")[0], "profile": PEERS[name]}

    def fire(self, shot: Shot) -> None:
        """Sign the bytes as they are, send them, and judge the answer."""
        signed = speech.sign(shot.raw, self.peers[shot.peer], created=int(time.time()))
        answer = self.client.fire(shot, "" if shot.unsigned else signed)
        report = self.report
        report.by_source[shot.source] += 1
        report.by_status[answer.status] += 1
        report.times.append((answer.seconds, shot.name, answer.status))
        digest = hashlib.blake2b(shot.raw, digest_size=64).hexdigest()
        status, code = verdict_of(answer)
        if status == "ACK" and shot.source != "questions" and shot.path not in NOT_KEPT:
            report.taken.add(digest)
        report.by_code[code or status or f"HTTP {answer.status}"] += 1
        problem = fault_in(shot, answer, status, code, self.patience_s)
        if problem:
            beginning = shot.raw[:400].decode("utf-8", "replace")
            report.faults.append(f"{problem}: {shot.name[:200]} at {shot.path[:60]} by {shot.peer}: {beginning}")

    def warm_up(self) -> None:
        """Let the server load what it loads at its first page; a cold start is not what is measured."""
        for path in ("registry/subscribers", "ds/catalog/subscriptions"):
            self.client.fire(Shot("warm-up", "", "bap", path, b"", (), "GET"), "")

    def settle(self) -> None:
        """Compare the inbox with what was acknowledged, and let the worker handle it."""
        rows = json.loads(self.house.python(STORED))
        stored = Counter(row[4] for row in rows)
        report = self.report
        report.faults += [f"refused, and stored: {row}" for row in rows if row[4] not in report.taken]
        report.faults += [f"acknowledged, and not stored: {digest}" for digest in report.taken if digest not in stored]
        twice = [row for row, count in Counter(tuple(row[:4]) for row in rows).items() if count > 1]
        report.faults += [f"stored twice: {row}" for row in twice]
        done = json.loads(self.house.python(HANDLE))
        report.handled = done["states"]
        report.faults += [
            f"acknowledged, and cannot be handled: {action}: {why}: {raw}" for action, why, raw in done["faults"]
        ]


def verdict_of(answer: Answer) -> tuple[str, str]:
    """(ACK, NACK or nothing, the code of a NACK), in whatever spelling; an answer at once is as good as an ACK."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return "", ""
    if not isinstance(told, dict):
        return "ACK" if answer.status == 200 else "", ""
    message = inner(told, "message")
    status = told.get("status") or message.get("status") or inner(message, "ack").get("status")
    error = inner(told, "error") or inner(message, "error")
    if answer.status == 200 and status is None:
        return "ACK", ""
    return status if status in ("ACK", "NACK") else "", str(error.get("errorCode") or error.get("code") or "")


def fault_in(shot: Shot, answer: Answer, status: str, code: str, patience_s: float) -> str:
    """What is wrong with an answer, or ""."""
    if answer.status == 0:
        return "no answer"
    if answer.status >= 500:
        return f"a server error ({answer.status})"
    if answer.seconds > patience_s:
        return f"answered after {answer.seconds:.2f} s"
    if shot.expects and answer.status not in shot.expects:
        return f"HTTP {answer.status} instead of {', '.join(map(str, sorted(shot.expects)))}"
    if status == "ACK":
        return "" if answer.status in (200, 202, 409) else f"an ACK with {answer.status}"
    if answer.status in shot.refusals and not code:
        return ""
    if status != "NACK":
        return f"HTTP {answer.status} without a receipt"
    if code not in CODES and code not in WORDS:
        return f"a code nobody knows ({code})"
    return "" if answer.status in statuses_of(code) else f"{code} with HTTP {answer.status}"


def statuses_of(code: str) -> Collection[int]:
    """The statuses with which a code may come; the numbers of 1.1 are one for many words."""
    if code.startswith("AUT_") or WORDS.get(code, "").startswith("AUT_"):
        return (401, 403)
    if code in ("SCH_INVALID_FORMAT", "30000"):
        return (400, 413, 415)
    if code == "CTX_MESSAGE_ID_DUPLICATE":
        return (400, 409)
    return (400, 404) if code.endswith("_NOT_FOUND") else (400,)


def valid_messages() -> list[Message]:
    """Our own, the recorded ones where there are any, and a discover for the discovery service."""
    own = own_messages()
    return [*own, Message("own discover", "discover", "ds", {"intent": {}}), *recorded_messages(FLOW)]


def spoilt(campaign: Campaign, count: int) -> Iterator[Shot]:
    """Valid messages, most of them spoilt."""
    messages = valid_messages()
    for number in range(count):
        message = messages[number % len(messages)]
        told = json.loads(json.dumps(campaign.envelope.around(message)))
        if number < len(messages):  # once as they are: what follows must be refused for what was done to it
            how, raw = "as it is", json.dumps(told).encode()
        else:
            how, raw = campaign.spoiler.spoil(told)
        yield Shot(f"{message.name}: {how}", "spoilt", message.peer, message.path, raw)


def from_generated(campaign: Campaign, bodies: list[Generated], count: int) -> Iterator[Shot]:
    """Generated bodies as they are; then in a valid envelope, of any action that carries the like; then spoilt in that."""
    valid = valid_messages()
    for number in range(count if bodies else 0):
        body, turn = bodies[number % len(bodies)], number // len(bodies)
        first = next(one for one in valid if one.path == body.path)
        fit = "fits" if body.fits else "does not fit"
        if turn == 0:
            yield Shot(f"generated, {fit}", "generated", first.peer, body.path, body.raw, body.headers)
            continue
        alike = [one for one in valid if (one.role, member(one), one.is_v1) == (first.role, member(first), first.is_v1)]
        message = campaign.chance.choice(alike)
        message, told = enveloped(campaign, message, body.raw)
        how, raw = ("enveloped", json.dumps(told).encode()) if turn == 1 else campaign.spoiler.spoil(told)
        yield Shot(f"generated, {fit}: {how}", "generated", message.peer, message.path, raw)


def member(message: Message) -> str:
    """What its content is about."""
    return actions.ACTIONS[message.action].member


def enveloped(campaign: Campaign, like: Message, raw: bytes) -> tuple[Message, dict[str, Any]]:
    """What a generated body says in a valid envelope, from a peer of whichever version it is in; its other members stay."""
    try:
        told = json.loads(raw)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {"message": told}
    about = told.get("context")
    if like.role != "ds" and isinstance(about, dict) and "message_id" in about:
        like = replace(like, profile="v1")
    return like, told | campaign.envelope.around(like, told.get("message", {}))


def run(
    house: House, *, cases: int, bodies: int, start: int = 1, only: Collection[str] = (), patience_s: float = ANSWER_S
) -> Report:
    """A campaign against a house whose door is open. `bodies` is how many schemathesis makes, at the paths in `only`."""
    campaign = Campaign(house, start=start, patience_s=patience_s)
    posts = [path for path in campaign.document["paths"] if "post" in campaign.document["paths"][path]]
    each = max(1, bodies // (2 * len(only or posts)))
    campaign.warm_up()
    made = list(generate(campaign.document, each=each, start=start, only=only)) if bodies else []
    odd, asked = cases // 10, cases // 20
    shaped = min(cases // 3, 4 * len(made))
    for source in (
        from_generated(campaign, made, shaped),
        shots(campaign.envelope, campaign.chance, odd),
        questions(campaign.spoiler, campaign.chance, asked),
        spoilt(campaign, cases - shaped - odd - asked),
    ):
        for shot in source:
            campaign.fire(shot)
    campaign.client.close()
    campaign.settle()
    return campaign.report


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000, help="how many requests are fired (%(default)s)")
    parser.add_argument("--generated", type=int, default=500, help="bodies that schemathesis makes (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other cases (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="caco-fuzz-") as folder:
        house = House(Path(folder) / "house")
        try:
            house.set_up()
            house.serve()
            report = run(house, cases=asked.cases, bodies=asked.generated, start=asked.seed)
        finally:
            house.close()
    told = report.document()
    print(json.dumps(told, indent=2, ensure_ascii=False) if asked.json else words(told))
    return 1 if report.faults else 0


def words(told: dict[str, Any]) -> str:
    """For people."""
    slowest = "\n".join(f"  {one['ms']:>8} ms  {one['status']}  {one['case']}" for one in told["slowest"])
    faults = "\n".join(f"  {one[:700]}" for one in told["faults"][:20])
    return (
        f"{told['cases']} cases (seed {told['seed']}): {told['by_source']}\n"
        f"answers: {told['by_status']}; server errors: {told['server_errors']}\n"
        f"p50 {told['p50_ms']} ms, p99 {told['p99_ms']} ms, load average {told['load_average']}; slowest:\n{slowest}\n"
        f"stored: {told['stored']}, handled afterwards: {told['handled']}\n"
        f"not as it should be: {len(told['faults'])}\n{faults}"
    )


if __name__ == "__main__":
    sys.exit(main())
