import json
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beckn.wire import body
from beckn.wire.errors import WireError
from tests.unit.beckn.wire import refusal_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
NUMBERS = st.integers(-(10**30), 10**30) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=6
)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXT | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_what_was_dumped_is_parsed_back_exactly(value):
    assert body.parse(body.dump(value)) == value


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_reader_reads_the_same(value):
    assert json.loads(body.dump(value), parse_float=Decimal) == value


@given(st.binary(max_size=200))
def test_random_bytes_are_an_object_or_a_clear_error(raw):
    problem = refusal_of(body.parse, raw)
    assert problem is None or (problem.code, problem.http_status) == ("SCH_INVALID_JSON", 400)


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=5), st.data())
def test_a_member_that_stands_twice_is_refused_wherever_it_stands(value, data):
    name = data.draw(st.sampled_from(sorted(value)))
    twice = body.dump({name: value[name]})[1:-1]
    raw = b"{" + twice + b"," + body.dump(value)[1:]
    with pytest.raises(WireError, match="twice"):
        body.parse(b'{"deep":[' + raw + b"]}")


def test_numbers_keep_their_digits():
    told = body.parse(b'{"price":0.10,"kwh":2195,"tiny":1.5e-7}')
    assert str(told["price"]) == "0.10"
    assert type(told["kwh"]) is int
    assert body.dump({"price": Decimal("0.10"), "kw": Decimal("1E+3")}) == b'{"price":0.10,"kw":1E+3}'


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":1e-400}',
        b'{"a":0e999999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":0.' + b"1" * 50 + b"}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":01}',
        b'{"a":1,}',
        b"[1]",
        b'"a"',
        b"",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_two_readers_could_understand_differently_is_refused(raw):
    with pytest.raises(WireError) as found:
        body.parse(raw)
    assert found.value.code == "SCH_INVALID_JSON"


def test_depth_up_to_the_limit_is_read_and_beyond_is_refused():
    def nested(levels: int) -> bytes:
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert body.parse(nested(body.MAX_DEPTH))
    with pytest.raises(WireError, match="deeper"):
        body.parse(nested(body.MAX_DEPTH + 1))


def test_colons_and_quotes_inside_texts_do_not_confuse():
    assert body.parse(b'{"a:\\"":"x:\\\\","b":":"}') == {'a:"': "x:\\", "b": ":"}


@pytest.mark.parametrize(
    "value", [1.5, Decimal("NaN"), Decimal("Infinity"), Decimal("1e400"), {1}, b"x", {1: 2}], ids=repr
)
def test_inexact_values_are_never_sent(value):
    with pytest.raises(TypeError, match="/a"):
        body.dump({"a": [value]})


@given(st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b'"', b'""', b"\\", b'\\"', b"a", b"{" * 9, b"]" * 9])))
@example([b'"[', b'"', b'"[', b'"'])
def test_the_short_way_to_the_brackets_is_the_long_way(tokens):
    raw = b"".join(tokens)
    bare = body.STRING.sub(b"", raw).replace(b"[", b"{").replace(b"]", b"}")
    steps = [1 if byte == b"{"[0] else -1 for byte in bare if byte in b"{}"]
    deepest = max(accumulate(steps), default=0)
    assert body.is_deep(body.brackets(raw)) == (deepest > body.MAX_DEPTH)


@given(VALUES)
def test_written_again_a_body_has_the_colons_of_its_members_and_texts(value):
    whole = {"a:b": value}
    raw = body.dump(whole)
    assert not body.has_repeated(raw, body.DECODER.decode(raw))
    twice = raw[:-1] + b',"a:b":0}'
    assert body.has_repeated(twice, body.DECODER.decode(twice))


@pytest.mark.timeout(20)
def test_a_name_that_stands_twice_among_very_many_is_found_at_once():
    members = b",".join(b'"m%d":0' % number for number in range(70_000))
    with pytest.raises(WireError, match="m7"):
        body.parse(b"{" + members + b',"m7":0}')
