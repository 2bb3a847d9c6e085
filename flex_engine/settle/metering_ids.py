"""Numbers of metering systems: the MPAN core, MSID and AMSID with their check digit, and the GSP groups.

It knows digits and letters; who owns which number, and since when, is for others.
Source: the check digit is the remainder by 11, then by 10, of the digits weighted with primes (market practice for MPANs).
"""

from __future__ import annotations

from typing import Final

WEIGHTS: Final = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
GSP_GROUPS: Final = tuple(f"_{letter}" for letter in "ABCDEFGHJKLMNP")


def check_digit(twelve: str) -> int:
    """The 13th digit after the first twelve. Raises ValueError unless they are twelve digits.

    >>> check_digit("101234567890")
    3
    """
    if len(twelve) != len(WEIGHTS) or not (twelve.isascii() and twelve.isdigit()):
        raise ValueError(f"{twelve!r} is not twelve digits")
    return sum(int(digit) * weight for digit, weight in zip(twelve, WEIGHTS, strict=True)) % 11 % 10


def msid_fault(text: str) -> str:
    """What is wrong with `text` as a 13-digit MPAN core, MSID or AMSID, in words after its name; empty when it is right.

    >>> msid_fault("1012345678901")
    'ends with the check digit 1 where 3 follows from the twelve digits before it'
    """
    if not (text.isascii() and text.isdigit()):
        return "is not made of digits alone"
    if len(text) != len(WEIGHTS) + 1:
        return f"has {len(text)} digits where there must be 13"
    right = check_digit(text[:-1])
    if int(text[-1]) != right:
        return f"ends with the check digit {text[-1]} where {right} follows from the twelve digits before it"
    return ""
