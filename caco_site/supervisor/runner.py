"""Starts parts, starts them again when they die, and stops them. It knows nothing of what they are.

Every child is a session of its own, so that its whole family can be ended, and is told by the system when the supervisor
dies. Children share the lock of the folder: a new supervisor waits until the last of them is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

from caco_site.supervisor.part import CannotStartError, Part

ROOT = Path(__file__).resolve().parents[2]  # where our packages are found, wherever we were started
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOG_BYTES = 10 * 1024 * 1024
MOST_WAIT_S = 30.0
STEADY_S = 60.0  # a part that ran this long has shaken off its earlier faults
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(slots=True)
class Child:
    """A part and the process that is it now."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    faults: int = 0
    due: float = 0.0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None


class Runner:
    """The family of children. `say` prints a line for people; `stopping` is asked between steps."""

    def __init__(
        self, *, logs: Path, env: Mapping[str, str], lock: int, say: Callable[[str], None], stopping: Callable[[], bool]
    ) -> None:
        self.logs, self.env, self.lock, self.say, self.stopping = logs, dict(env), lock, say, stopping
        self.children: list[Child] = []

    def start(self, part: Part) -> None:
        """Start `part` and keep it running from now on."""
        child = Child(part)
        self.children.append(child)
        self.launch(child)

    def launch(self, child: Child) -> None:
        """One process for the child."""
        child.started = time.monotonic()
        child.process = self.spawn(child.part.name, child.part.argv, child.part)

    def spawn(self, name: str, argv: Sequence[str], part: Part | None = None) -> subprocess.Popen[bytes]:
        """A process in its own session, logging to its own file, bound to our life."""
        me, dies_by = os.getpid(), part.orphaned if part else signal.SIGTERM
        if LIBC is None:
            argv = (sys.executable, "-m", "caco_site.supervisor.leash", str(me), str(dies_by), *argv)

        def bind() -> None:
            if LIBC is not None:
                LIBC.prctl(PR_SET_PDEATHSIG, dies_by)
                if os.getppid() != me:  # the supervisor died in between
                    os._exit(1)

        with open_log(self.logs / f"{name}.log") as log:
            return subprocess.Popen(
                argv,
                cwd=ROOT,
                env={**self.env, **(part.env if part else {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[self.lock],
                preexec_fn=bind,
                user=part.user if part else None,
                group=None if part is None or part.user is None else primary_group(part.user),
                extra_groups=None if part is None or part.user is None else [],
            )

    def tick(self) -> None:
        """Start dead children again, each after a pause that grows with its faults."""
        now = time.monotonic()
        for child in self.children:
            if child.running:
                continue
            if child.process is not None:
                self.bury(child, now)
            elif now >= child.due:
                self.launch(child)

    def bury(self, child: Child, now: float) -> None:
        """Note a death, end what the child left behind, and set when it is born again."""
        assert child.process is not None
        code = child.process.returncode
        end_family(child.process.pid)
        child.faults = 1 if now - child.started > STEADY_S else child.faults + 1
        wait = min(MOST_WAIT_S, 0.1 * 4 ** (child.faults - 1))
        child.process, child.due = None, now + wait
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"stopped with code {code}"
        self.say(f"{child.part.name:<9} {ended}; starting it again in {wait:.1f} s (log: {child.part.name}.log)")

    def wait_ready(self, names: Sequence[str], *, timeout_s: float) -> None:
        """Wait until these parts are ready. Raises CannotStartError naming the one that is not."""
        end = time.monotonic() + timeout_s
        for child in (one for one in self.children if one.part.name in names):
            while not self.stopping() and not (child.running and child.part.ready()):
                if time.monotonic() > end:
                    raise CannotStartError(
                        f"{child.part.name} was not ready after {timeout_s:.0f} s; {self.last_words(child.part.name)}"
                    )
                self.pause()

    def once(self, name: str, argv: Sequence[str]) -> None:
        """Run a command to its end. Raises CannotStartError with its last words when it fails."""
        process = self.spawn(name, argv)
        while process.poll() is None and not self.stopping():
            self.pause(0.02)
        if process.poll() is None:
            end_family(process.pid)
            process.wait()
        elif process.returncode:
            raise CannotStartError(f"{name} failed with code {process.returncode}; {self.last_words(name)}")

    def pause(self, seconds: float = 0.05) -> None:
        """Look after the children, then rest."""
        self.tick()
        time.sleep(seconds)

    def last_words(self, name: str) -> str:
        """Where to read on, and the last line that says something."""
        file = self.logs / f"{name}.log"
        lines = [line.strip() for line in file.read_text(errors="replace").splitlines() if line.strip()]
        return f"{file} ends: {lines[-1][:300]}" if lines else f"{file} is empty"

    def stop(self, names: Sequence[str]) -> None:
        """Ask these parts to stop, all at once; whoever takes longer than its patience is ended."""
        going = [child for child in self.children if child.part.name in names]
        self.children = [child for child in self.children if child not in going]
        begun = time.monotonic()
        for child in going:
            if child.running and child.process is not None:
                child.process.send_signal(child.part.stop_signal)
        for child in going:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.01, begun + child.part.patience_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.part.name:<9} did not stop in {child.part.patience_s:.0f} s and was ended")
            end_family(child.process.pid)
            child.process.wait()


def primary_group(user: str) -> int:
    """The account's own group."""
    import pwd  # there are no accounts to change to elsewhere

    return pwd.getpwnam(user).pw_gid


def end_family(session: int) -> None:
    """End every process that is left of a child's session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers the latter for a family of zombies
        os.killpg(session, signal.SIGKILL)


def open_log(path: Path) -> BufferedWriter:
    """The log to append to; one that has grown large is put aside first, and the one put aside before is dropped."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
