"""One merchant can neither see nor touch what is another's: by SQL role, by API, by pages."""

import re
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from tests.security.conftest import Merchant
from tests.shop import ADDRESS, CONTACT, api_client
from tests.snapshot import TENANT_TABLES, digest_rows

from serai.foundation.database import Database, open_database
from serai.foundation.ids import MerchantId

# Everybody may read which merchants there are: a request's host name decides whose shop it is.
REGISTRY = "identity.merchant"
# How pressed each web worker is: of no merchant, and read only.
PRESSURE = "overload.worker"
# The journeys of the fixture leave rows in these; a table that is added later is still held to the rule for policies.
FILLED = {
    "commerce.cart",
    "commerce.cart_line",
    "commerce.category",
    "commerce.order_line",
    "commerce.payment_event",
    "commerce.payment_intent",
    "commerce.place",
    "commerce.price_entry",
    "commerce.product",
    "commerce.refund",
    "commerce.sales_order",
    "commerce.variant",
    "data.basket_line",
    "foundation.event",
    "foundation.inbox",
    "foundation.reply",
    "identity.api_key",
    "identity.audit",
    "identity.member",
    "identity.session",
    "identity.sign_in_failure",
    "identity.staff",
    "ledger.account",
    "ledger.transfer",
}
DENIED = (asyncpg.InsufficientPrivilegeError,)


async def list_tables(owner: Database) -> list[str]:
    names = [row["name"] for row in await owner.fetch(TENANT_TABLES)]
    assert set(names) >= FILLED
    return [name for name in names if name != REGISTRY]


async def list_columns(owner: Database, table: str) -> list[str]:
    """Columns that can be written, but for the merchant's."""
    rows = await owner.fetch(
        "SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' AND attname <> 'merchant_id'",
        table,
    )
    return [row["name"] for row in rows]


async def attempt(db: Database, merchant_id: MerchantId, sql: str, *args: Any) -> str:
    """Run one statement as the application's role for a merchant: its command tag, or ``denied``."""
    try:
        async with db.transaction(merchant_id) as tx:
            return await tx.execute(sql, *args)
    except DENIED:
        return "denied"


async def test_every_table_with_rows_of_merchants_is_under_the_one_policy(owner: Database):
    rows = await owner.fetch(
        "SELECT c.oid::regclass::text AS name, c.relrowsecurity AS on, p.polpermissive AS permissive,"
        "   p.polcmd::text AS command, pg_get_expr(p.polqual, p.polrelid) AS rule,"
        "   pg_get_expr(p.polwithcheck, p.polrelid) AS check"
        " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.oid::regclass::text = ANY($1)",
        await list_tables(owner),
    )
    rule = "(merchant_id = ( SELECT foundation.current_merchant() AS current_merchant))"
    wrong = [
        dict(row)
        for row in rows
        if (row["on"], row["command"], row["rule"], row["check"]) != (True, "*", rule, None)
    ]
    assert not wrong, "exactly one policy each, for all commands"


async def test_the_application_role_reaches_no_other_table_and_no_way_around(owner: Database):
    reachable = await owner.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_|^information_schema'"
        " AND (has_table_privilege('serai_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        "   OR has_any_column_privilege('serai_app', c.oid, 'SELECT, INSERT, UPDATE'))"
    )
    assert {row["name"] for row in reachable} == {*await list_tables(owner), REGISTRY, PRESSURE}
    writes = "SELECT has_table_privilege('serai_app', $1::text, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    assert not await owner.fetchval(writes, PRESSURE)
    role = await owner.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = 'serai_app'"
    )
    assert role is not None
    assert not any(role.values())


# How a statement in such a function keeps to the merchant: in plain words, or by the condition it is put together with.
KEEPS = re.compile(r"merchant_id\s*=\s*(?:merchant\b|foundation\.current_merchant\(\)|\$1)")
DYNAMIC = re.compile(r"^[^;]{0,120}%(?:\d\$)?s")


async def test_functions_with_their_owners_rights_keep_to_the_merchant_themselves(owner: Database):
    """Search runs past the policies for speed, so each such function filters every table by the merchant."""
    functions = await owner.fetch(
        "SELECT oid::regprocedure::text AS name, prosrc AS code, proconfig AS config,"
        "   has_function_privilege('public', oid, 'EXECUTE') AS for_anyone"
        " FROM pg_proc WHERE prosecdef AND pronamespace NOT IN"
        "   (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_|^information_schema')"
    )
    for each in functions:
        assert "search_path=pg_catalog" in (each["config"] or []), each["name"]
        assert not each["for_anyone"], each["name"]
        reads = re.split(r"\b(?:FROM|JOIN)\s+commerce\.\w+", each["code"])[1:]
        assert reads, each["name"]
        for read in reads:
            assert KEEPS.search(read) or (DYNAMIC.search(read) and "entry_condition(" in each["code"]), each[
                "name"
            ]
    condition = await owner.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'entry_condition'")
    assert condition.strip().startswith("SELECT 'e.merchant_id = $1'")


