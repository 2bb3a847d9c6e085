"""The commands that docs/howto/verify-offline.md tells to type do what it says they do."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.audit_packs import contents, packed, random_log
from tests.style.meter import ROOT

PAGE = ROOT / "docs" / "howto" / "verify-offline.md"
EXIT = re.compile(r"  # exit (\d+)$")


def commands() -> Iterator[tuple[str, int]]:
    """Every line of a bash block with the exit code it is said to end with."""
    for block in re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for line in block.splitlines():
            said = EXIT.search(line)
            yield EXIT.sub("", line), int(said[1]) if said else 0


@pytest.mark.parametrize("program", ["python3", pytest.param("node", marks=pytest.mark.skipif(shutil.which("node") is None, reason="service missing: node"))])  # fmt: skip
def test_the_pages_commands_end_as_it_says(program: str, tmp_path: Path):
    for folder in ("verifiers", "static"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "pack.zip").write_bytes(packed(*contents(random_log(1, entries=5))))
    played = 0
    for line, due in commands():
        if not line.startswith(program) and line.startswith(("python3 verifiers", "node")):
            continue
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == due, f"{line}\n{done.stdout}{done.stderr}"
        played += line.startswith(program)
    assert played >= 2
