"""Endpoints of the JSON API with the scope that each needs and a body that is well-formed.

Who adds an endpoint may add it here, to have it tried without a key, with a wrong one and with one of too little scope.
"""

from typing import Any

from serai.foundation.ids import new_id


class Upload(bytes):
    """The content of a file that is sent as the field ``file`` of a form."""


NO_ID = str(new_id())
TERMS = {"name": "x", "layer": 3, "benefit": {"type": "amount_off", "tiers": [[2, 1]]}}
PROMOTION = f"/api/v1/promotions/{NO_ID}"
PROMOTION_ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/promotions", "promotion:write", None),
    ("POST", "/api/v1/promotions", "promotion:write", {"terms": TERMS}),
    ("GET", PROMOTION, "promotion:write", None),
    ("PATCH", PROMOTION, "promotion:write", {"version": 1, "terms": TERMS}),
    ("POST", f"{PROMOTION}/publish", "promotion:write", {"version": 1}),
    ("POST", f"{PROMOTION}/stop", "promotion:write", None),
    ("GET", f"{PROMOTION}/report", "promotion:write", None),
    ("POST", f"{PROMOTION}/coupons", "promotion:write", {}),
    ("GET", f"{PROMOTION}/coupons", "promotion:write", None),
    ("POST", f"/api/v1/coupons/{NO_ID}/revoke", "promotion:write", None),
    (
        "POST",
        "/api/v1/promotions/preview",
        "promotion:write",
        {"terms": TERMS, "lines": [{"sku_id": NO_ID, "quantity": 1}]},
    ),
    ("POST", f"/api/v1/carts/{NO_ID}/coupons", "checkout:write", {"code": "ABCD"}),
    ("GET", f"/api/v1/carts/{NO_ID}/coupons", "checkout:write", None),
    ("DELETE", f"/api/v1/carts/{NO_ID}/coupons/{NO_ID}", "checkout:write", None),
    ("PUT", f"/api/v1/carts/{NO_ID}/add-ons/{NO_ID}", "checkout:write", {"quantity": 1}),
]
PRESALE = f"/api/v1/presales/{NO_ID}"
PRESALE_TERMS = {
    "name": "x",
    "sku_ids": [NO_ID],
    "price_minor": 10,
    "deposit_minor": 1,
    "credit_minor": 1,
    "deposit_from": "2027-01-01T00:00:00Z",
    "deposit_until": "2027-01-02T00:00:00Z",
    "balance_from": "2027-01-03T00:00:00Z",
    "balance_until": "2027-01-04T00:00:00Z",
    "quota": 1,
}
PRESALE_ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/presales", "promotion:write", None),
    ("POST", "/api/v1/presales", "promotion:write", {"terms": PRESALE_TERMS}),
    ("GET", PRESALE, "promotion:write", None),
    ("PATCH", PRESALE, "promotion:write", {"version": 1, "terms": PRESALE_TERMS}),
    ("POST", f"{PRESALE}/publish", "promotion:write", {"version": 1}),
    ("POST", f"{PRESALE}/stop", "promotion:write", None),
    ("GET", f"{PRESALE}/report", "promotion:write", None),
    ("GET", f"/api/v1/products/presales/{NO_ID}", "checkout:write", None),
    ("POST", f"/api/v1/orders/{NO_ID}/balance/coupon", "checkout:write", {"code": "ABCD"}),
]
TENDER_TERMS = {"points_block": 1, "block_minor": 1, "cap_percent": 1, "earn_points": 1}
TENDER_ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/tender-terms", "tender:write", None),
    ("PUT", "/api/v1/tender-terms", "tender:write", TENDER_TERMS),
    ("GET", "/api/v1/gift-cards", "tender:write", None),
    ("POST", "/api/v1/gift-cards", "tender:write", {"amount_minor": 1}),
    ("POST", "/api/v1/gift-cards/lookup", "tender:write", {"code": "ABCD"}),
    ("GET", f"/api/v1/gift-cards/{NO_ID}", "tender:write", None),
    ("PUT", f"/api/v1/gift-cards/{NO_ID}/block", "tender:write", {"blocked": True}),
    ("GET", f"/api/v1/members/{NO_ID}/purse", "tender:write", None),
    ("GET", f"/api/v1/members/{NO_ID}/purse/entries", "tender:write", None),
    (
        "POST",
        f"/api/v1/members/{NO_ID}/purse/adjustments",
        "tender:write",
        {"kind": "points", "units": 1, "reason": "x"},
    ),
    ("POST", f"/api/v1/carts/{NO_ID}/tenders", "checkout:write", {"kind": "gift_card", "code": "ABCD"}),
    ("GET", f"/api/v1/carts/{NO_ID}/tenders", "checkout:write", None),
    ("DELETE", f"/api/v1/carts/{NO_ID}/tenders/{NO_ID}", "checkout:write", None),
]
# Method, path, scope, body; a body of the class Upload goes as a file of a form.
ENDPOINTS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/categories", "catalogue:read", None),
    ("GET", "/api/v1/products", "catalogue:read", None),
    ("GET", f"/api/v1/products/{NO_ID}", "catalogue:read", None),
    ("GET", f"/api/v1/variants/{NO_ID}/prices", "catalogue:read", None),
    ("GET", f"/api/v1/variants/{NO_ID}/offers", "product:write", None),
    ("POST", f"/api/v1/variants/{NO_ID}/offers", "product:write", {"amount_minor": 1}),
    ("GET", f"/api/v1/variants/{NO_ID}/price-history", "catalogue:read", None),
    ("DELETE", f"/api/v1/offers/{NO_ID}", "product:write", None),
    ("GET", "/api/v1/places", "catalogue:read", None),
    ("POST", "/api/v1/products", "product:write", {"title": "x", "sku": "x", "category_id": NO_ID}),
    ("PATCH", f"/api/v1/products/{NO_ID}", "product:write", {"version": 1}),
    ("POST", f"/api/v1/variants/{NO_ID}/prices", "product:write", {"amount_minor": 1}),
    ("GET", f"/api/v1/products/{NO_ID}/media", "catalogue:read", None),
    ("POST", f"/api/v1/products/{NO_ID}/media", "product:write", Upload(b"no picture")),
    ("PATCH", f"/api/v1/media/{NO_ID}", "product:write", {"alt": "x"}),
    ("DELETE", f"/api/v1/media/{NO_ID}", "product:write", None),
    ("POST", f"/api/v1/media/{NO_ID}/restore", "product:write", None),
    ("GET", f"/api/v1/stock/{NO_ID}", "stock:read", None),
    ("GET", f"/api/v1/stock/{NO_ID}/movements?place_id={NO_ID}", "stock:read", None),
    ("POST", "/api/v1/stock/receipts", "stock:write", {"sku_id": NO_ID, "place_id": NO_ID, "quantity": 1}),
    (
        "POST",
        "/api/v1/stock/adjustments",
        "stock:write",
        {"sku_id": NO_ID, "place_id": NO_ID, "delta": 1, "reason": "x"},
    ),
    (
        "POST",
        "/api/v1/stock/transfers",
        "stock:write",
        {"sku_id": NO_ID, "from_place_id": NO_ID, "to_place_id": str(new_id()), "quantity": 1},
    ),
    *PROMOTION_ENDPOINTS,
    *TENDER_ENDPOINTS,
    *PRESALE_ENDPOINTS,
    (
        "POST",
        "/api/v1/market/checkouts",
        "checkout:write",
        {
            "lines": [{"member_id": NO_ID, "sku_id": NO_ID, "quantity": 1}],
            "contact": {"email": "a@example.com", "name": "A"},
            "address": {"country": "DE", "city": "B", "line1": "1"},
        },
    ),
    ("GET", f"/api/v1/market/checkouts/{NO_ID}", "order:read", None),
    (
        "POST",
        f"/api/v1/market/checkouts/{NO_ID}/payment",
        "checkout:write",
        {"return_url": "https://example.com/"},
    ),
    ("GET", "/api/v1/market/settlements", "order:read", None),
    ("POST", "/api/v1/carts", "checkout:write", {}),
    ("GET", f"/api/v1/carts/{NO_ID}", "checkout:write", None),
    ("POST", f"/api/v1/carts/{NO_ID}/lines", "checkout:write", {"sku_id": NO_ID}),
    ("PATCH", f"/api/v1/carts/{NO_ID}/lines/{NO_ID}", "checkout:write", {"quantity": 1}),
    ("DELETE", f"/api/v1/carts/{NO_ID}/lines/{NO_ID}", "checkout:write", None),
    ("PUT", f"/api/v1/carts/{NO_ID}/contact", "checkout:write", {"email": "a@example.com", "name": "A"}),
    (
        "PUT",
        f"/api/v1/carts/{NO_ID}/address",
        "checkout:write",
        {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
    ),
    ("PUT", f"/api/v1/carts/{NO_ID}/delivery", "checkout:write", {"delivery": "ship"}),
    ("GET", f"/api/v1/carts/{NO_ID}/quote", "checkout:write", None),
    ("POST", f"/api/v1/carts/{NO_ID}/complete", "checkout:write", {"digest": "x"}),
    (
        "POST",
        "/api/v1/orders",
        "checkout:write",
        {
            "lines": [{"sku_id": NO_ID, "quantity": 1}],
            "contact": {"email": "a@example.com", "name": "A"},
            "address": {"country": "DE", "city": "Bonn", "line1": "Markt 1", "postcode": "53111"},
        },
    ),
    ("POST", f"/api/v1/orders/{NO_ID}/payment", "checkout:write", None),
    ("GET", "/api/v1/orders", "order:read", None),
    ("GET", f"/api/v1/orders/{NO_ID}", "order:read", None),
    ("POST", f"/api/v1/orders/{NO_ID}/fulfilment", "order:write", {}),
    ("POST", f"/api/v1/orders/{NO_ID}/cancellation", "order:write", {}),
    ("GET", "/api/v1/price-claims", "order:read", None),
    ("GET", f"/api/v1/orders/{NO_ID}/price-claims", "order:read", None),
    ("POST", f"/api/v1/orders/{NO_ID}/price-claims", "order:write", {"line_no": 1}),
    ("POST", f"/api/v1/orders/{NO_ID}/refunds", "order:write", {"amount_minor": 1}),
]
NAMES = [f"{method} {path.split('?')[0].replace(NO_ID, '-')}" for method, path, _scope, _body in ENDPOINTS]
