"""What the supervisor is told about one child process."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class CannotStartError(RuntimeError):
    """The installation cannot start; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised process.

    `how` is the line people read: what it is and how it was chosen. `orphaned` is the signal the system sends it when the
    supervisor dies; `patience_s` is how long it may take to stop. `user` is the account it runs as (None: ours).
    """

    name: str
    argv: tuple[str, ...]
    how: str
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    orphaned: int = signal.SIGTERM
    stop_signal: int = signal.SIGTERM
    patience_s: float = 5.0
    user: str | None = None


def port_open(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
