"""House rules that no linter knows. Each says why, and how to leave it when it is wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[3] / "src/stationmaster"
FILES = sorted(SRC.rglob("*.py"))
MODE_WORDS = re.compile(r"\b(sqlite|postgres|postgresql|rabbit|rabbitmq|embedded)\b", re.IGNORECASE)
CHOOSERS = ("compose", "infra", "cli")
"""cli: it names the settings and the servers to the person at the terminal."""
TABLE_OPTIONS = re.compile(r"\b(postgresql|sqlite)_(with|where|partition_by)\b")


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_only_compose_and_infra_know_the_engines(file: Path) -> None:
    """Choosing once keeps the other rooms free of `if sqlite`. Escape: name the difference in infra/."""
    if file.relative_to(SRC).parts[0] in CHOOSERS:
        return
    text = TABLE_OPTIONS.sub("", file.read_text(encoding="utf-8"))
    code = re.sub(r'""".*?"""|#[^\n]*', "", text, flags=re.DOTALL)
    found = MODE_WORDS.findall(code)
    assert not found, f"{file}: {found}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_tasks_are_started_through_the_runtime(file: Path) -> None:
    """A task nobody holds is lost, and a simulation must own them all. Escape: runtime.spawn."""
    if file.relative_to(SRC).parts[0] in {"compose", "infra", "simulator"}:
        return
    assert "create_task(" not in file.read_text(encoding="utf-8"), file


def test_every_package_says_what_it_is_for() -> None:
    for file in SRC.rglob("__init__.py"):
        assert file.read_text(encoding="utf-8").startswith('"""'), file


def test_rules_load_without_io() -> None:
    """The pure part must stay testable in microseconds."""
    modules = [
        ".".join(("stationmaster", *f.relative_to(SRC).with_suffix("").parts))
        for f in FILES
        if {"rules", "kernel", "ocpp"} & set(f.relative_to(SRC).parts) and f.name != "__init__.py"
    ]
    assert len(modules) > 20
    code = (
        f"import sys\nfor name in {modules!r}: __import__(name)\n"
        "bad = [m for m in ('sqlalchemy', 'asyncio', 'picows', 'fastapi', 'aio_pika') if m in sys.modules]\n"
        "sys.exit(', '.join(bad) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SRC.parent)},
    )
    assert done.returncode == 0, done.stderr


def test_no_file_is_two_files_that_have_not_met_yet() -> None:
    """500 lines is where it surely is. Escape: split by question."""
    long = {str(f.relative_to(SRC)): n for f in FILES if (n := len(f.read_text().splitlines())) > 500}
    assert not long
