"""The sender against a chain of another make, while everything breaks: python -m benchmarks.chain_faults --faults 300.

ganache is the chain and `audit_deploy`'s own code puts the contract on it. Each run of the sender is a process of its own. Heads
and batches of made-up records are given it, and in every round one fault happens: blocks are taken back (below the finality
depth, and beyond it), answers are held, dropped, garbled or lies, the sender or the chain is killed with SIGKILL, a stranger
takes the nonce, fees are refused, the miner stands still. In the end every head and every record must stand in the contract,
by exactly one event each, where the database says it does.

It prints what happened, and exits 1 when anything is not exactly once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.faulty_rpc import SEND, Door
from benchmarks.second_chain import SecondChain, missing

KEY = hashlib.sha256(b"the key of the campaign").digest()
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WAIT_S = 1.0  # the sender's patience; the door holds answers for longer
CONFIRMATIONS = 3
HANG = timedelta(seconds=91)  # after which the sender offers a higher fee
MOST_TICKS = 80
COUNT = "eth_getTransactionCount"


class Campaign:
    """One log on one chain, and what happened to it."""

    def __init__(self, chain: SecondChain, door: Door, seed: int) -> None:
        self.chain, self.door, self.rng, self.now = chain, door, random.Random(seed), NOW
        self.leaves: list[bytes] = []
        self.number = self.ticks = 0
        self.keys: list[str] = []  # of records that nothing supersedes yet
        self.snapshots: list[str] = []
        self.happened: Counter[str] = Counter()

    # --- work for the sender

    def give_work(self) -> None:
        """One head over a few more leaves, and one batch of records."""
        from marketplace.ledger import merkle
        from marketplace.models import Anchor

        before, self.number = len(self.leaves), self.number + 1
        self.leaves += [merkle.leaf_hash(self.rng.randbytes(8)) for _ in range(self.rng.randint(1, 9))]
        moment = {"created_at": self.now, "updated_at": self.now}
        Anchor.objects.create(
            kind="HEAD", seq=self.number, size=len(self.leaves), root=merkle.root(self.leaves).hex(), **moment,
            proof=[one.hex() for one in merkle.consistency_proof(self.leaves, before)],
        )  # fmt: skip
        self.make_records(Anchor.objects.create(kind="RECORD", **moment))

    def make_records(self, anchor: Any) -> None:
        """Up to four records; some correct one of before. Their statements are made up: the sender never reads them."""
        from django.db import connection

        from marketplace.ledger.settlement import record_key
        from marketplace.models import SettlementRecord

        with connection.constraint_checks_disabled():
            for _ in range(self.rng.randint(1, 4)):
                old = self.keys.pop() if self.keys and self.rng.random() < 0.3 else ""
                name, run = self.rng.randbytes(32).hex(), self.rng.choice(["II", "SF", "R1"])
                SettlementRecord.objects.create(
                    statement_id=made_up(self.rng), anchor=anchor, settlement_id=name, run=run, supersedes=old,
                    commitment=self.rng.randbytes(32).hex(), salt=self.rng.randbytes(32),
                )  # fmt: skip
                self.keys.append(record_key(name, run))

    def tick(self, after: timedelta = timedelta(seconds=1)) -> None:
        """One run of the sender, in a process that may be killed."""
        from django.db import connections

        self.now, self.ticks = self.now + after, self.ticks + 1
        connections.close_all()
        child = os.fork()
        if not child:
            self.run_sender()
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RuntimeError("the sender died of an error of its own")

    def run_sender(self) -> None:
        """The child's whole life."""
        from django.conf import settings

        from marketplace.ledger import chain, sender

        try:
            settings.CHAIN_RPC_URL = f"{self.door.url}/{os.getpid()}"
            chain.TIMEOUT_S = WAIT_S
            sender.send_due(now=self.now)
        except BaseException:  # noqa: BLE001 - a child must end here, whatever happened
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    # --- faults

    def round(self) -> None:
        """New work, one fault in the middle of it, and now and then all the time it takes to finish."""
        self.snapshots.append(self.chain.ask("evm_snapshot"))
        self.give_work()
        faults = self.faults()
        kind = self.rng.choices(list(faults), [one[0] for one in faults.values()])[0]
        if faults[kind][1]():
            self.happened[kind] += 1
        self.door.plan("")
        if self.rng.random() < 0.5:
            self.finish()

    def faults(self) -> dict[str, tuple[int, Callable[[], bool]]]:
        """Every kind with its weight and what makes it happen; it answers whether it did."""
        planned, rng = self.planned, self.rng
        return {
            "reorganisation below finality": (6, lambda: self.reorganise(1)),
            "reorganisation beyond finality": (2, lambda: self.reorganise(rng.randint(2, 4))),
            "question held back": (2, lambda: planned("hold before", skip=rng.randint(0, 12))),
            "answer to a sending held back": (3, lambda: planned("hold after", method=SEND)),
            "answer to a sending dropped": (4, lambda: planned("drop", method=SEND, skip=rng.randint(0, 1))),
            "answer dropped": (2, lambda: planned("drop", skip=rng.randint(0, 12))),
            "gateway's page instead of an answer": (2, lambda: planned("garbage", skip=rng.randint(0, 12))),
            "nonce told too high": (2, lambda: planned("too high", method=COUNT, skip=rng.randint(0, 2))),
            "nonce told too low": (2, lambda: planned("too low", method=COUNT, skip=rng.randint(0, 2))),
            "nonce taken by a stranger": (2, self.take_nonce),
            "fee refused": (3, lambda: planned("refuse", method=SEND, times=rng.randint(1, 3))),
            "miner stands still": (2, self.stand_still),
            "sender killed before a question": (5, lambda: planned("kill before", skip=rng.randint(0, 16))),
            "sender killed before an answer": (5, lambda: planned("kill after", skip=rng.randint(0, 16))),
            "chain killed": (1, self.restart),
        }

    def planned(self, fault: str, **where: Any) -> bool:
        """Arm the door and run the sender until it happened."""
        self.door.plan(fault, **where)
        for _ in range(6):
            self.tick()
            if not self.door.pending():
                return True
        return False

    def reorganise(self, rounds: int) -> bool:
        """Take back the blocks of the newest `rounds` rounds; what they held is forgotten, and empty blocks stand there."""
        self.tick()
        if rounds > 1:
            self.finish()
        at, height = max(0, len(self.snapshots) - rounds), self.chain.height()
        back, self.snapshots = self.snapshots[at], self.snapshots[:at]
        self.chain.ask("evm_revert", back)
        lost = height - self.chain.height()
        self.snapshots.append(self.chain.ask("evm_snapshot"))
        self.chain.mine(lost + 1)
        self.tick()
        return lost > 0

    def take_nonce(self) -> bool:
        """The sender dies with signed bytes in the database, and the key is used elsewhere meanwhile."""
        from eth_account import Account

        if not self.planned("kill before", method=SEND):
            return False
        own = Account.from_key(KEY)
        nonce = int(self.chain.ask(COUNT, own.address, "pending"), 16)
        fees = {"gas": 21_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        facts = {"to": own.address, "value": 1, "nonce": nonce, "chainId": int(self.chain.ask("eth_chainId"), 16)}
        self.chain.ask(SEND, f"0x{own.sign_transaction(facts | fees).raw_transaction.hex().removeprefix('0x')}")
        self.tick()
        return True

    def stand_still(self) -> bool:
        """Nothing is mined until the sender has offered more."""
        from marketplace.models import AnchorAttempt

        self.chain.ask("miner_stop")
        self.tick()
        before = AnchorAttempt.objects.count()
        self.tick(HANG)
        self.chain.ask("miner_start")
        return AnchorAttempt.objects.count() > before

    def restart(self) -> bool:
        """SIGKILL to the chain with a transaction in its pool."""
        self.chain.ask("miner_stop")
        self.tick()
        self.chain.restart()
        self.snapshots = [self.chain.ask("evm_snapshot")]
        return True

    # --- the end

    def finish(self) -> None:
        """Let the sender and the chain go on undisturbed until everything is final. Raises RuntimeError when it never is."""
        from marketplace.models import Anchor

        waiting = Anchor.objects.exclude(state="FINAL")
        for _ in range(MOST_TICKS):
            if not waiting.exists():
                return
            self.tick(timedelta(seconds=31))
            self.chain.mine(1)
        row = waiting.order_by("pk").first()
        raise RuntimeError(f"anchor {row.pk} ({row.kind}) does not become final: {row.state}, {row.last_error}")  # type: ignore[union-attr]

    def doubts(self) -> list[str]:
        """Everything that does not stand exactly once, and where the database says."""
        from marketplace.ledger import chain
        from marketplace.ledger.deployment import deployment
        from marketplace.ledger.settlement import record_key
        from marketplace.models import Anchor, AnchorAttempt, SettlementRecord

        log = chain.Chain(chain.open_rpc(self.chain.url), deployment()).contract
        found = []
        heads = log.events.Anchored.get_logs(from_block=0)
        ours = list(Anchor.objects.filter(kind="HEAD").order_by("seq"))
        if [place(one) for one in heads] != [(row.tx_hash, row.block_hash) for row in ours]:
            found.append(f"{len(heads)} Anchored events do not match {len(ours)} heads")
        events = log.events.SettlementRecorded.get_logs(from_block=0)
        times = Counter(one.args.recordKey.hex() for one in events)
        rows = list(SettlementRecord.objects.select_related("anchor"))
        wanted = {record_key(row.settlement_id, row.run): row for row in rows}
        found += [
            f"record {key} has {times[key]} events" for key in times | wanted if times[key] != 1 or key not in wanted
        ]
        for one in events:
            row = wanted.get(one.args.recordKey.hex())
            if row is not None and (row.commitment, row.supersedes or "00" * 32) != (
                one.args.commitment.hex(), one.args.supersedes.hex(),
            ):  # fmt: skip
                found.append(f"record {one.args.recordKey.hex()} says something else than it should")
        if left := AnchorAttempt.objects.filter(outcome="").count():
            found.append(f"{left} attempts have no outcome")
        return found


def place(event: Any) -> tuple[str, str]:
    """An event's transaction and block."""
    return f"0x{bytes(event.transactionHash).hex()}", f"0x{bytes(event.blockHash).hex()}"


def made_up(rng: random.Random) -> str:
    """A UUID of no statement."""
    text = rng.randbytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def prepare(folder: Path) -> None:
    """A throw-away installation: settings, tables without their history, the key."""
    os.environ |= {"CACO_VAR": str(folder), "CACO_SECRET_KEY": "of-a-campaign", "CACO_LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "caco_site.settings"
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command

    settings.MIGRATION_MODULES = {one.label: None for one in apps.get_app_configs()}
    settings.CHAIN_CONFIRMATIONS = CONFIRMATIONS
    call_command("migrate", run_syncdb=True, verbosity=0)
    file = Path(settings.CHAIN_KEY_FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(KEY.hex())


def campaign(folder: Path, *, faults: int, seed: int, minutes: float) -> tuple[Campaign, list[str]]:
    """Run until so many faults have happened, or the time is up. Answers the campaign and its doubts."""
    until = time.monotonic() + 60 * minutes
    with SecondChain(folder / "second", KEY) as chain:
        prepare(folder)
        from django.conf import settings

        from marketplace.ledger.deploy import deploy

        chain.await_ready()
        settings.CHAIN_RPC_URL = chain.url
        deploy()
        with Door(chain.url) as door:
            made = Campaign(chain, door, seed)
            while made.happened.total() < faults and time.monotonic() < until:
                made.round()
            made.finish()
            return made, made.doubts()


def main() -> None:
    """Read the command line, run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chain_faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=600, help="stop then, and judge what has happened")
    wanted = parser.parse_args()
    if lack := missing():
        sys.exit(f"chain_faults: needs {lack}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("chain_faults: stopped"))  # and the chain with it
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="caco-faults-") as folder:
        made, doubts = campaign(Path(folder), faults=wanted.faults, seed=wanted.seed, minutes=wanted.minutes)
        from marketplace.models import Anchor, AnchorAttempt, SettlementRecord

        for kind, times in sorted(made.happened.items()):
            print(f"{times:5} {kind}")
        heads, records = Anchor.objects.filter(kind="HEAD").count(), SettlementRecord.objects.count()
        print(
            f"{made.happened.total()} faults in {made.ticks} runs of the sender, {time.monotonic() - begun:.0f} s, seed {wanted.seed}:"
            f" {heads} heads and {records} records from {AnchorAttempt.objects.count()} signed transactions"
        )
        print("\n".join(doubts) or "each head and each record stands by exactly one event, where the database says")
    sys.exit(1 if doubts else 0)


if __name__ == "__main__":
    main()
