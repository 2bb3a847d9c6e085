"""Raw answers as they came, one gzipped file each, so that everything ingested can be read again and compared.

FOLDER/2024-03-31/system-price-120503.250000-0002-1f2e3d4c5b6a.json.gz holds {feed, url, about, fetched_at, sha256, body}. No key is in
it: keys are added to a request after its URL is noted. Files are written whole or not at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import orjson

from flex_engine.timegrid import utc

LARGEST = 64 * 1024 * 1024


class UnreadableArchiveError(ValueError):
    """A file of the archive is not what was written there; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a publisher: the bytes of its body, when they came and what had been asked."""

    feed: str
    url: str
    about: Mapping[str, str]
    fetched_at: datetime
    body: bytes

    @property
    def sha256(self) -> str:
        """Of the body."""
        return hashlib.sha256(self.body).hexdigest()


def keep(folder: Path, answer: Answer, *, number: int = 0) -> Path:
    """Write `answer` under `folder`; `number` keeps the order of answers that came in one round."""
    at = utc(answer.fetched_at)
    path = folder / f"{at:%Y-%m-%d}" / f"{answer.feed}-{at:%H%M%S.%f}-{number:04d}-{answer.sha256[:12]}.json.gz"
    told = {
        "feed": answer.feed,
        "url": answer.url,
        "about": dict(answer.about),
        "fetched_at": at.isoformat(),
        "sha256": answer.sha256,
        "body": base64.b64encode(answer.body).decode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(gzip.compress(orjson.dumps(told), mtime=0))
    unfinished.replace(path)
    return path


def answers(folder: Path) -> Iterator[Path]:
    """Every file of the archive, oldest first."""
    yield from sorted(
        folder.glob("*/*.json.gz"), key=lambda path: (path.parent.name, path.name.split("-")[-3:-1], path.name)
    )


def opened(path: Path) -> Answer:
    """The answer in one file. Raises UnreadableArchiveError, also when its body is not the one that was hashed."""
    try:
        with gzip.open(path) as file:
            told = orjson.loads(file.read(LARGEST))
        body = base64.b64decode(told["body"], validate=True)
        answer = Answer(
            feed=str(told["feed"]),
            url=str(told["url"]),
            about={str(name): str(value) for name, value in told["about"].items()},
            fetched_at=utc(datetime.fromisoformat(told["fetched_at"])),
            body=body,
        )
        noted = told["sha256"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UnreadableArchiveError(f"{path.name} is not an archived answer: {problem}") from problem
    if answer.sha256 != noted:
        raise UnreadableArchiveError(
            f"{path.name} was changed: its body hashes to {answer.sha256[:12]}, not {noted[:12]}"
        )
    return answer


def prune(folder: Path, *, today: date, keep_days: int) -> list[str]:
    """Remove the folders of days more than `keep_days` ago; their names."""
    oldest = today - timedelta(days=keep_days)
    gone = []
    for day in sorted(folder.glob("????-??-??")):
        try:
            made = date.fromisoformat(day.name)
        except ValueError:
            continue
        if made < oldest:
            shutil.rmtree(day)
            gone.append(day.name)
    return gone
