"""A RabbitMQ of our own: one node, its own epmd, nothing heard outside loopback."""

import contextlib
import json
import os
import secrets
import subprocess

from tests.support.debian import install
from tests.support.server import Guardian, Server, connects, free_port, program

SERVER = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server", "rabbitmq-server")
VHOSTS_AT_ONCE = 12
"""Making one takes a whole Erlang start for the control program (about 2 s), making twelve hardly more."""

USER = "stationmaster"


class Rabbit(Server):
    """``url`` is the default vhost; tests take ``new_vhost()``."""

    name = "rabbitmq"

    def __init__(self, guardian: Guardian) -> None:
        super().__init__(guardian)
        if program(*SERVER) is None:
            install("rabbitmq-server")
        server = program(*SERVER)
        assert server is not None
        self._server, self._control = server, server.with_name("rabbitmqctl")
        self._epmd_port, self._password = free_port(), secrets.token_hex(8)
        self._epmd: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._vhosts: list[str] = []

    @property
    def url(self) -> str:
        return self.url_of("%2F")

    def url_of(self, vhost: str) -> str:
        return f"amqp://{USER}:{self._password}@127.0.0.1:{self.port}/{vhost}"

    def _env(self) -> dict[str, str]:
        base = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
        folder = str(self.folder)
        return {
            **base,
            "HOME": folder,  # the Erlang cookie lives there: nobody else's node can be reached, nor ours
            "RABBITMQ_NODENAME": f"stationmaster{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._dist_port()),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{folder}/server.pid",
            # No busy waiting: CPU figures then mean work, and a shared machine stays usable.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }  # fmt: skip

    def _dist_port(self) -> int:
        if not hasattr(self, "_distribution_port"):
            self._distribution_port = free_port()
        return self._distribution_port

    def _launch(self) -> None:
        self._write_files()
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = self._spawn([self._epmd_program()], env=self._env())
        self._process = self._spawn([str(self._server)], env=self._env())

    def _epmd_program(self) -> str:
        found = program("epmd", "/usr/lib/erlang/erts-*/bin/epmd")
        assert found is not None
        return str(found)

    def _write_files(self) -> None:
        names = [f"first{number}" for number in range(VHOSTS_AT_ONCE)]
        if not (self.folder / "data").exists():
            self._vhosts = list(names)
        everything = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [{"name": USER, "password": self._password, "tags": "administrator"}],
            "vhosts": [{"name": name} for name in ("/", *names)],
            "permissions": [{"vhost": name, **everything} for name in ("/", *names)],
        }
        (self.folder / "definitions.json").write_text(json.dumps(definitions))
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "none.conf").touch()
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"load_definitions = {self.folder}/definitions.json\n"
            "disk_free_limit.absolute = 50MB\n"
            "log.file.level = info\n"
        )

    def _answers(self) -> bool:
        if (connection := connects(self.port)) is None:
            return False
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
        return False

    def new_vhost(self) -> str:
        """A fresh empty one; its URL."""
        if not self._vhosts:
            self._make_vhosts()
        return self.url_of(self._vhosts.pop(0))

    def _make_vhosts(self) -> None:
        first = self._made
        self._made += VHOSTS_AT_ONCE
        who, all_ = f'<<"{USER}">>', '<<".*">>'
        make = (
            f"[begin V = list_to_binary([$v | integer_to_list(N)]), rabbit_vhost:add(V, {who}), "
            f"rabbit_auth_backend_internal:set_permissions({who}, V, {all_}, {all_}, {all_}, {who}) end "
            f"|| N <- lists:seq({first}, {self._made - 1})]."
        )
        self.control("eval", make)
        self._vhosts += [f"v{number}" for number in range(first, self._made)]

    def control(self, *arguments: str) -> str:
        """rabbitmqctl."""
        command = [str(self._control), *arguments]
        return subprocess.run(
            command, env=self._env(), check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def stop(self) -> None:
        super().stop()
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait(timeout=10)
