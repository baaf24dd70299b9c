"""How does an application listen, with the signals left to us?"""

import asyncio
from typing import Any

HTTP_DRAIN_S = 5


class HttpServer:
    """uvicorn inside our own loop: we keep the signals."""

    async def start(self, application: Any, host: str, port: int) -> int:
        """The port that was bound. Raises OSError when it is taken."""
        import uvicorn

        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=HTTP_DRAIN_S,
            server_header=False,
            ws="websockets-sansio",
        )
        self._server: uvicorn.Server = uvicorn.Server(config)
        socket = config.bind_socket()
        self._task = asyncio.get_running_loop().create_task(self._server.serve([socket]), name="http")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError(f"the HTTP server on {host}:{port} ended at once")
            await asyncio.sleep(0.01)
        return int(socket.getsockname()[1])

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._task
