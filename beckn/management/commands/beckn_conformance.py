"""manage.py beckn_conformance: run the conformance kit against any participant's receiving endpoint."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from beckn import egress, registry
from beckn.conformance import RULES, Identity, Kit, Patience, Target, Verdict, report, run, start
from beckn.conformance.official import Official, UnusableError
from beckn.models import Subscriber
from beckn.wire.context import Party

PROFILES = ("lts", "onix", "v1")
LARGEST_SPEC = 16 * 1024 * 1024


class Command(BaseCommand):
    help = (
        "Put a participant to the rules of conformance, over real sockets. Exit status: 0 all passed, 1 one failed, "
        "2 none failed but one could not be tested."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--against", required=True, metavar="URL", help="the participant's base URL; actions follow it"
        )
        parser.add_argument("--profile", choices=PROFILES, default="lts")
        parser.add_argument("--role", choices=("bpp", "bap"), default="bpp", help="the participant's role")
        parser.add_argument("--network", default=settings.BECKN_NETWORK_ID, help="its network id")
        parser.add_argument(
            "--subscriber", default="", help="its subscriber id, if the registry does not tell by its URL"
        )
        parser.add_argument(
            "--registry", default="", metavar="URL", help="the registry that holds its keys; default: ours"
        )
        parser.add_argument("--register", action="store_true", help="enter the kit in our own registry for this run")
        parser.add_argument("--as", dest="us", default="conformance.caco.local", help="the kit's own subscriber id")
        parser.add_argument(
            "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="where the kit takes callbacks"
        )
        parser.add_argument("--callback-url", default="", metavar="URL", help="the same as the participant sees it")
        parser.add_argument("--subscriptions", action="store_true", help="print what to register for the kit, and end")
        parser.add_argument("--spec", default="", metavar="PATH_OR_URL", help="the standard's OpenAPI file")
        parser.add_argument("--buy", action="store_true", help="also order the least there is on sale, once")
        parser.add_argument(
            "--only", default="", metavar="PREFIX", help="only the rules whose names begin so, such as order-"
        )
        parser.add_argument("--patience", type=float, default=15.0, metavar="S", help="how long a callback may take")
        parser.add_argument("--answer-within", type=float, default=1.0, metavar="S", help="how long a receipt may take")
        parser.add_argument(
            "--json", default="", metavar="FILE", help="write the verdicts as JSON too (-: print only that)"
        )
        parser.add_argument("--junit", default="", metavar="FILE", help="write a JUnit report too")

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = options["listen"].rpartition(":")
        if not host or not port.isdigit():
            raise CommandError("--listen takes HOST:PORT, like 127.0.0.1:9000; port 0 picks a free one")
        who = start.identities(options["us"], options["callback_url"], None if options["register"] else kept_seeds())
        if options["subscriptions"]:
            self.stdout.write(json.dumps(subscriptions(who, options["role"]), indent=2))
            return
        rules = [rule for rule in RULES if rule.id.startswith(options["only"])]
        if not rules:
            names = ", ".join(sorted({rule.id.partition("-")[0] for rule in RULES}))
            raise CommandError(f"no rule begins with {options['only']!r}; they begin with {names}")
        target = self.target(options)
        given = {
            "official": official(options["spec"]) if options["spec"] else None,
            "buys": options["buy"],
            "patience": Patience(
                answer_s=options["answer_within"], callback_s=options["patience"], retry_s=2 * options["patience"]
            ),
        }
        tell = self.tell if options["json"] != "-" else lambda _: None
        with start.started(target, who, host=host, port=int(port), **given) as kit, known(kit, options):
            verdicts = run(kit, rules, tell)
        self.conclude(verdicts, target, options)

    def target(self, options: dict[str, Any]) -> Target:
        """Who is tested, as the registry knows it."""
        url = options["against"].rstrip("/")
        found = records(options["registry"], options["subscriber"], url)
        if not found:
            raise CommandError(
                f"the registry knows nobody at {url}; name it with --subscriber, or the registry with --registry"
            )
        keys = {record.key_id: record.public_key for record in found}
        return Target(url, found[0].subscriber_id, options["role"], options["network"], options["profile"], keys)

    def tell(self, verdict: Verdict) -> None:
        """A line as soon as it is known."""
        self.stdout.write(report.line(verdict))

    def conclude(self, verdicts: list[Verdict], target: Target, options: dict[str, Any]) -> None:
        """Reports, the last line, and the exit status."""
        document = json.dumps(report.document(verdicts, target, now=timezone.now()), indent=2, ensure_ascii=False)
        if options["json"] == "-":
            self.stdout.write(document)
        else:
            self.stdout.write(report.closing(verdicts))
            if options["json"]:
                Path(options["json"]).write_text(document + "\n", "utf-8")
        if options["junit"]:
            Path(options["junit"]).write_bytes(report.junit(verdicts, target))
        if status := report.exit_status(verdicts):
            raise SystemExit(status)


def records(registry_url: str, subscriber_id: str, url: str) -> list[registry.Record]:
    """The usable keys of a participant, by its id or else by its URL."""
    if not registry_url:
        rows = registry.in_force(timezone.now())
        return [
            registry.record_of(row)
            for row in (rows.filter(subscriber_id=subscriber_id) if subscriber_id else rows.filter(url=url))
        ]
    try:
        if subscriber_id:
            asked = json.dumps({"subscriber_id": subscriber_id}).encode()
            told = egress.subscriptions(egress.post(f"{registry_url}/lookup", asked, headers={}))
        else:
            answer = egress.exchange(
                "GET", f"{registry_url}/subscribers", b"", headers={}, largest=egress.LARGEST_DIRECTORY
            )
            told = [one for one in egress.subscriptions(answer) if url in (one.get("url"), one.get("subscriber_url"))]
    except egress.EgressError as problem:
        raise CommandError(f"the registry cannot be asked: {problem}") from problem
    found = [
        one for one in map(registry.from_subscription, told) if one and one["status"] == Subscriber.Status.SUBSCRIBED
    ]
    names = ("subscriber_id", "key_id", "role", "url", "public_key", "valid_from", "valid_until")
    return [registry.Record(**{name: one[name] for name in names}) for one in found]


def kept_seeds() -> dict[str, str]:
    """The kit's own keys, made at first use: a participant elsewhere registers them once."""
    path = Path(settings.VAR_DIR) / "keys" / "conformance.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(start.new_seeds(), file)
    seeds: dict[str, str] = json.loads(path.read_text("utf-8"))
    return seeds