async def test_the_role_of_one_merchant_finds_changes_adds_and_deletes_nothing_of_another(
    db: Database, owner: Database, make_merchant: Any
):
    mine, theirs = await make_merchant(), await make_merchant()
    me, them = mine.shop.merchant_id, theirs.shop.merchant_id
    before = await digest_rows(owner, them)
    for table in await list_tables(owner):
        there = await owner.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", them)
        assert there or table not in FILLED, f"{table} is empty, so nothing would be shown"
        async with db.transaction(me, "read") as tx:
            seen = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", them)
            foreign = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id <> $1", me)
            own = await tx.fetchval(f"SELECT count(*) FROM {table}")
        assert (seen, foreign) == (0, 0), table
        assert own or table not in FILLED, table
        took = await attempt(
            db, me, f"UPDATE {table} SET merchant_id = merchant_id WHERE merchant_id = $1", them
        )
        assert took in ("UPDATE 0", "denied"), table
        gave = await attempt(db, me, f"UPDATE {table} SET merchant_id = $1", them)
        assert gave == "denied" or (gave == "UPDATE 0" and table not in FILLED), table
        deleted = await attempt(db, me, f"DELETE FROM {table} WHERE merchant_id = $1", them)
        assert deleted in ("DELETE 0", "denied"), table
        assert await attempt(db, me, f"INSERT INTO {table} (merchant_id) VALUES ($1)", them) == "denied", (
            table
        )
        columns = ", ".join(await list_columns(owner, table))
        copied = f"INSERT INTO {table} (merchant_id, {columns}) SELECT $1, {columns} FROM {table}"
        assert await attempt(db, me, copied, them) in ("denied", "INSERT 0 0"), table
        assert await attempt(db, me, f"TRUNCATE {table}") == "denied", table
    assert await digest_rows(owner, them) == before


async def test_history_cannot_be_rewritten_even_by_its_own_merchant(db: Database, make_merchant: Any):
    mine = await make_merchant()
    me = mine.shop.merchant_id
    for table in (
        "foundation.event",
        "ledger.transfer",
        "identity.audit",
        "commerce.price_entry",
        "commerce.order_line",
        "commerce.payment_event",
    ):
        assert await attempt(db, me, f"UPDATE {table} SET merchant_id = merchant_id") == "denied", table
        assert await attempt(db, me, f"DELETE FROM {table}") == "denied", table
    for table in ("ledger.account", "commerce.sales_order", "commerce.refund", "identity.staff"):
        assert await attempt(db, me, f"DELETE FROM {table}") == "denied", table


@pytest.mark.parametrize("setting", [None, "", "00000000-0000-0000-0000-000000000000"])
async def test_without_a_merchant_of_its_own_a_session_sees_no_rows_at_all(
    db: Database, owner: Database, make_merchant: Any, setting: str | None
):
    theirs = await make_merchant()
    async with db.pool.acquire() as connection:
        for table in await list_tables(owner):
            transaction = connection.transaction()
            await transaction.start()
            if setting is not None:
                await connection.execute("SELECT set_config('serai.merchant_id', $1, true)", setting)
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            with pytest.raises(DENIED):
                await connection.execute(
                    f"INSERT INTO {table} (merchant_id) VALUES ($1)", theirs.shop.merchant_id
                )
            await transaction.rollback()


async def test_a_merchant_that_is_no_uuid_is_refused_before_it_reaches_sql(db: Database):
    for forged in ("' OR true --", "", None, 7):
        with pytest.raises(ValueError):
            async with db.transaction(forged):  # type: ignore[arg-type]
                pass


