"""Which events agents hear of."""

from serai.commerce.ucp.tell_agents import EVENTS, note_news
from serai.foundation.event import Subscriber

AGENT_NEWS = Subscriber("agent news", EVENTS, note_news)