def subscriptions(who: dict[str, Identity], role: str) -> list[dict[str, str]]:
    """What the operator of a registry enters: all three keys, the last one as revoked."""
    kind = "BPP" if role == "bap" else "BAP"
    return [
        {
            "subscriber_id": one.subscriber_id,
            "type": kind,
            "url": one.url,
            "key_id": one.key_id,
            "signing_public_key": one.public_key,
            "status": "UNSUBSCRIBED" if name == "revoked" else "SUBSCRIBED",
        }
        for name, one in who.items()
    ]


@contextmanager
def known(kit: Kit, options: dict[str, Any]) -> Iterator[None]:
    """With --register the kit's identities stand in our own registry for the length of the run."""
    if not options["register"]:
        yield
        return
    role = "bpp" if kit.target.role == "bap" else "bap"
    who = (kit.main, kit.other, kit.revoked)
    for one in who:
        enter(one, role=role, profile=options["profile"], now=timezone.now())
    mine = Subscriber.objects.filter(subscriber_id__in={one.subscriber_id for one in who})
    mine.filter(key_id=kit.revoked.key_id).update(status=Subscriber.Status.REVOKED)
    try:
        yield
    finally:
        mine.filter(key_id__in=[one.key_id for one in who]).delete()


def enter(one: Identity, *, role: str, profile: str, now: datetime) -> None:
    """One key, for a day at most, in the profile it speaks."""
    party = Party(one.subscriber_id, one.url)
    registry.register(party, role=role, key_id=one.key_id, public_key=one.public_key, now=now)
    row = Subscriber.objects.filter(subscriber_id=one.subscriber_id, key_id=one.key_id)
    row.update(profile=profile, valid_until=now + timedelta(days=1))


def official(source: str) -> Official:
    """The standard's file, from disk or by https."""
    try:
        if source.startswith(("http://", "https://")):
            answer = egress.exchange("GET", source, b"", headers={}, largest=LARGEST_SPEC)
            if answer.status != 200:
                raise CommandError(f"{source} answered HTTP {answer.status}")
            return Official(answer.body.decode("utf-8"))
        return Official(Path(source).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, UnusableError) as problem:
        raise CommandError(f"the specification cannot be used: {problem}") from problem