async def test_one_transactions_merchant_does_not_leak_into_the_next_on_the_same_connection(
    database_url: str, make_merchant: Any
):
    mine, theirs = await make_merchant(), await make_merchant()
    narrow = await open_database(database_url, size=1)
    for merchant in (mine, theirs, mine):
        async with narrow.transaction(merchant.shop.merchant_id, "read") as tx:
            seen = await tx.fetch("SELECT DISTINCT merchant_id FROM commerce.product")
        assert [row["merchant_id"] for row in seen] == [merchant.shop.merchant_id]
        assert await narrow.fetchval("SELECT count(*) FROM commerce.product") == 0
    with pytest.raises(ZeroDivisionError):
        async with narrow.transaction(mine.shop.merchant_id):
            raise ZeroDivisionError
    assert await narrow.fetchval("SELECT count(*) FROM commerce.product") == 0
    await narrow.close()


async def test_the_registry_of_merchants_can_be_read_and_not_written(db: Database, make_merchant: Any):
    me = (await make_merchant()).shop.merchant_id
    async with db.transaction(me, "read") as tx:
        assert await tx.fetchval("SELECT count(*) FROM identity.merchant") >= 1
    for sql in (
        "UPDATE identity.merchant SET hostnames = '{shop.example}'",
        "UPDATE identity.merchant SET slug = 'mine'",
        "UPDATE identity.merchant SET currency = 'EUR'",
        "UPDATE identity.merchant SET merchant_id = gen_random_uuid()",
        "DELETE FROM identity.merchant",
        "INSERT INTO identity.merchant (merchant_id, slug, name, currency, support_email)"
        " VALUES (gen_random_uuid(), 'x', 'x', 'USD', 'x')",
        "SELECT * FROM foundation.secret",
        "SELECT * FROM foundation.subscription",
        "SELECT * FROM foundation.migration",
        "SELECT * FROM foundation.event_rest",
    ):
        assert await attempt(db, me, sql) == "denied", sql


async def test_a_merchant_says_of_itself_alone_what_it_is_called(db: Database, make_merchant: Any):
    me, them = (await make_merchant()).shop.merchant_id, (await make_merchant()).shop.merchant_id
    assert await attempt(db, me, "UPDATE identity.merchant SET name = 'mine'") == "UPDATE 1"
    other = "UPDATE identity.merchant SET name = 'mine' WHERE merchant_id = $1"
    assert await attempt(db, me, other, them) == "UPDATE 0"
    async with db.transaction(me, "read") as tx:
        names = dict(await tx.fetch("SELECT merchant_id, name FROM identity.merchant"))
    assert names[me] == "mine"
    assert names[them] != "mine"


def calls_about(theirs: Merchant) -> list[tuple[str, str, Any]]:
    """API calls that name somebody else's things."""
    cart, order = f"/api/v1/carts/{theirs.cart.cart_id}", f"/api/v1/orders/{theirs.placed.order_id}"
    line, sku = f"{cart}/lines/{theirs.cart.lines[0].line_id}", str(theirs.sku_id)
    here, there = str(theirs.shop.warehouse.place_id), str(theirs.shop.store.place_id)
    category = str(theirs.shop.category.category_id)
    return [
        ("GET", f"/api/v1/products/{theirs.product_id}", None),
        ("PATCH", f"/api/v1/products/{theirs.product_id}", {"version": 1, "title": "mine"}),
        ("GET", f"/api/v1/variants/{sku}/prices", None),
        ("POST", f"/api/v1/variants/{sku}/prices", {"amount_minor": 1}),
        ("POST", "/api/v1/products", {"title": "x", "sku": "x", "category_id": category}),
        ("POST", "/api/v1/stock/receipts", {"sku_id": sku, "place_id": here, "quantity": 1}),
        ("POST", "/api/v1/stock/adjustments", {"sku_id": sku, "place_id": here, "delta": -1, "reason": "x"}),
        (
            "POST",
            "/api/v1/stock/transfers",
            {"sku_id": sku, "from_place_id": here, "to_place_id": there, "quantity": 1},
        ),
        ("POST", "/api/v1/carts", {"place_id": there}),
        ("GET", cart, None),
        ("GET", f"{cart}/quote", None),
        ("POST", f"{cart}/lines", {"sku_id": sku}),
        ("PATCH", line, {"quantity": 1}),
        ("DELETE", line, None),
        ("PUT", f"{cart}/contact", msgspec.to_builtins(CONTACT)),
        ("PUT", f"{cart}/address", msgspec.to_builtins(ADDRESS)),
        ("PUT", f"{cart}/delivery", {"delivery": "ship"}),
        ("POST", f"{cart}/complete", {"digest": "x"}),
        ("GET", order, None),
        ("POST", f"{order}/payment", None),
        ("POST", f"{order}/fulfilment", {}),
        ("POST", f"{order}/cancellation", {}),
        ("POST", f"{order}/refunds", {"amount_minor": 1}),
    ]


