"""What beckn_fuzz fires: bodies generated from our own OpenAPI description, and valid messages spoilt in one way each.

Everything is drawn from one seed. A body is made here and never touched again: whoever fires it signs exactly these bytes.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from beckn.wire import actions, context
from beckn.wire.context import Party
from beckn.wire.v1 import context as old_context
from beckn.wire.v1 import names
from benchmarks.beckn_messages import contract

Headers = tuple[tuple[str, str], ...]
JSON: Headers = (("Content-Type", "application/json"),)
DEEP, LONG, LARGEST = 40, 900_000, 1024 * 1024
LITERAL = "@literal-{}@"  # stands for text that no JSON writer would write, put in afterwards
NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1e-400",
    "9" * 41,
    "9" * 39,
    "1" + "0" * 5000,
    "-0",
    "0.1e1",
]
NUMBERS += [
    "1e308",
    "-1e308",
    "5e-324",
    "00",
    "+1",
    ".5",
    "1.",
    "0x10",
    "9007199254740993",
    "1e999999999999",
    "-1",
    "0",
]
WORDS = [
    "",
    " ",
    "\x00",
    "\x1f\x7f",
    "\u202e\u2066",
    "e\u0301" * 500,
    "\U0001f50b" * 200,
    "\ufeff",
    "\uffff",
    "' OR 1=1 --",
]
WORDS += ["../../etc/passwd", "%00%2e", "{{7*7}}", "<script>", "null", "https://[::1", "//", "\u0660\u0661"]
TIMES = ["2026-02-30T25:61:61Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999999-12:00", "P99999999999D"]
TIMES += ["PT99999999S", "P1Y", "P", "-P1D", "", "2026-01-15", "T", "2026-01-15T17:00:00", "2016-12-31T23:59:60Z"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: what it is, who signs it (a key of Network.peers), the path below /beckn, the body as it is sent.

    `expects` are the only statuses it may be answered with (empty: any). `refusals` are those that may come without a code
    of the network, because no message was understood. `unsigned` shots carry whatever Authorization stands in `headers`.
    """

    name: str
    source: str
    peer: str
    path: str
    raw: bytes
    headers: Headers = JSON
    method: str = "POST"
    chunked: bool = False
    unsigned: bool = False
    expects: frozenset[int] = frozenset()
    refusals: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Network:
    """Who there is: our own participants by role, the peers that write to them by name ("bap", "bap-v1", ...), and where."""

    network_id: str
    ours: Mapping[str, Party]
    peers: Mapping[str, Party]


@dataclass(frozen=True, slots=True)
class Message:
    """A valid message without its context: its action in words of 2.0.0, who takes it, its content, the sender's profile."""

    name: str
    action: str
    role: str
    content: dict[str, Any]
    profile: str = "lts"

    @property
    def is_v1(self) -> bool:
        """Whether it is one of 1.1."""
        return self.profile == "v1"

    @property
    def path(self) -> str:
        """Where it is posted, below /beckn."""
        rest = {"catalog/master_search": "catalog/master/search"}.get(self.action, self.action)
        return f"{self.role}/{names.of(self.action) if self.is_v1 else rest}"

    @property
    def peer(self) -> str:
        """Who sends it."""
        sender = actions.ACTIONS[self.action].sender
        return sender if self.profile == "lts" else f"{sender}-{self.profile}"


