"""Where the system does not tell a child that its parent died (it does on Linux), this process stands between and watches.

python -m caco_site.supervisor.leash PARENT SIGNAL COMMAND...
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

WATCH_S = 0.3


def main(arguments: list[str]) -> int:
    """Run COMMAND, hand signals on to it, and send it SIGNAL when PARENT is no longer our parent."""
    parent, dies_by, *command = arguments
    child = subprocess.Popen(command, close_fds=False)

    def hand_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    told = False
    while child.poll() is None:
        if not told and os.getppid() != int(parent):
            told = True
            child.send_signal(int(dies_by))
        time.sleep(WATCH_S)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