async def test_over_the_api_another_merchants_things_do_not_exist(
    owner: Database, transport: httpx.ASGITransport, application: Any, make_merchant: Any
):
    mine, theirs = await make_merchant(), await make_merchant()
    await application.app.state.platform.merchants.refresh()
    before = await digest_rows(owner, theirs.shop.merchant_id)
    untouched = await digest_rows(owner, mine.shop.merchant_id)
    async with api_client(transport, mine.shop, mine.api_secret) as api:
        for method, path, body in calls_about(theirs):
            answer = await api.request(method, path, json=body)
            assert answer.status_code == 404, (method, path, answer.text)
        one_shot = {
            "lines": [{"sku_id": str(theirs.sku_id), "quantity": 1}],
            "contact": msgspec.to_builtins(CONTACT),
            "address": msgspec.to_builtins(ADDRESS),
        }
        assert (await api.post("/api/v1/orders", json=one_shot)).status_code == 422
        assert (await api.get(f"/api/v1/stock/{theirs.sku_id}")).json() == []
        place = str(theirs.shop.warehouse.place_id)
        moves = await api.get(f"/api/v1/stock/{theirs.sku_id}/movements", params={"place_id": place})
        assert moves.json()["items"] == []
        found = (await api.get("/api/v1/products", params={"query": "ice"})).json()["items"]
        assert [card["product_id"] for card in found] == [str(mine.product_id)]
        for path in ("/api/v1/products", "/api/v1/orders", "/api/v1/places", "/api/v1/categories"):
            shown = (await api.get(path)).text
            for name in (theirs.product_id, theirs.placed.order_id, theirs.shop.warehouse.place_id):
                assert str(name) not in shown
    assert await digest_rows(owner, theirs.shop.merchant_id) == before
    assert await digest_rows(owner, mine.shop.merchant_id) == untouched


async def test_pages_of_one_shop_show_nothing_of_another(
    owner: Database, transport: httpx.ASGITransport, application: Any, make_merchant: Any
):
    mine, theirs = await make_merchant(), await make_merchant()
    await application.app.state.platform.merchants.refresh()
    before = await digest_rows(owner, theirs.shop.merchant_id)
    order = f"/orders/{theirs.placed.order_id}"
    key = f"?key={theirs.placed.access_token}"
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{mine.shop.host}") as visitor:
        assert (await visitor.get(f"/p/{mine.slug}")).status_code == 200
        assert (await visitor.get(f"/p/{theirs.slug}")).status_code == 404
        assert (await visitor.get(order + key)).status_code == 404
        assert theirs.slug not in (await visitor.get("/search?q=ice")).text
        # Somebody else's cookies, brought along.
        visitor.cookies.set("member", theirs.member_token, domain=mine.shop.host)
        visitor.cookies.set("cart", theirs.cart_owner.removeprefix("web:"), domain=mine.shop.host)
        assert "ann@example.com" not in (await visitor.get("/account")).text
        assert "Ice, crushed" not in (await visitor.get("/cart")).text
        token = {"_csrf_token": visitor.cookies["csrftoken"]}
        for path in (f"{order}/cancel{key}", f"{order}/pay{key}"):
            assert (await visitor.post(path, data=token)).status_code == 404, path
        line = f"/cart/lines/{theirs.cart.lines[0].line_id}"
        assert (await visitor.post(line, data=token | {"quantity": "1"})).status_code in (303, 404)
        await visitor.post("/cart/lines", data=token | {"sku_id": str(theirs.sku_id), "quantity": "1"})
        assert "Ice, crushed" not in (await visitor.get("/cart")).text
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{theirs.shop.host}") as visitor:
        assert (await visitor.get(order + key)).status_code == 200
        assert (await visitor.get(f"{order}?key=x")).status_code == 404
        assert (await visitor.get(order)).status_code == 404
    assert await digest_rows(owner, theirs.shop.merchant_id) == before


async def test_an_unknown_host_is_the_default_merchants_shop_and_no_other(
    transport: httpx.ASGITransport, application: Any, make_merchant: Any
):
    theirs = await make_merchant()
    registry = application.app.state.platform.merchants
    await registry.refresh()
    assert registry.resolve(theirs.shop.host.upper() + ":8460").merchant_id == theirs.shop.merchant_id
    for host in (
        "nobody.example",
        "",
        "[::1]:80",
        f"x.{theirs.shop.host}",
        f"{theirs.shop.host}.evil.example",
    ):
        assert registry.resolve(host).is_default, host
