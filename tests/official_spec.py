"""Whatever the tests send in 2.0.0 is held against the standard's own file too, where CACO_BECKN_SPEC names it.

The file is not ours to carry. `tests/conftest.py` puts this around beckn.wire.dialect.say for the whole run; messages that
other processes of an installation send are judged by `manage.py beckn_conformance --spec` instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from beckn.conformance.official import Official
from beckn.wire.profile import Profile

Say = Callable[..., bytes]


def checked(say: Say, spec: Official) -> Say:
    """`say`, which now fails the test that sends what the file does not allow. 1.1 is another standard and passes through."""

    def said(told: Any, *, profile: Profile, **options: Any) -> bytes:
        raw = say(told, profile=profile, **options)
        if not profile.is_v1:
            body = json.loads(raw)
            problem = spec.problem(body["context"]["action"], body)
            assert not problem, f"{body['context']['action']} is not what the standard's file says: {problem}"
        return raw

    return said
