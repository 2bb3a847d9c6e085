"""Where the time of a received message goes: python -m benchmarks.beckn_parts prints CPU microseconds of each step.

The steps run one after another in this process, in a fresh SQLite installation (synchronous=FULL), without a server around
them; what the HTTP server adds is the first line of python -m benchmarks.beckn. The best of five rounds counts: a busy
machine makes steps slower, never faster.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

STEPS = 200
ROUNDS = 5
BATCHES = (1, 16, 64)


def timed(step: Callable[[int], Any]) -> float:
    """CPU microseconds of one call; `step` is told the call's number."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for number in range(STEPS):
            step(number)
        best = min(best, (time.process_time() - begun) / STEPS)
    return 1e6 * best


def line(name: str, microseconds: float) -> None:
    """One step."""
    print(f"{name:<44}{microseconds:>8.0f}")


def main() -> None:
    """Set up, then measure from the header to the commit."""
    with tempfile.TemporaryDirectory(prefix="caco-parts-") as var:
        os.environ.update(DJANGO_SETTINGS_MODULE="caco_site.settings", CACO_VAR=var, CACO_SECRET_KEY="only-here" * 6)
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("beckn_keygen", stdout=io.StringIO())
        measure()


def measure() -> None:
    """Each step on its own, then the whole judgement, then storing in batches."""
    from django.conf import settings
    from django.utils import timezone

    from beckn import inbox, keys, registry
    from beckn.models import InboxMessage
    from beckn.wire import body, chain, dialect, receipts, schema, signing
    from beckn.wire.context import Party
    from beckn.wire.signing import Signer
    from benchmarks.beckn_house import BUYER, House
    from benchmarks.beckn_messages import requests

    now = timezone.now()
    house = House.__new__(House)  # only what messages are made from: no processes
    house.seed, house.port, house.callback_url = "07" * 32, 9, "http://127.0.0.1:9/bap"
    house.peer = lambda: settings.BECKN_PARTICIPANTS["bpp"] | {"network": settings.BECKN_NETWORK_ID}  # type: ignore[method-assign]
    public_key = Signer.of(BUYER, "load-1", bytes.fromhex(house.seed)).public_key
    registry.register(Party(BUYER, house.callback_url), role="bap", key_id="load-1", public_key=public_key, now=now)
    record, us = registry.lookup(BUYER, "load-1", now=now), keys.own("bpp")
    sent = [request.partition(b"\r\n\r\n") for request in requests(house, max(STEPS, 4 * max(BATCHES)))]
    messages = [(raw, head.decode().partition("Authorization: ")[2].partition("\r\n")[0]) for head, _, raw in sent]
    raw, header = messages[0]
    signature, told = signing.parse(header), body.parse(raw)

    def judged(number: int) -> inbox.Judged:
        raw, header = messages[number]
        found = signing.parse(header)
        return inbox.judge(
            raw, authorization=header, signature=found, signer=record, role="bpp", action="confirm", now=now
        )

    def heard(_: int) -> None:
        dialect.hear(
            raw,
            profile=record.profile,
            action="confirm",
            us=us.subscriber_id,
            signer=record.party,
            network_id=settings.BECKN_NETWORK_ID,
            now=now,
            role="bpp",
            signer_role="bap",
        )

    print(f"{'step':<44}{'cpu us':>8}      ({len(raw)} bytes, load average {os.getloadavg()[0]:.1f})")
    line("read the signature's header", timed(lambda _: signing.parse(header)))
    line("verify (BLAKE2b, Ed25519)", timed(lambda _: chain.verify(signature, raw, public_key, profile=record.profile)))
    line("read the JSON strictly", timed(lambda _: body.parse(raw)))
    line("check the shape", timed(lambda _: schema.validate(told)))
    line("JSON, context, shape together", timed(heard))
    named = told["context"]["messageId"]
    line("sign the receipt", timed(lambda _: receipts.ack(request=raw, message_id=named, signer=us, now=now)))
    line("the whole judgement", timed(judged))
    items = [judged(number) for number in range(4 * max(BATCHES))]
    for size in BATCHES:
        InboxMessage.objects.all().delete()
        begun = time.process_time()
        for start in range(0, len(items), size):
            inbox.store(items[start : start + size], now=now)
        line(f"store and commit, {size} together, each", 1e6 * (time.process_time() - begun) / len(items))


if __name__ == "__main__":
    main()
