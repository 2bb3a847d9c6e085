"""python -m marketplace.ledger.devchain --var DIR [--port N]: the development chain without Django, as `manage.py up` starts it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from marketplace.ledger.devchain.server import serve
from marketplace.ledger.devchain.store import InUseError


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.ledger.devchain", description=__doc__)
    parser.add_argument(
        "--var", type=Path, default=Path(os.environ.get("CACO_VAR", "var")), help="default: CACO_VAR or ./var"
    )
    parser.add_argument("--port", type=int, help="default: the port of last time, else any free one")
    wanted = parser.parse_args()
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s %(message)s", level=os.environ.get("CACO_LOG_LEVEL", "INFO")
    )
    try:
        serve(var=wanted.var.resolve(), port=wanted.port)
    except (InUseError, OSError) as problem:
        sys.exit(f"devchain: {problem}")


if __name__ == "__main__":
    main()
