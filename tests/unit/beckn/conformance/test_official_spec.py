"""What the whole run may be held against fails the test that sends something else, and leaves 1.1 alone."""

from __future__ import annotations

import json

import pytest

from beckn.conformance.official import Official
from beckn.wire.profile import named
from tests.official_spec import checked
from tests.unit.beckn.conformance.test_official import SPEC


def said(told, profile):
    say = checked(lambda body, *, profile, **_: json.dumps(body).encode(), Official(SPEC))
    return say(told, profile=named(profile))


def test_a_message_outside_the_file_fails_and_one_inside_it_is_said_as_it_was():
    good = {"context": {"action": "on_discover"}, "message": {"catalogs": []}}
    assert json.loads(said(good, "lts")) == good
    with pytest.raises(AssertionError, match="on_discover is not what the standard's file says: at /message/catalogs"):
        said(good | {"message": {"catalogs": {}}}, "onix")
    assert said({"context": {"action": "on_search"}}, "v1")
