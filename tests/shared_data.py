"""Where the reference data for tests and benchmarks lies, when the machine has it.

The project works without it: a test that needs a file that is not there is a named skip.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("CACO_SHARED") or Path(__file__).resolve().parents[2] / "shared")


def shared(name: str) -> Path:
    """The path of reference file `name`; skips the test by name when the file is not on this machine."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"reference data missing: {name} (set CACO_SHARED to the folder that holds it)")
    return path
