"""Messages while web and worker are killed (SIGKILL) at random: python -m benchmarks.beckn_kill --messages 10000.

Senders repeat each message until it is acknowledged, as any peer does. In the end every acknowledged message must have been
handled once, have one callback in the outbox, and its sender must hold that callback: nothing lost, nothing doubled. A
callback that was delivered in the moment of a kill may come again as a copy; other bytes under one id count as doubled.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from beckn.conformance.exchange import JSON, Request, exchange
from beckn.conformance.listener import Callback, Listener
from beckn.wire import signing
from beckn.wire.signing import Signer
from benchmarks.beckn_house import BUYER, House
from benchmarks.beckn_messages import body

COUNT = """
import django; django.setup()
from collections import Counter
from beckn.models import InboxMessage as I, OutboxMessage as O
states = Counter(I.objects.values_list("state", flat=True)); print(states["HANDLED"], sum(states.values()) - states["HANDLED"])
print(I.objects.values("message_id").distinct().count(), I.objects.count())
print(O.objects.values("answers").distinct().count(), O.objects.count(), O.objects.filter(state="DELIVERED").count())
"""
WORKER = (
    "-m",
    "celery",
    "-A",
    "caco_site.celery",
    "worker",
    "--pool",
    "threads",
    "--concurrency",
    "6",
    "--without-mingle",
)
GIVE_UP_S = 120.0
KILLED_UNTIL = 0.9  # the share of callbacks that must arrive while processes die
SETTLE_S = 3.0  # what was just delivered is still being written down


@dataclass
class Campaign:
    """What was sent, acknowledged and killed."""

    house: House
    listener: Listener
    template: bytes
    acknowledged: set[str] = field(default_factory=set)
    attempts: int = 0
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def send(self, _: int) -> None:
        """One message, again and again until it is acknowledged."""
        named = str(uuid.uuid4())
        raw = self.template.replace(b"@MESSAGE", named.encode()).replace(b"@TRANSACTION", str(uuid.uuid4()).encode())
        signer = Signer.of(BUYER, "load-1", bytes.fromhex(self.house.seed))
        end = time.monotonic() + GIVE_UP_S
        while time.monotonic() < end:
            header = signing.sign(raw, signer, now=datetime.now(UTC))
            self.attempts += 1
            request = Request("discover", raw, (JSON, ("Authorization", header)), named)
            answer = exchange(f"{self.house.url}/beckn/bpp", request, timeout_s=10)
            if answer.status == 200:
                self.acknowledged.add(named)
                return
            time.sleep(random.uniform(0.02, 0.2))
        raise SystemExit(f"{named} was not acknowledged within {GIVE_UP_S:.0f} s")

    def work(self) -> None:
        """Start the worker, as `manage.py up` does."""
        self.house.spawn("worker", (sys.executable, *WORKER, "--without-gossip", "--loglevel", "WARNING"))

    def kill(self, pauses: tuple[float, float]) -> None:
        """Until it is over: wait a little, kill one, start it again."""
        while not self.over.wait(random.uniform(*pauses)):
            name = random.choice(["web", "worker"])
            self.house.end(name, signal.SIGKILL)
            self.kills[name] += 1
            self.work() if name == "worker" else self.house.serve()

    def wait(self, share: float, patience_s: float) -> None:
        """Until this share of the acknowledged messages has its callback."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            got = {one.message_id for one in list(self.listener.received)}
            if len(self.acknowledged & got) >= share * len(self.acknowledged):
                return
            time.sleep(0.1)


def campaign(
    var: Path, *, messages: int, senders: int, pauses: tuple[float, float], patience_s: float
) -> dict[str, int]:
    """Run one; the counts that must hold are named by what they mean."""
    with Listener(lambda _: b'{"status":"ACK","message":{"status":"ACK"}}').listening() as listener:
        house = House(
            var, callback_url=f"http://127.0.0.1:{listener.port}/bap", database_url=os.environ.get("DATABASE_URL", "")
        )
        house.env["CACO_CLOCK_IN_WORKER"] = "1"
        try:
            house.set_up()
            one = Campaign(house, listener, body(house, action="discover", message={"intent": {}}))
            house.serve()
            one.work()
            killer = threading.Thread(target=one.kill, args=[pauses])
            killer.start()
            with ThreadPoolExecutor(senders) as pool:
                list(pool.map(one.send, range(messages)))
            one.wait(KILLED_UNTIL, patience_s)
            one.over.set()
            killer.join()
            one.wait(1, patience_s)
            time.sleep(SETTLE_S)
            return counted(one)
        finally:
            house.close()


def counted(one: Campaign) -> dict[str, int]:
    """What came of it, by the rows and by what the sender holds."""
    handled, other, distinct, rows, answered, owed, delivered = map(int, one.house.python(COUNT).split())
    bodies: dict[str, set[bytes]] = collections.defaultdict(set)
    got: list[Callback] = list(one.listener.received)
    for callback in got:
        bodies[callback.message_id].add(callback.raw)
    return {
        "acknowledged": len(one.acknowledged),
        "attempts": one.attempts,
        "web killed": one.kills["web"],
        "worker killed": one.kills["worker"],
        "handled": handled,
        "not handled": other,
        "rows": rows,
        "distinct": distinct,
        "callbacks owed": owed,
        "callbacks delivered": delivered,
        "callbacks received": len(got),
        "lost": len(one.acknowledged - set(bodies)),
        "doubled": (rows - distinct) + (owed - answered) + sum(len(told) > 1 for told in bodies.values()),
    }


def main() -> int:
    """Run, print, and say by the exit status whether nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--pause", type=float, nargs=2, default=[1.0, 6.0], help="seconds between kills, from and to")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds for the last callbacks")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="caco-kill-", ignore_cleanup_errors=True) as folder:
        found = campaign(
            Path(folder) / "var",
            messages=options.messages,
            senders=options.senders,
            pauses=tuple(options.pause),
            patience_s=options.patience,
        )
    for name, count in found.items():
        print(f"{name:<20}{count:>8}")
    print(f"{time.monotonic() - begun:.0f} s, load average {os.getloadavg()[0]:.1f}")
    return 0 if found["lost"] == found["doubled"] == found["not handled"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
