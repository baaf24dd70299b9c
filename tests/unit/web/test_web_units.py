"""The pages' own unit tests, types and style, run with everything else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_pages_own_tests_pass() -> None:
    """vitest, by the Node that comes as a Python package."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/build_ui.py"), "--npm", "run", "--silent", "test"],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