def own_messages() -> list[Message]:
    """One valid message of each action, for a machine that has no recorded flow."""
    deal = contract()
    tracking = {"url": "https://market.example/track", "status": "ACTIVE", "contract": deal}
    rated = {"target": {"id": deal["id"]}, "range": {"value": 5, "best": 5, "worst": 1}}
    catalog = {
        "id": "catalogue-1",
        "descriptor": {"name": "Flexibility"},
        "provider": {"id": "provider-1", "descriptor": {"name": "A data centre"}},
        "resources": [{"id": "resource-1"}],
        "offers": [{"id": "offer-1", "resourceIds": ["resource-1"]}],
    }
    content: dict[str, Any] = {
        "contract": {"contract": deal},
        "intent": {
            "intent": {"textSearch": "norwich", "filters": {"type": "jsonpath", "expression": "$[?(@.id == 'x')]"}}
        },
        "catalogs": {"catalogs": [catalog]},
        "tracking": {"tracking": tracking},
        "ratingInputs": {"ratingInputs": [rated]},
        "ratings": {"ratings": [rated]},
        "support": {"support": {"orderId": deal["id"]}},
        "results": {"results": [{"catalogId": "catalogue-1", "status": "ACCEPTED"}]},
        "subscription": {"subscription": {"networkIds": ["caco.example/flex-dev"]}},
        "mode": {"mode": "FULL"},
        "requestId": {"requestId": str(uuid.UUID(int=7)), "status": "COMPLETE"},
        "": {"pagination": {"limit": 5}},
    }
    made = [Message(f"own {name}", name, one.receiver, content[one.member]) for name, one in actions.ACTIONS.items()]
    order = {
        "id": deal["id"],
        "items": [{"id": "r", "quantity": {"selected": {"measure": {"value": "5", "unit": "kW"}}}}],
    }
    old = {
        "select": {"order": order},
        "status": {"order_id": deal["id"]},
        "discover": {"intent": {}},
        "on_discover": {"catalog": {}},
        "on_init": {"order": order},
        "rate": {"ratings": [{"id": deal["id"], "rating_category": "Order", "value": "5"}]},
        "on_rate": {"feedback_form": {}},
    }
    made += [Message(f"own {name} (1.1)", name, actions.ACTIONS[name].receiver, old[name], "v1") for name in old]
    asked = [one for one in made if one.profile == "lts" and one.role == "bpp" and one.peer == "bap"]
    return made + [replace(one, name=f"{one.name} (onix)", profile="onix") for one in asked]


def recorded_messages(folder: Path) -> list[Message]:
    """The messages of a recorded flow, and its counterparts in 1.1; none where the machine has no such folder."""
    found = []
    for path in sorted(folder.glob("[0-9]*.json")):
        told = json.loads(path.read_bytes())
        action = told["context"]["action"]
        found.append(Message(path.stem, action, actions.ACTIONS[action].receiver, told["message"]))
    pairs = folder / "v1_pairs.json"
    for case in json.loads(pairs.read_bytes())["cases"] if pairs.exists() else []:
        action = names.action_of(case["v1"]["context"]["action"])
        found.append(Message(case["id"], action, actions.ACTIONS[action].receiver, case["v1"]["message"], "v1"))
    return found


class Envelope:
    """A valid context around any content, for the peer and the action of a message."""

    def __init__(self, network: Network, chance: random.Random) -> None:
        self.network, self.chance = network, chance

    def around(self, message: Message, content: Any = None) -> dict[str, Any]:
        """A whole body with ids of its own, made now."""
        spec = actions.ACTIONS[message.action]
        told = context.build(
            action=spec,
            us=self.network.peers[message.peer],
            peer=self.network.ours[message.role],
            network_id=self.network.network_id,
            transaction_id=uuid.UUID(int=self.chance.getrandbits(128), version=4),
            message_id=uuid.UUID(int=self.chance.getrandbits(128), version=4),
            now=datetime.now(UTC),
            ttl=timedelta(hours=1),
            role=spec.sender,
            peer_role=message.role,
        )
        about = old_context.to_v1(told) if message.is_v1 else told
        return {"context": about, "message": message.content if content is None else content}


