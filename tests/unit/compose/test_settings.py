"""Settings: the sources' names, and who wins."""

from pathlib import Path

import pytest

from stationmaster.compose import secrets
from stationmaster.compose.settings import load
from stationmaster.kernel.errors import Refused


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("DATABASE_", "DB_", "RABBITMQ_", "REDIS_", "OCPP_", "STATIONMASTER_", "ENABLE_")):
            monkeypatch.delenv(name)


def test_nothing_set_is_one_process_with_files(tmp_path: Path) -> None:
    settings = load(directory=tmp_path, data_dir=tmp_path)
    assert settings.is_embedded
    assert settings.database == f"sqlite:///{tmp_path}/stationmaster.db"
    assert (settings.bind, settings.listeners) == ("127.0.0.1", (("127.0.0.1", 9000),))


def test_flags_beat_the_environment_beats_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OCPP_PORT=1111\nSTATIONMASTER_API_PORT=1112\nTAKEOVER=newest\n")
    (tmp_path / ".env.ocpp").write_text("TAKEOVER=oldest\n")
    monkeypatch.setenv("STATIONMASTER_API_PORT", "2222")
    settings = load(directory=tmp_path, gateway=True, ocpp_port=3333)
    assert (settings.ocpp_port, settings.api_port, settings.takeover) == (3333, 2222, "oldest")
    assert load(directory=tmp_path).takeover == "newest"


def test_the_sources_database_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DB_HOST": "db",
        "DB_PORT": "6000",
        "DB_NAME": "n",
        "DB_USER": "u",
        "DB_PASSWORD": "p@/ss",
    }.items():
        monkeypatch.setenv(name, value)
    assert load(directory=tmp_path).database == "postgresql://u:p%40%2Fss@db:6000/n"
    monkeypatch.setenv("DATABASE_URL", "postgresql://wins/it")
    assert load(directory=tmp_path).database == "postgresql://wins/it"


def test_the_sources_broker_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_URL", "amqp://mq:5673")
    monkeypatch.setenv("RABBITMQ_USERNAME", "u")
    monkeypatch.setenv("RABBITMQ_PASSWORD", "p w")
    monkeypatch.setenv("RABBITMQ_VHOST", "ev/1")
    settings = load(directory=tmp_path)
    assert settings.uses_rabbitmq
    assert settings.broker == "amqp://u:p%20w@mq:5673/ev%2F1"
    monkeypatch.setenv("ENABLE_RABBITMQ", "false")
    assert not load(directory=tmp_path).uses_rabbitmq


def test_production_listens_on_every_interface_and_on_a_list_of_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:x@h/d")
    monkeypatch.setenv("OCPP_LISTENERS", "0.0.0.0:9000, 0.0.0.0:9001,[::1]:9002")
    settings = load(directory=tmp_path)
    assert settings.bind == "0.0.0.0"
    assert settings.listeners == (("0.0.0.0", 9000), ("0.0.0.0", 9001), ("::1", 9002))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RABBITMQ_URL", "amqp://guest:guest@mq", "default password"),
        ("STATIONMASTER_ORIGINS", "*", "exact list"),
        ("STATIONMASTER_INTERNAL_SECRET", "short", "STATIONMASTER_INTERNAL_SECRET"),
    ],
)
def test_unsafe_settings_do_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:fine@h/d")
    monkeypatch.setenv("STATIONMASTER_STATION_PEPPER", "p" * 20)
    monkeypatch.setenv("STATIONMASTER_INTERNAL_SECRET", "i" * 20)
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match=said):
        secrets.load(load(directory=tmp_path, data_dir=tmp_path))
    monkeypatch.setenv("STATIONMASTER_DEV", "1")
    assert secrets.load(load(directory=tmp_path, data_dir=tmp_path))


def test_own_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    settings = load(directory=tmp_path, data_dir=tmp_path)
    first = secrets.load(settings)
    assert secrets.load(settings) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_wrong_database_scheme_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        load(directory=tmp_path, database_url="mysql://x/y")
