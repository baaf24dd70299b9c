"""On what was this measured?"""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil


def facts() -> dict[str, Any]:
    """What somebody else needs to compare figures; no names of hosts or people."""
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "memoryGiB": round(psutil.virtual_memory().total / 2**30, 1),
        "system": _system(),
        "python": platform.python_version(),
        "loadBefore": [round(load, 2) for load in os.getloadavg()],
        "commit": _commit(),
    }


def _processor() -> str:
    lines = _text("/proc/cpuinfo").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _system() -> str:
    lines = _text("/etc/os-release").splitlines()
    name = next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME")), "")
    return name or platform.system()


def _commit() -> str:
    """Of the tree that was measured; "+" when it was changed since."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--", "src") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
