"""The protocol's server, for the web process and for the command line."""

from serai.commerce.mcp.serve_tools import build_server

__all__ = ["build_server"]
