"""Runs one piece of Python after another in processes that have Django set up already: importing it is what costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The parent never touches the database; each piece runs in a child of its own, as fresh as a new process.
PARENT = """
import json, os, sys, tempfile, traceback
import django; django.setup()
import beckn.tasks, django.core.management, marketplace.bap, marketplace.bpp
for line in sys.stdin:
    with tempfile.TemporaryFile("w+") as said:
        if (child := os.fork()) == 0:
            os.dup2(said.fileno(), 1); os.dup2(said.fileno(), 2)
            code = 1
            try:
                exec(compile(json.loads(line), "<piece>", "exec"), {"__name__": "__main__"})
                code = 0
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush(); sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        print(json.dumps([code, said.read()]), flush=True)
"""


class Console:
    """A waiting process with this environment. It ends when its standard input does, so also when we die."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.turn = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str) -> str:
        """What the piece printed. Fails with it where the piece failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.turn:
            self.process.stdin.write(json.dumps(code) + os.linesep)
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        assert answer, "the console died"
        status, said = json.loads(answer)
        assert status == 0, said
        return str(said)

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
