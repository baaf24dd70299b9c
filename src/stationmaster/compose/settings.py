"""Every setting, once: the sources' environment names (mission A.13) and our own.

Precedence: flags > environment > `.env.ocpp` (gateway only) > `.env` > defaults. `stationmaster config` prints each
value and where it came from.
"""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stationmaster.contracts.topology import Names

KNOWN_DEFAULT_PASSWORDS = frozenset({"guest", "password", "postgres", "changeme", "secret", "admin"})


def _named(name: str, *more: str) -> Any:
    """The environment name, and the field's own name for flags and tests."""
    return AliasChoices(name, *more)


class Settings(BaseSettings):
    """Defaults run everything in one process with nothing installed; URLs grow it onto servers."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    # Where data lives, and the secrets that are made there when none are given (one machine only).
    data_dir: Path = Field(Path("data"), validation_alias=_named("STATIONMASTER_DATA_DIR"))
    dev_mode: bool = Field(
        False, validation_alias=_named("STATIONMASTER_DEV")
    )  # allows known default credentials
    station_pepper: SecretStr | None = Field(None, validation_alias=_named("STATIONMASTER_STATION_PEPPER"))
    internal_secret: SecretStr | None = Field(None, validation_alias=_named("STATIONMASTER_INTERNAL_SECRET"))

    # Database. DATABASE_URL wins over DB_*; none of them: a file in data_dir.
    database_url: str | None = Field(None, validation_alias=_named("DATABASE_URL"))
    db_host: str | None = Field(None, validation_alias=_named("DB_HOST"))
    db_port: int = Field(5432, validation_alias=_named("DB_PORT"))
    db_name: str = Field("stationmaster", validation_alias=_named("DB_NAME"))
    db_user: str = Field("stationmaster", validation_alias=_named("DB_USER"))
    db_password: SecretStr = Field(SecretStr(""), validation_alias=_named("DB_PASSWORD"))
    db_pool_size: int = Field(5, ge=1, le=200, validation_alias=_named("STATIONMASTER_DB_POOL_SIZE"))
    migrate: bool = Field(
        True, validation_alias=_named("STATIONMASTER_MIGRATE")
    )  # at start-up of backend roles

    # Broker. Off: the durable bus in data_dir. Unset: on when RABBITMQ_URL is set.
    enable_rabbitmq: bool | None = Field(None, validation_alias=_named("ENABLE_RABBITMQ"))
    rabbitmq_url: str | None = Field(None, validation_alias=_named("RABBITMQ_URL"))
    rabbitmq_username: str | None = Field(None, validation_alias=_named("RABBITMQ_USERNAME"))
    rabbitmq_password: SecretStr | None = Field(None, validation_alias=_named("RABBITMQ_PASSWORD"))
    rabbitmq_vhost: str | None = Field(None, validation_alias=_named("RABBITMQ_VHOST"))
    queue_ocpp_messages: str = Field("ocpp_messages", validation_alias=_named("RABBITMQ_QUEUE_OCPP_MESSAGES"))
    queue_notifications: str = Field("notifications", validation_alias=_named("RABBITMQ_QUEUE_NOTIFICATIONS"))
    queue_analytics: str = Field("analytics", validation_alias=_named("RABBITMQ_QUEUE_ANALYTICS"))
    queue_charging_events: str = Field(
        "charging_events", validation_alias=_named("RABBITMQ_QUEUE_CHARGING_EVENTS")
    )
    exchange_ocpp: str = Field("ocpp_exchange", validation_alias=_named("RABBITMQ_EXCHANGE_OCPP"))
    exchange_events: str = Field("events_exchange", validation_alias=_named("RABBITMQ_EXCHANGE_EVENTS"))

    # Cache. No host: memory.
    redis_url: str | None = Field(None, validation_alias=_named("REDIS_URL"))
    redis_host: str | None = Field(None, validation_alias=_named("REDIS_HOST"))
    redis_port: int = Field(6379, validation_alias=_named("REDIS_PORT"))
    redis_password: SecretStr | None = Field(None, validation_alias=_named("REDIS_PASSWORD"))

    # Payments (used once the provider is switched on).
    razorpay_key_id: str = Field("", validation_alias=_named("RAZORPAY_KEY_ID"))
    razorpay_key_secret: SecretStr = Field(SecretStr(""), validation_alias=_named("RAZORPAY_KEY_SECRET"))
    razorpay_webhook_secret: SecretStr = Field(
        SecretStr(""), validation_alias=_named("RAZORPAY_WEBHOOK_SECRET")
    )

    # Listening. `host` empty: loopback in one process, all interfaces in production.
    host: str = Field("", validation_alias=_named("STATIONMASTER_HOST"))
    api_port: int = Field(8080, ge=0, le=65535, validation_alias=_named("STATIONMASTER_API_PORT", "PORT"))
    ocpp_port: int = Field(9000, ge=0, le=65535, validation_alias=_named("OCPP_PORT"))
    ocpp_listeners: str = Field("", validation_alias=_named("OCPP_LISTENERS"))  # "0.0.0.0:9000,0.0.0.0:9001"
    ocpp_reuse_port: bool = Field(False, validation_alias=_named("STATIONMASTER_OCPP_REUSE_PORT"))
    ocpp_behind_tls: bool = Field(False, validation_alias=_named("STATIONMASTER_OCPP_BEHIND_TLS"))
    trusted_proxies: str = Field("", validation_alias=_named("STATIONMASTER_TRUSTED_PROXIES"))
    gateway_metrics_port: int = Field(
        0, ge=0, le=65535, validation_alias=_named("STATIONMASTER_GATEWAY_METRICS_PORT")
    )
    gateway_id: str = Field("", validation_alias=_named("STATIONMASTER_GATEWAY_ID"))
    backend_url: str = Field("", validation_alias=_named("STATIONMASTER_BACKEND_URL"))  # gateway -> API
    origins: str = Field("", validation_alias=_named("STATIONMASTER_ORIGINS"))  # exact list, comma separated

    # OCPP.
    heartbeat_interval_s: int = Field(
        300, ge=5, validation_alias=_named("STATIONMASTER_HEARTBEAT_INTERVAL_S")
    )
    takeover: Literal["newest", "oldest"] = Field("oldest", validation_alias=_named("TAKEOVER"))
    spool: bool = Field(True, validation_alias=_named("STATIONMASTER_SPOOL"))
    spool_max_mb: int = Field(1024, ge=1, validation_alias=_named("STATIONMASTER_SPOOL_MAX_MB"))
    log_kept_days: int = Field(90, ge=1, validation_alias=_named("STATIONMASTER_LOG_KEPT_DAYS"))
    frames_per_s: float = Field(
        20, ge=0, validation_alias=_named("STATIONMASTER_FRAMES_PER_S")
    )  # 0: no limit

    # Charging.
    default_hold_minor: int = Field(20_000, gt=0, validation_alias=_named("STATIONMASTER_DEFAULT_HOLD_MINOR"))
    start_deadline_s: int = Field(180, ge=10, validation_alias=_named("STATIONMASTER_START_DEADLINE_S"))

    # Logs.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_named("LOG_LEVEL")
    )
    log_style: Literal["auto", "pretty", "json"] = Field(
        "auto", validation_alias=_named("STATIONMASTER_LOG_STYLE")
    )
    log_file: Path | None = Field(None, validation_alias=_named("STATIONMASTER_LOG_FILE"))

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        scheme = urlsplit(url).scheme.split("+")[0] if url else ""
        if url and scheme not in {"postgresql", "postgres", "sqlite"}:
            raise ValueError(f"DATABASE_URL must start with postgresql:// or sqlite:///, not {scheme!r}")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    # What follows from the settings.

    @property
    def uses_postgres(self) -> bool:
        return self.database.startswith("postgres")

    @property
    def database(self) -> str:
        """The database's URL; a file in data_dir when nothing was said."""
        if self.database_url:
            return self.database_url
        if self.db_host:
            user, password = quote(self.db_user, safe=""), quote(self.db_password.get_secret_value(), safe="")
            return f"postgresql://{user}:{password}@{self.db_host}:{self.db_port}/{self.db_name}"
        return f"sqlite:///{(self.data_dir / 'stationmaster.db').absolute()}"

    @property
    def uses_rabbitmq(self) -> bool:
        return self.rabbitmq_url is not None if self.enable_rabbitmq is None else self.enable_rabbitmq

    @property
    def broker(self) -> str:
        """The broker's URL with credentials and vhost, wherever they were given."""
        parts = urlsplit(self.rabbitmq_url or "amqp://127.0.0.1:5672")
        user = self.rabbitmq_username or parts.username or ""
        password = (
            self.rabbitmq_password.get_secret_value() if self.rabbitmq_password else parts.password or ""
        )
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        place = f"{credentials}{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"
        path = f"/{quote(self.rabbitmq_vhost, safe='')}" if self.rabbitmq_vhost else parts.path
        return urlunsplit((parts.scheme, place, path, parts.query, ""))

    @property
    def cache(self) -> str | None:
        """Redis' URL, or None for memory."""
        if self.redis_url or not self.redis_host:
            return self.redis_url
        secret = f":{quote(self.redis_password.get_secret_value(), safe='')}@" if self.redis_password else ""
        return f"redis://{secret}{self.redis_host}:{self.redis_port}/0"

    @property
    def is_embedded(self) -> bool:
        return not (self.uses_postgres or self.uses_rabbitmq)

    @property
    def bind(self) -> str:
        return self.host or ("127.0.0.1" if self.is_embedded else "0.0.0.0")  # noqa: S104 - mission R13

    @property
    def listeners(self) -> tuple[tuple[str, int], ...]:
        """Where stations connect."""
        if not self.ocpp_listeners:
            return ((self.bind, self.ocpp_port),)
        pairs = (
            listener.strip().rpartition(":")
            for listener in self.ocpp_listeners.split(",")
            if listener.strip()
        )
        return tuple((host.strip("[]") or self.bind, int(port)) for host, _, port in pairs)

    @property
    def origin_list(self) -> list[str]:
        return [origin.strip() for origin in self.origins.split(",") if origin.strip()]

    @property
    def names(self) -> Names:
        return Names(
            ocpp_alias=self.exchange_ocpp,
            facts=self.exchange_events,
            ocpp_messages=self.queue_ocpp_messages,
            notifications=self.queue_notifications,
            analytics=self.queue_analytics,
            charging_events=self.queue_charging_events,
        )

    def mistakes(self) -> list[str]:
        """What must not be run with outside development (reliability B38)."""
        found = []
        if "*" in self.origin_list:
            found.append("STATIONMASTER_ORIGINS must be an exact list, not '*'.")
        for name, url in (
            ("RABBITMQ_URL", self.broker if self.uses_rabbitmq else ""),
            ("DATABASE_URL", self.database if self.uses_postgres else ""),
        ):
            if (urlsplit(url).password or "").lower() in KNOWN_DEFAULT_PASSWORDS:
                found.append(f"{name} uses a well-known default password.")
        if not self.is_embedded:
            for name, secret in (
                ("STATIONMASTER_STATION_PEPPER", self.station_pepper),
                ("STATIONMASTER_INTERNAL_SECRET", self.internal_secret),
            ):
                if secret is None or len(secret.get_secret_value()) < 16:
                    found.append(
                        f"{name} must be set to at least 16 characters; every process needs the same one."
                    )
        return found


def load(*, gateway: bool = False, directory: Path | None = None, **flags: Any) -> Settings:
    """Settings for a process; ``flags`` are field names, None means not given."""
    here = directory or Path()
    files = [here / ".env", *([here / ".env.ocpp"] if gateway else [])]
    given = {name: value for name, value in flags.items() if value is not None}
    return Settings(_env_file=files, **given)
