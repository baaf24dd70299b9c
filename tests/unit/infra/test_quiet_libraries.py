"""Setting up logs must not make loud again what an adapter silenced, because it reports that itself."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from stationmaster.infra.telemetry import configure_logs


@pytest.fixture
def restored() -> Iterator[None]:
    root, names = logging.getLogger(), ("aiormq", "picows")
    before = root.handlers[:], root.level, [logging.getLogger(name).level for name in names]
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    for name, level in zip(names, before[2], strict=True):
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("restored")
def test_who_was_quieter_stays_quieter() -> None:
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("picows").setLevel(logging.NOTSET)
    configure_logs(level="INFO", style="json")
    assert logging.getLogger("aiormq").level == logging.CRITICAL
    assert logging.getLogger("picows").level == logging.WARNING
