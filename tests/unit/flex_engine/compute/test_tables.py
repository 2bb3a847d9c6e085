"""Table files: found by content, unpacked within limits, cells as they stand."""

from __future__ import annotations

import gzip

import pytest

from flex_engine.compute import tables
from flex_engine.compute.tables import BadRow, UnreadableFileError, rows_of


def read(content: bytes) -> tuple[list[str], list[tuple[int, object]]]:
    header, rows = rows_of(content, "t.csv", max_rows=100)
    return header, list(rows)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_the_one_the_header_uses(separator: str):
    header, rows = read(f"a{separator}b\n1{separator}2\n\n3\n".encode())
    assert header == ["a", "b"]
    assert rows == [(2, {"a": "1", "b": "2"}), (4, {"a": "3"})], "empty lines are passed over and counted"


def test_quotes_hold_separators_and_line_ends():
    _, rows = read(b'a,b\n"1,5","x\ny"\n')
    assert rows == [(2, {"a": "1,5", "b": "x\ny"})]


def test_json_lines_keep_their_types_and_their_numbers():
    header, rows = read(b'{"a": 1, "ok": true}\n\n{"b": "x"}\n{"a": NaN}\n')
    assert header == ["a", "ok", "b"]
    assert rows[:2] == [(1, {"a": 1, "ok": "true"}), (3, {"b": "x"})]
    assert isinstance(rows[2][1], BadRow)
    assert rows[2][0] == 4


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MOST_BYTES", 1024 * 1024)
    with pytest.raises(UnreadableFileError, match="unpacks to more than 1 MB; split it"):
        read(gzip.compress(b"a,b\n" + b"0" * 2 * 1024 * 1024))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(UnreadableFileError, match="holds NUL bytes"):
        read(b"a,b\n1\x002,3\n")
    with pytest.raises(UnreadableFileError, match="byte 4 is not"):
        read(b"a,b\n\xe9,1\n")
