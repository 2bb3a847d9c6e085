"""Bodies that schemathesis generates from our own OpenAPI description: some fit it, some do not.

This room knows nothing of signatures and identities; whoever fires a body signs it as it came out here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from benchmarks.beckn_fuzz_cases import Headers

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NOT_TAKEN = frozenset(
    {"authorization", "content-length", "host", "connection", "transfer-encoding", "expect", "accept-encoding"}
)


@dataclass(frozen=True, slots=True)
class Generated:
    """A request as schemathesis would send it: path below /beckn, whether it fits the description, body and headers."""

    path: str
    fits: bool
    raw: bytes
    headers: Headers


def generate(document: Mapping[str, Any], *, each: int, start: int, only: Collection[str] = ()) -> Iterator[Generated]:
    """`each` bodies that fit and `each` that do not, for every POST of `document` (or those at the paths in `only`)."""
    description = schemathesis.openapi.from_dict(dict(document))
    for result in description.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr] # a description of ours that is no description must fail here
        if operation.method != "post" or (only and operation.path not in only):
            continue
        for mode in MODES:
            yield from examples(operation, mode, each, start)


def examples(operation: Any, mode: GenerationMode, each: int, start: int) -> list[Generated]:
    """Requests of one operation in one mode."""
    made: list[Generated] = []

    @seed(start)
    @settings(
        max_examples=each,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        asked = case.as_transport_kwargs(base_url="http://caco.invalid/beckn")
        told = {name: asked[name] for name in ("json", "data", "headers") if name in asked}
        prepared = requests.Request("POST", asked["url"], **told).prepare()
        raw = prepared.body or b""
        headers = tuple(
            (str(name), str(value)) for name, value in prepared.headers.items() if name.lower() not in NOT_TAKEN
        )
        fits = mode is GenerationMode.POSITIVE
        made.append(Generated(operation.path[1:], fits, raw if isinstance(raw, bytes) else raw.encode(), headers))

    collect()
    return made
