"""`serai import products FILE`: the real command on a real database, its exit codes, and what it says."""

import asyncio
import csv
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from tests.conftest import make_database
from tests.main.trial import clean_environ, run_serai

from serai.commerce.place.api import add_places
from serai.commerce.place.types import Place
from serai.foundation.database import open_database
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.migration import apply_migrations
from serai.identity.merchant.api import add_merchant
from serai.main.systems import SYSTEMS


@pytest.fixture
async def shop_url(server_url: str) -> str:
    """A database of its own with one merchant and its warehouse: the command looks at all merchants there are."""
    url = await make_database(server_url, f"serai_import_{uuid4().hex[:12]}")
    await apply_migrations(url, SYSTEMS)
    await open_merchant(url, "tea-house")
    return url


async def open_merchant(url: str, slug: str) -> None:
    owner, db = await open_database(url, role=None, size=1), await open_database(url, size=1)
    merchant_id = MerchantId(new_id())
    await add_merchant(
        owner,
        merchant_id=merchant_id,
        slug=slug,
        name=slug,
        currency="CNY",
        locale="zh_Hans",
        support_email="help@example.com",
    )
    async with db.transaction(merchant_id) as tx:
        await add_places(tx, places=[Place(new_id(), "online", "Warehouse", "warehouse", True, True)])
    await db.close()
    await owner.close()


async def count_products(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM commerce.product"))
    finally:
        await connection.close()


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["货号,品名,价格,库存", *lines, ""]), encoding="utf-8")
    return path


async def test_a_file_is_imported_and_rejects_are_told(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "茶.csv", "T-1,龙井,¥88.00,5", "T-2,毛尖,八十,3", "T-3,普洱,60,1")
    first = run_serai("import", "products", str(path), database_url=shop_url)
    assert (first.returncode, first.stderr) == (0, "")
    assert "新增商品" in first.stdout
    rejected = tmp_path / "茶.rejected.csv"
    assert str(rejected) in first.stdout
    rows = list(csv.reader(rejected.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[1][:4] == ["T-2", "毛尖", "八十", "3"]
    assert "不是价格" in rows[1][4]
    assert rows[1][5] == "3"
    again = run_serai("import", "products", str(path), "--locale", "en", database_url=shop_url)
    assert again.returncode == 0
    counts = dict(
        line.rsplit(maxsplit=1) for line in again.stdout.splitlines() if line.startswith("Products")
    )
    assert counts == {"Products added": "0", "Products changed": "0", "Products unchanged": "2"}
    check = run_serai("check", database_url=shop_url)
    assert check.returncode == 0, check.stdout


async def test_a_check_alone_writes_nothing(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "T-1,龙井,88,5")
    run = run_serai("import", "products", str(path), "--dry-run", "--locale", "en", database_url=shop_url)
    assert run.returncode == 0
    assert "only a check" in run.stdout
    assert await count_products(shop_url) == 0


async def test_nothing_imported_is_exit_code_1(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "T-1,,88,5")
    assert run_serai("import", "products", str(path), database_url=shop_url).returncode == 1
    path.write_text("colour,size\nred,1\n", encoding="utf-8")
    run = run_serai("import", "products", str(path), "--locale", "en", database_url=shop_url)
    assert run.returncode == 1
    assert "colour, size" in run.stderr
    assert "Traceback" not in run.stderr


async def test_rejects_that_cannot_be_written_stop_the_import(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "T-1,龙井,88,5", "T-2,,1,1")
    nowhere = str(tmp_path / "missing" / "r.csv")
    run = run_serai(
        "import", "products", str(path), "--rejected", nowhere, "--locale", "en", database_url=shop_url
    )
    assert run.returncode == 1
    assert "--rejected" in run.stderr
    assert await count_products(shop_url) == 0


async def test_a_wrong_call_is_exit_code_2(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "T-1,龙井,88,5")
    for call in (
        [str(tmp_path / "gone.csv")],
        [str(tmp_path)],
        [str(path), "--locale", "xx"],
        [str(path), "--merchant", "nobody"],
        [],
    ):
        assert run_serai("import", "products", *call, database_url=shop_url).returncode == 2, call
    assert run_serai("import", "products", str(path), database_url=shop_url).returncode == 0


async def test_of_several_merchants_one_must_be_named(shop_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "T-1,龙井,88,5")
    await open_merchant(shop_url, "oil-house")
    run = run_serai("import", "products", str(path), database_url=shop_url)
    assert run.returncode == 2
    assert "tea-house, oil-house" in run.stderr
    for slug in ("tea-house", "oil-house"):
        run = run_serai("import", "products", str(path), "--merchant", slug, database_url=shop_url)
        assert run.returncode == 0
    assert await count_products(shop_url) == 2


@pytest.mark.kill
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_an_import_that_is_ended_leaves_nothing_and_runs_again(
    shop_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    path = write(tmp_path / "a.csv", *(f"T-{n},茶,88,5" for n in range(3_000)))
    async with holding_address(shop_url, "t-2999"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serai.main.cli", "import", "products", str(path)),
            env=clean_environ(database_url=shop_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await wait_until(shop_url, "count(*) FILTER (WHERE wait_event_type = 'Lock') = 1")
        process.send_signal(number)
        _output, told = await asyncio.wait_for(process.communicate(), 60)
    await wait_until(shop_url, "count(*) = 1")
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert b"run the same command again" in told
        assert b"Traceback" not in told
    assert await count_products(shop_url) == 0
    assert run_serai("import", "products", str(path), database_url=shop_url).returncode == 0
    assert await count_products(shop_url) == 3_000


@asynccontextmanager
async def holding_address(url: str, slug: str) -> AsyncIterator[None]:
    """A product of that address, made by somebody who does not commit: whoever makes another one waits."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        "INSERT INTO commerce.category (merchant_id, category_id, slug, name)"
        " SELECT merchant_id, gen_random_uuid(), 'held', 'Held' FROM identity.merchant"
    )
    await connection.execute(
        "INSERT INTO commerce.product (merchant_id, product_id, category_id, slug, title)"
        " SELECT merchant_id, gen_random_uuid(), category_id, $1, 'Held' FROM commerce.category",
        slug,
    )
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def wait_until(url: str, condition: str) -> None:
    """Look at the sessions of the database until a condition on them holds."""
    connection = await asyncpg.connect(url)
    try:
        for _look in range(600):
            if await connection.fetchval(
                f"SELECT {condition} FROM pg_stat_activity"  # sql: conditions of this file
                " WHERE datname = current_database() AND backend_type = 'client backend'"
            ):
                return
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    raise AssertionError(condition)
