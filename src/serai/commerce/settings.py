"""Settings of commerce, read from the environment as ``SERAI_COMMERCE_<FIELD>``."""

from typing import Annotated

import msgspec
from msgspec import Meta


class CommerceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and terms of selling; the defaults fit a grocery shop. Amounts in the merchant's currency, minor units."""

    pay_within_minutes: Annotated[
        int,
        Meta(ge=1, le=10_080, description="Minutes an order waits for its payment before its stock is freed"),
    ] = 30
    shipping_minor: Annotated[int, Meta(ge=0, description="Price of a delivery")] = 599
    free_shipping_from_minor: Annotated[
        int, Meta(ge=0, description="Goods total from which a delivery costs nothing; 0: never")
    ] = 3500
    cart_lines: Annotated[int, Meta(ge=1, le=500, description="Most lines in a cart")] = 100
    line_quantity: Annotated[int, Meta(ge=1, le=100_000, description="Most units of one line")] = 999
    price_protection_days: Annotated[
        int,
        Meta(
            ge=0, le=365, description="Days after the payment in which a fallen price is given back; 0: never"
        ),
    ] = 7
    price_protection_excludes: Annotated[
        str,
        Meta(description="Kinds of prices that price protection does not compare with, separated by commas"),
    ] = "clearance"
    accept_within_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=10_080,
            description="Minutes a store has to accept an order before another place is asked",
        ),
    ] = 30
    carrier_url: Annotated[
        str, Meta(description="Address of the carrier that labels are bought of; empty: none")
    ] = ""
    carrier_secret: Annotated[str, Meta(description="Secret of the account at the carrier")] = ""
    carrier_webhook_secret: Annotated[str, Meta(description="What the carrier signs its messages with")] = ""
    collect_within_days: Annotated[
        int, Meta(ge=1, le=365, description="Days for which a pick-up waits for its buyer")
    ] = 7
    provider_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds a payment provider may take to answer")
    ] = 8.0
    refund_retry_s: Annotated[
        float, Meta(ge=1, description="Seconds after which an unanswered refund is asked again")
    ] = 30.0
    public_url: Annotated[
        str,
        Meta(description="Address under which payment providers reach this installation; empty: as asked"),
    ] = ""
    sandbox_url: Annotated[
        str, Meta(description="Address of the payment sandbox; empty: the one that serai up runs")
    ] = ""
    stripe_url: Annotated[str, Meta(description="Address of Stripe's API")] = "https://api.stripe.com"
    wechat_url: Annotated[str, Meta(description="Address of WeChat Pay's API, version 3")] = (
        "https://api.mch.weixin.qq.com"
    )
    alipay_url: Annotated[
        str, Meta(description="Address of Alipay's gateway; its sandbox for developers has another one")
    ] = "https://openapi.alipay.com/gateway.do"
    account_key: Annotated[
        str,
        Meta(
            description="Key that seals merchants' accounts at payment providers in the database; empty: one that the"
            " installation keeps for itself. Changing it makes accounts unreadable until they are entered again"
        ),
    ] = ""
    capture_before_end_hours: Annotated[
        float,
        Meta(
            ge=0,
            le=720,
            description="Hours before a provider lets go of held money in which the rest is taken",
        ),
    ] = 24.0
    invoice_reminder_days: Annotated[
        float,
        Meta(ge=1, le=90, description="Days after which a customer is asked again for an overdue invoice"),
    ] = 7.0
    import_rows: Annotated[int, Meta(ge=1, le=1_000_000, description="Most rows of an imported file")] = (
        200_000
    )
    import_file_mb: Annotated[int, Meta(ge=1, le=2_000, description="Largest imported file in MB")] = 100
    import_unpacked_mb: Annotated[
        int,
        Meta(ge=1, le=4_000, description="Largest imported Excel file in MB without its compression"),
    ] = 400
    import_cell_characters: Annotated[
        int, Meta(ge=200, le=100_000, description="Most characters of a description in an imported file")
    ] = 10_000
    media_dir: Annotated[
        str, Meta(description="Folder of product photographs; empty: media/ in the data folder")
    ] = ""
    media_file_mb: Annotated[int, Meta(ge=1, le=100, description="Largest uploaded photograph in MB")] = 12
    media_megapixels: Annotated[
        int, Meta(ge=1, le=250, description="Most pixels of an uploaded photograph, in millions")
    ] = 50
    web_url: Annotated[
        str,
        Meta(
            description="Address under which this installation reaches itself; empty: that of its web workers"
        ),
    ] = ""
    webhook_endpoints: Annotated[
        int, Meta(ge=1, le=1_000, description="Most webhook endpoints of a merchant")
    ] = 20
    webhook_timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="Seconds a webhook's receiver may take to answer")
    ] = 10.0
    webhook_parallel: Annotated[
        int, Meta(ge=1, le=100, description="Webhooks under way to one endpoint at the same time")
    ] = 4
    webhook_retry_s: Annotated[
        str,
        Meta(
            pattern=r"^[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,19}$",
            description="Seconds between the tries of a webhook, separated by commas; after the last it is parked",
        ),
    ] = "5,30,120,600,3600,10800,21600,43200,86400"
    webhook_give_up_days: Annotated[
        float, Meta(gt=0, le=90, description="Days of failure after which an endpoint is switched off")
    ] = 5.0
    webhook_overlap_hours: Annotated[
        float, Meta(ge=0, le=720, description="Hours for which the secret before the newest still signs")
    ] = 24.0
    webhook_keep_days: Annotated[
        int, Meta(ge=1, le=3_650, description="Days for which webhooks and their attempts are kept")
    ] = 30
    webhook_loopback: Annotated[
        bool,
        Meta(description="Whether webhooks may go to this machine itself, without https: for tests only"),
    ] = False
