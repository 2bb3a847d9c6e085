"""Both dialects select what their standards say; everything else is refused in bounded time with one kind of error."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from beckn.wire.jsonpath import Budget, JSONPathError, find, parse, select

SITES: list[dict[str, Any]] = [
    {"id": "a", "kw": 800, "way": "REDUCE", "loads": [{"type": "BATCH"}, {"type": "CI"}], "price": Decimal("0.25")},
    {"id": "b", "kw": 200, "way": "REDUCE", "loads": [{"type": "CI"}], "firm": True},
    {"id": "c", "kw": 900, "way": "INCREASE", "loads": [], "note": None, "@type": "Site"},
]
DOCUMENT = {"catalogs": [{"provider": {"id": "p"}, "resources": SITES}]}


def chosen(expression: str) -> str:
    """The ids of the resources selected, as one word."""
    found = select(parse(expression), DOCUMENT, Budget(10_000))
    assert all(at[:3] == ("catalogs", 0, "resources") for at in found)
    return "".join(SITES[int(at[3])]["id"] for at in found)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("@.way == 'REDUCE'", "ab"),
        ("@.way == 'REDUCE' && @.kw >= 500", "a"),
        ("@.kw < 500 || @.kw > 850", "bc"),
        ("!(@.way == 'REDUCE') || @.kw == 200", "bc"),
        ("@.way != 'REDUCE'", "c"),
        ("@.kw == 800.0", "a"),
        ("@.kw == 8e2", "a"),
        ("@.price <= 0.25", "a"),
        ("@.price < 0.25", ""),
        ("@.firm == true", "b"),
        ("@.firm == 1", ""),
        ("@.kw == '800'", ""),
        ("@.kw >= 'a'", ""),
        ("@.loads[*].type == 'BATCH'", "a"),
        ("@.loads[0].type == 'CI'", "b"),
        ("@.loads[-1].type == 'CI'", "ab"),
        ("@.loads[5].type == 'CI'", ""),
        ("@.id in ['a', 'c', 3]", "ac"),
        ("@.note == null", "c"),
        ("@['way'] == \"REDUCE\"", "ab"),
        ("@..type == 'BATCH'", "a"),
        ("'REDUCE' == @.way", "ab"),
        ("@.loads == @.loads", ""),
        ("@.id < @.way", ""),
        ("@.way < @.id", "abc"),
    ],
)
def test_both_dialects_agree_where_their_standards_do(condition: str, expected: str) -> None:
    assert chosen(f"$.catalogs[*].resources[?({condition})]") == expected
    assert chosen(f"$.catalogs[*].resources[?{condition}]") == expected
    assert chosen(f"$.catalogs[*].resources[*] ? ({condition})") == expected
    assert chosen(f"$['catalogs'][*][\"resources\"].*?({condition})") == expected


@pytest.mark.parametrize(
    ("condition", "rfc", "sql"),
    [
        ("@.firm != true", "ac", ""),  # RFC 9535: nothing differs from true; SQL/JSON: nothing has no pair to compare
        ("@.loads.type == 'CI'", "", "ab"),  # SQL/JSON looks into lists by itself
        ("@.missing == @.absent", "abc", ""),
        ("@.loads.type != 'CI'", "abc", "a"),
    ],
)
def test_the_dialects_differ_where_their_standards_do(condition: str, rfc: str, sql: str) -> None:
    assert chosen(f"$.catalogs[*].resources[?({condition})]") == rfc
    assert chosen(f"$.catalogs[*].resources[*] ? ({condition})") == sql


def test_existence_in_both_spellings_and_filters_inside_filters() -> None:
    assert chosen("$.catalogs[*].resources[?@.firm]") == "b"
    assert chosen("$.catalogs[*].resources[?!@.firm]") == "ac"
    assert chosen("$.catalogs[*].resources[*] ? (exists(@.firm))") == "b"
    assert chosen("$.catalogs[*].resources[?@.loads[?@.type == 'BATCH']]") == "a"
    assert chosen('$.catalogs[*].resources[*] ? (exists(@.loads[*] ? (@.type == "CI")))') == "ab"
    assert chosen("$..resources[?@['@type'] == 'Site']") == "c"
    assert chosen('$.catalogs[*].resources[*] ? (@."@type" == "Site")') == "c"
    assert chosen("$.catalogs[?@.provider.id == 'p'].resources[?@.kw == 200]") == "b"
    assert chosen("$.catalogs[?@.provider.id == 'q'].resources[?@.kw == 200]") == ""


def test_a_text_may_hold_quotes_signs_and_escapes() -> None:
    holder = {"a": "it's [?(@)] \n \u00e9"}
    for text in (r"'it\'s [?(@)] \n \u00e9'", r'"it' + "'" + r's [?(@)] \n \u00e9"'):
        assert find(parse(f"$[?@ == {text}]"), holder, Budget(100)) == [holder["a"]]


@pytest.mark.parametrize(
    "expression",
    [
        "", "$.", "resources[?(@.a == 1)]", "@.a", "$[", "$[?", "$[?()]", "$[?(1)]", "$[?('a')]", "$[?(@.a == )]", "$[?(@.a = 1)]",
        "$[?(@.a == 1]", "$[?(@.a == 'x)]", "$[?(__import__('os').system('x'))]", "$[?(@.a =~ /x/)]", "$[?length(@.a) > 1]",
        "$[?(@.a == $.b)]", "$[?(@.a in 'x')]", "$[?(@.a in [])]", "$[1.5]", "$[0:2]", "$['a','b']", "$.a.b c", "$ ? @.a == 1", "$[99999999]",
        "$[?(" + "!" * 13 + "@.a)]", "$[?" + "(" * 13 + "@.a" + ")" * 13 + "]", "$" + ".a" * 300, "$.a" + " " * 2000, "$[?(@.a == 1e9999)]", "$\x00",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_the_words_say_why(expression: str) -> None:
    with pytest.raises(JSONPathError) as refused:
        parse(expression)
    assert len(str(refused.value)) > 10


def test_a_search_ends_when_its_budget_is_spent() -> None:
    wide = {"a": [{"b": list(range(100))} for _ in range(100)]}
    for expression in ("$..*", "$.a[*].b[*]", "$.a[?@..* == @..*]", "$[?@..*[?@..*]]"):
        path = parse(expression)
        budget = Budget(5000)
        with pytest.raises(JSONPathError, match="narrower"):
            select(path, wide, budget)
        assert budget.left < 0


WORDS = st.sampled_from(
    ["$", "@", ".", "..", "[", "]", "(", ")", "?", "*", "&&", "||", "!", "==", "!=", "<", ">=", "'a'", '"b"', "1", "-2.5", "a", "b", "in",
     "exists", "true", "null", ",", " ", "\\", "'", "$.a", "[?(", "@.a", "? (", ")]"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=40).map("".join) | st.text(max_size=80))
@hypothesis_settings(max_examples=1500)
def test_whatever_is_written_ends_soon_in_nodes_or_in_its_own_error(expression: str) -> None:
    begun = time.thread_time()  # of our own, whatever else the machine does
    for text in (expression, f"$[?({expression})]", f"$ ? ({expression})"):
        try:
            nodes = select(parse(text), {"a": [{"a": 1, "b": "x"}, [1, 2]], "b": None}, Budget(2000))
            assert isinstance(nodes, list)
        except JSONPathError:
            pass
    assert time.thread_time() - begun < 1


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])


@given(SCALARS, SCALARS)
def test_equality_is_that_of_json(left, right) -> None:
    spelt = (
        {None: "null", True: "true", False: "false"}.get(right)
        if not isinstance(right, int | str) or isinstance(right, bool)
        else None
    )
    literal = spelt or (f"'{right}'" if isinstance(right, str) else str(right))
    same = type(left) is type(right) and left == right
    assert bool(find(parse(f"$[?@ == {literal}]"), [left], Budget(10))) is same
    assert bool(find(parse(f"$[?@ != {literal}]"), [left], Budget(10))) is not same
