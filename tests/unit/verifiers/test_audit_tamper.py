"""A short slice of the tamper campaign: every class once, and honest packs, through both verifiers. The whole is benchmarks/audit_tamper.py."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.audit_tamper import CLASSES, campaign, clean, played

NODE = shutil.which("node")


@pytest.fixture(scope="module")
def games() -> list[tuple[str, int, bytes]]:
    """Each class played once."""
    return list(played(mutations=len(CLASSES), seed=3))


def test_every_class_of_tampering_is_named_by_its_code_and_honest_packs_hold(games):
    detected, wrong = campaign(games, node=None)
    assert (wrong, set(detected)) == ([], set(CLASSES))
    assert clean(6, seed=3, node=None) == []


@pytest.mark.skipif(NODE is None, reason="service missing: node (the JavaScript verifier is not run)")
def test_the_verifier_in_javascript_says_the_same(games):
    assert campaign(games, node=NODE)[1] == []
    assert clean(4, seed=4, node=NODE) == []
