"""manage.py feeds: how each feed is doing; --live asks every publisher now, --replay reads an archive of raw answers again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flex_engine.feeds import archive
from flex_engine.feeds.catalogue import FEEDS, UnknownFeedError, chosen
from flex_engine.feeds.collect import Round, read
from flex_engine.feeds.feed import Feed
from flex_engine.feeds.http import session
from marketplace import clock
from marketplace.queries.feeds import feed_rows
from marketplace.usecases.collect_feed import collect_feed, publishers
from marketplace.usecases.ingest_feed import ingest_feed


class Command(BaseCommand):
    help = (
        "Show how each feed of public grid data is doing. With --live, ask every publisher now and say of each what came; "
        "the exit status is 1 when one could not be read. With --replay, take an archive of raw answers in again, each as at "
        "the moment it was fetched. Example: manage.py feeds --live --only system-price"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--live", action="store_true", help="ask the publishers now, over the network")
        what.add_argument(
            "--replay", metavar="FOLDER", help="read raw answers from this folder (CACO_FEEDS_ARCHIVE keeps them)"
        )
        parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these feeds alone")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            feeds = chosen(options["only"] or settings.FEEDS)
        except UnknownFeedError as problem:
            raise CommandError(str(problem)) from problem
        if options["live"]:
            self.live(feeds)
        elif options["replay"]:
            self.replay(Path(options["replay"]), options["only"])
        else:
            for row in feed_rows(clock.now(), live=settings.FEEDS_LIVE, feeds=feeds):
                self.stdout.write(f"{row.name:20} {row.state:8} {row.in_words}")

    def live(self, feeds: tuple[Feed, ...]) -> None:
        """One round of each feed; a feed without its optional key is left out in words."""
        if clock.is_simulated():
            raise CommandError(
                "The market's clock is simulated, and feeds live on real time. Remove the clock file first."
            )
        failed, without = [], []
        with session() as opened:
            door = publishers(opened)
            for feed in feeds:
                if feed.key and not door.keys.get(feed.key.setting):
                    without.append(feed.name)
                    self.stdout.write(f"{feed.name}: left out, {feed.publisher} wants a key (set {feed.key.setting})")
                    continue
                taken = collect_feed(feed=feed, door=door, now=clock.now())
                aside = f", {taken.set_aside} rows set aside" if taken.set_aside else ""
                if taken.failure:
                    failed.append(feed.name)
                    self.stdout.write(f"{feed.name}: FAILED, {taken.failure}{aside}")
                else:
                    self.stdout.write(f"{feed.name}: {taken.values} new values, {taken.issues} new forecasts{aside}")
        self.stdout.write(
            f"{len(feeds) - len(failed) - len(without)} read, {len(failed)} failed, {len(without)} left out for want of a key"
        )
        if failed:
            raise CommandError(f"{len(failed)} of {len(feeds)} feeds could not be read: {', '.join(failed)}.")

    def replay(self, folder: Path, only: list[str]) -> None:
        """Every archived answer, oldest first, as at the moment it was fetched. What is known already is not written again."""
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder of raw answers.")
        counts = {"answers": 0, "values": 0, "forecasts": 0, "set aside": 0}
        unreadable = []
        for path in archive.answers(folder):
            try:
                answer = archive.opened(path)
            except archive.UnreadableArchiveError as problem:
                unreadable.append(path.name)
                self.stdout.write(str(problem))
                continue
            if answer.feed not in FEEDS or (only and answer.feed not in only):
                continue
            feed = FEEDS[answer.feed]
            taken = ingest_feed(feed=feed, found=Round((read(feed, answer),)), now=answer.fetched_at)
            for name, more in zip(counts, (1, taken.values, taken.issues, taken.set_aside), strict=True):
                counts[name] += more
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()))
        if unreadable:
            raise CommandError(f"{len(unreadable)} files of the archive could not be read.")
