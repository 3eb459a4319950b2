"""Figures of the HTTP edge. ``route`` is a template of ours (``/api/v1/orders/{order_id}``), never what a caller wrote."""

from serai.foundation.metric import Counter, Gauge, Histogram

REQUESTS = Counter(
    "serai_http_requests_total", "Answers by method, route and status.", ("method", "route", "status")
)
SECONDS = Histogram(
    "serai_http_request_seconds", "Time from a request's head to the end of its answer, by route.", ("route",)
)
FAILED = Counter("serai_http_failed_total", "Answers with status 500 and above, 503 left out.", ("route",))
SHED = Counter("serai_http_shed_total", "Answers that send a caller away for now (429, 503).", ("status",))
UNDER_WAY = Gauge("serai_http_requests_under_way", "Requests that are being answered just now.")