class Spoiler:
    """Takes a valid body and spoils it in one way, or in several."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.literals: list[str] = []

    def spoil(self, told: dict[str, Any]) -> tuple[str, bytes]:
        """What was done, and the bytes that came of it. `told` is changed."""
        self.literals.clear()
        done = [self.change(told) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
        ascii_only = self.chance.random() < 0.5
        text = json.dumps(told, ensure_ascii=ascii_only)
        for number, literal in enumerate(self.literals):
            text = text.replace(f'"{LITERAL.format(number)}"', literal, 1)
        raw = text.encode("utf-8", "surrogatepass")
        if self.chance.random() < 0.08:
            how, raw = self.garble(raw)
            done.append(how)
        return ", ".join(done), raw

    def change(self, told: dict[str, Any]) -> str:
        """One change somewhere in the tree, mostly in the message."""
        part = "context" if self.chance.random() < 0.25 else "message"
        places = list(spots(told[part])) if isinstance(told.get(part), dict) else []
        if not places:
            told[part] = self.odd()
            return f"{part} replaced"
        holder, at = self.chance.choice(places)
        how, new = self.chance.choice(self.ways())
        name = f"{how} at {at}"
        if how == "dropped":
            del holder[at]
        elif how == "unknown member":
            (holder if isinstance(holder, dict) else told[part])[self.chance.choice(WORDS) or "surprise"] = new(None)
        elif how == "twice" and isinstance(holder, dict):
            same = json.dumps(at)
            holder[at] = self.literal(f"{json.dumps(holder[at])}, {same}: {json.dumps(holder[at])}")
        else:
            holder[at] = new(holder[at])
        return name

    def ways(self) -> list[tuple[str, Callable[[Any], Any]]]:
        """The ways to spoil a value."""
        chance = self.chance
        return [
            ("dropped", lambda _: None),
            ("unknown member", lambda _: self.odd()),
            ("twice", lambda old: old),
            ("of another type", lambda _: chance.choice([None, True, 7, "text", [], {}, [[]], {"": {}}])),
            ("an extreme number", lambda _: self.literal(chance.choice(NUMBERS))),
            ("an odd text", lambda _: chance.choice(WORDS)),
            ("half a surrogate pair", lambda _: self.literal('"\\ud800"')),
            ("a long text", lambda _: "x" * chance.choice((300, 5000, 70_000, LONG))),
            ("nested deeply", lambda _: self.literal("[" * chance.choice((30, DEEP, 5000, 100_000)) + "]" * DEEP)),
            ("nested and closed", lambda _: self.literal(nested(chance.choice((20, 33, 2000, 50_000))))),
            ("a long list", lambda old: [old] * chance.choice((2, 50, 400))),
            ("an endless list", lambda old: self.literal(endless(chance.choice((old, 0, "x", {}))))),
            ("endless members", lambda _: self.literal(members(chance.choice((60_000, 60_001))))),
            ("an odd time", lambda _: chance.choice(TIMES)),
            ("emptied", lambda old: type(old)() if isinstance(old, dict | list | str) else 0),
            ("a number as text", lambda old: str(old)),
        ]

    def odd(self) -> Any:
        """Any odd value."""
        return self.chance.choice([None, [], {}, 0, "text", self.chance.choice(WORDS), {"a": [{}]}, [None] * 100])

    def literal(self, text: str) -> str:
        """A placeholder for text that is put in after the JSON is written."""
        self.literals.append(text)
        return LITERAL.format(len(self.literals) - 1)

    def garble(self, raw: bytes) -> tuple[str, bytes]:
        """The bytes themselves spoilt."""
        at = self.chance.randrange(max(1, len(raw)))
        return self.chance.choice(
            [
                ("cut short", raw[:at]),
                ("one byte changed", raw[:at] + bytes([self.chance.randrange(256)]) + raw[at + 1 :]),
                ("with a byte order mark", b"\xef\xbb\xbf" + raw),
                ("in UTF-16", raw.decode("utf-8", "replace").encode("utf-16")),
                ("with something behind", raw + b"{}"),
                ("in Latin-1", raw + b"\xff\xfe"),
                ("in a list", b"[" + raw + b"]"),
                ("nothing", b""),
                ("white space", b" \n\t"),
                ("blown up", raw[:-1] + b" " * (LARGEST - len(raw)) + raw[-1:]),
            ]
        )


def spots(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key or index) below a node."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for at, inner in pairs:
        yield node, at
        yield from spots(inner)


def endless(value: Any) -> str:
    """A list of the same value again and again, as long as a body may be."""
    one = json.dumps(value)
    return f"[{', '.join([one] * max(1, LONG // (len(one) + 2)))}]"


def members(count: int) -> str:
    """An object with very many members; of an odd number, the last stands twice."""
    names = [f'"m{number % 60_000}": 0' for number in range(count)]
    return f"{{{', '.join(names)}}}"


def nested(depth: int) -> str:
    """Lists in lists."""
    return "[" * depth + "]" * depth
