"""`serai up --providers`: accounts on both sides, once, and a shop in yuan to use them in."""

import json
import os
import stat
from pathlib import Path
from uuid import uuid4

from tests.conftest import make_database

from serai.commerce.payway.api import list_pay_accounts
from serai.foundation.ids import MerchantId
from serai.foundation.migration import apply_migrations
from serai.identity.merchant.api import list_merchants
from serai.main.installation import Installation, open_installation
from serai.main.platform import open_configured_platform
from serai.main.settings import load_settings
from serai.main.setup import first_run
from serai.main.systems import SYSTEMS
from serai.main.trying import TEA_SLUG, set_up_providers


async def test_every_merchant_gets_accounts_once_and_a_tea_shop_takes_yuan(
    server_url: str, tmp_path: Path
) -> None:
    url = await make_database(server_url, f"serai_try_{uuid4().hex[:12]}")
    await apply_migrations(url, SYSTEMS)
    environ = {"SERAI_DATA_DIR": str(tmp_path / "data"), "SERAI_DATABASE_URL": url}
    installation: Installation = open_installation(environ["SERAI_DATA_DIR"])
    await first_run(url, installation=installation, demo=False, full=False, progress=lambda *_: None)
    settings = load_settings(environ)
    await set_up_providers(url, settings)
    first = installation.provider_accounts.read_bytes()
    assert stat.S_IMODE(os.stat(installation.provider_accounts).st_mode) == 0o600
    await set_up_providers(url, settings)
    assert installation.provider_accounts.read_bytes() == first
    theirs = json.loads(first)
    assert [len(theirs[name]) for name in ("stripe", "wechat", "alipay")] == [2, 1, 1]
    platform = await open_configured_platform(url, settings)
    try:
        for merchant in await list_merchants(platform.owner):
            async with platform.db.transaction(MerchantId(merchant.merchant_id), "read") as tx:
                accounts = {a.provider: a for a in await list_pay_accounts(tx, platform.vault)}
            known = {name for name, account in accounts.items() if account.revision and account.is_readable}
            assert known == ({"stripe", "wechat", "alipay"} if merchant.slug == TEA_SLUG else {"stripe"})
    finally:
        await platform.close()
