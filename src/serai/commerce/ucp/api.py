"""The protocol's messages to agents, for the worker."""

from serai.commerce.ucp.tell_agents import NEWS_JOB, news_handler

__all__ = ["NEWS_JOB", "news_handler"]
