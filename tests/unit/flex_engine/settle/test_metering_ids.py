"""A metering system's number is right or the sentence says what is wrong with it."""

from __future__ import annotations

import pytest

from flex_engine.settle.metering_ids import GSP_GROUPS, check_digit, msid_fault

# MPAN cores printed in a supplier's public documentation.
PUBLISHED = ("2000024512368", "2000050773706")


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_numbers_carry_the_check_digit_of_their_first_twelve(number):
    assert check_digit(number[:12]) == int(number[12])
    assert msid_fault(number) == ""


@pytest.mark.parametrize("number", PUBLISHED)
def test_every_single_wrong_digit_but_those_lost_to_ten_is_found(number):
    """By 11 every wrong digit shows; the last step, by 10, makes the remainders 0 and 10 the same."""
    found = [
        msid_fault(f"{number[:place]}{digit}{number[place + 1 :]}") != ""
        for place in range(12)
        for digit in "0123456789"
        if digit != number[place]
    ]
    assert len(found) == 108
    assert sum(found) >= 95


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("190000000000", "12 digits"),
        ("19000000000012", "14 digits"),
        ("1900000000001", "check digit 1 where 4"),
        ("19000000000O4", "not made of digits"),
        ("١٩٠٠٠٠٠٠٠٠٠٠٤", "not made of digits"),
        ("", "not made of digits"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    assert words in msid_fault(text)


def test_there_are_fourteen_gsp_groups_without_i_and_o():
    assert len(GSP_GROUPS) == 14
    assert not {"_I", "_O"} & set(GSP_GROUPS)
