"""Where does a missing server come from? Debian's packages, without letting Debian start any service."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import is_root, say

POLICY = Path("/usr/sbin/policy-rc.d")


def install(*packages: str) -> None:
    """apt-get, with its progress on standard error."""
    if not is_root() or shutil.which("apt-get") is None:
        raise RuntimeError(f"please install {' '.join(packages)} (or name running servers by TEST_..._URL)")
    say(f"installing {' '.join(packages)} (once; takes a minute or two)")
    with _nothing_started():
        _apt("update", "-q")
        _apt("install", "-q", "-y", "--no-install-recommends", *packages)


def _apt(*arguments: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments], env=env, check=True, stdout=2
    )  # fmt: skip


@contextlib.contextmanager
def _nothing_started() -> Iterator[None]:
    """invoke-rc.d asks this script before it starts a freshly installed service; 101 means no."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
