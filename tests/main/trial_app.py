"""A web application of one page: its process's id, and whether the database answers; `/slow` takes a second."""

import asyncio
import os
from typing import Any

import asyncpg


def create_app() -> Any:
    if os.path.isabs(os.environ.get("SERAI_MAIL_FROM", "")) and os.path.exists(os.environ["SERAI_MAIL_FROM"]):
        raise RuntimeError("a version that cannot start")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["path"] == "/slow":
            await asyncio.sleep(1)
        text = await read_database() if scope["path"] == "/database" else str(os.getpid())
        body = text.encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(len(body)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": body})

    return application


async def read_database() -> str:
    connection = await asyncpg.connect(os.environ["SERAI_DATABASE_URL"], timeout=2)
    try:
        return str(await connection.fetchval("SELECT current_database()"))
    finally:
        await connection.close()


async def run_worker(stopped: asyncio.Event) -> None:
    """A worker that says when it starts and when it ends."""
    print("worker started", flush=True)
    await stopped.wait()
    print("worker ended", flush=True)
