"""The Model Context Protocol at ``/mcp`` of the web process, and on standard input and output for ``serai mcp``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from serai.commerce.agent.api import AgentCaller, recognise_key
from serai.commerce.mcp.api import build_server
from serai.commerce.types import Commerce
from serai.foundation.http import MAX_BODY_BYTES
from serai.foundation.ids import MerchantId
from serai.identity.merchant.api import list_merchants
from serai.main.fault import Fault
from serai.main.platform import Platform

PATH = "/mcp"


class ToolDoor:
    """Where calls of tools come in over HTTP: each is answered by itself, so any worker may take it."""

    def __init__(self) -> None:
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def open(self, commerce: Commerce) -> AsyncIterator[None]:
        """Take calls while the context lasts."""

        async def recognise(request: Any, scope: str) -> AgentCaller:
            return await recognise_key(
                commerce,
                MerchantId(request.scope["state"]["merchant"].merchant_id),
                authorization=request.headers.get("authorization"),
                base_url=(commerce.settings.public_url or str(request.base_url)).rstrip("/"),
                needs=(scope,),
            )

        manager = StreamableHTTPSessionManager(
            build_server(recognise), json_response=True, stateless=True, max_request_body_size=MAX_BODY_BYTES
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def answer(self, scope: Any, receive: Any, send: Any) -> bool:
        """Answer a request for tools; False when it is for something else."""
        if self._manager is None or scope["path"].rstrip("/") != PATH:
            return False
        await self._manager.handle_request(scope, receive, send)
        return True


async def serve_stdio(platform: Platform, *, key: str, slug: str, base_url: str) -> None:
    """Answer calls of tools on standard input and output, all with one agent's key. Fault for an unknown shop."""
    shops = [shop for shop in await list_merchants(platform.db) if not slug or shop.slug == slug]
    if not shops:
        raise Fault(f"There is no shop {slug!r}.", "`serai merchant list` names them.")
    merchant_id = MerchantId(shops[0].merchant_id)

    async def recognise(_request: Any, scope: str) -> AgentCaller:
        return await recognise_key(
            platform.commerce, merchant_id, authorization=f"Bearer {key}", base_url=base_url, needs=(scope,)
        )

    server = build_server(recognise)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
