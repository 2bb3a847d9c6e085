"""The development chain's only file: SQLite with the state trie, blocks, transactions and an index of logs.

A block is one transaction here, committed with a full fsync, so what was acknowledged survives kill -9 and a power cut.
It knows neither the EVM nor JSON-RPC: blocks, receipts and logs come and go as JSON-ready dictionaries.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists setting(name text primary key, value text not null) without rowid;
create table if not exists trie(key blob primary key, value blob not null) without rowid;
create table if not exists block(number integer primary key, hash text not null unique, body text not null);
create table if not exists tx(hash text primary key, block integer not null, body text not null, receipt text not null) without rowid;
create table if not exists log(block integer not null, position integer not null, address text not null,
  topic0 text, topic1 text, topic2 text, topic3 text, body text not null, primary key(block, position)) without rowid;
create index if not exists log_by_topic on log(topic0, topic1);
"""
MOST_LOGS = 10_000


class InUseError(RuntimeError):
    """Another process has this chain open."""


class TooManyLogsError(ValueError):
    """A filter matches more logs than one answer may carry."""


class Store:
    """One chain. `path` None: in memory, for tests. Not safe for concurrent use: callers take turns."""

    def __init__(self, path: Path | None) -> None:
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1)
        try:
            # The exclusive lock ends with the process, whatever ended it: two chains can never write one file.
            self.db.executescript(
                "pragma locking_mode=exclusive; pragma journal_mode=wal; pragma synchronous=full;" + SCHEMA
            )
        except sqlite3.OperationalError as problem:
            self.db.close()
            raise InUseError(f"the chain file {path} is open in another process ({problem})") from problem

    def close(self) -> None:
        """Release the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; joins the transaction already open, if there is one."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def setting(self, name: str) -> str | None:
        """A remembered fact about the chain."""
        row = self.db.execute("select value from setting where name=?", (name,)).fetchone()
        return row[0] if row else None

    def remember(self, name: str, value: str) -> None:
        """Keep a fact for the next start."""
        self.db.execute("insert or replace into setting values(?,?)", (name, value))

    def add_block(self, block: dict[str, Any], tx: dict[str, Any] | None, receipt: dict[str, Any] | None) -> None:
        """Store a block with the one transaction it holds (genesis holds none). Call it inside `transaction`."""
        number = int(block["number"], 16)
        self.db.execute("insert into block values(?,?,?)", (number, block["hash"], json.dumps(block)))
        if tx is None or receipt is None:
            return
        self.db.execute("insert into tx values(?,?,?,?)", (tx["hash"], number, json.dumps(tx), json.dumps(receipt)))
        for log in receipt["logs"]:
            topics = (log["topics"] + [None] * 4)[:4]
            self.db.execute(
                "insert into log values(?,?,?,?,?,?,?,?)",
                (number, int(log["logIndex"], 16), log["address"], *topics, json.dumps(log)),
            )

    def height(self) -> int | None:
        """Number of the newest block; None before genesis."""
        number: int | None = self.db.execute("select max(number) from block").fetchone()[0]
        return number

    def block(self, at: int | str) -> dict[str, Any] | None:
        """A block by number or by hash."""
        column = "number" if isinstance(at, int) else "hash"
        row = self.db.execute(f"select body from block where {column}=?", (at,)).fetchone()  # noqa: S608 - two fixed words
        return json.loads(row[0]) if row else None

    def transaction_body(self, tx_hash: str) -> dict[str, Any] | None:
        """A mined transaction."""
        row = self.db.execute("select body from tx where hash=?", (tx_hash,)).fetchone()
        return json.loads(row[0]) if row else None

    def receipt(self, tx_hash: str) -> dict[str, Any] | None:
        """A mined transaction's receipt."""
        row = self.db.execute("select receipt from tx where hash=?", (tx_hash,)).fetchone()
        return json.loads(row[0]) if row else None

    def logs(
        self, *, first: int, last: int, addresses: Sequence[str], topics: Sequence[Sequence[str] | None]
    ) -> list[dict[str, Any]]:
        """Logs of blocks first..last in order; each topic position may name alternatives. Raises TooManyLogsError."""
        where, values = ["block between ? and ?"], [first, last]
        columns = [("address", addresses or None), *((f"topic{i}", names) for i, names in enumerate(topics))]
        for column, names in columns:
            if names is not None:
                where.append(f"{column} in ({','.join('?' * len(names))})")
                values.extend(names)  # type: ignore[arg-type]
        rows = self.db.execute(
            f"select body from log where {' and '.join(where)} order by block, position limit {MOST_LOGS + 1}",  # noqa: S608 - columns are fixed words
            values,
        ).fetchall()
        if len(rows) > MOST_LOGS:
            raise TooManyLogsError(f"more than {MOST_LOGS} logs match; ask for fewer blocks")
        return [json.loads(row[0]) for row in rows]
