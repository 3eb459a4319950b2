"""A rehearsal of the worst day: everything is backed up while orders flow, lost, and brought back to a moment."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest
from tests.conftest import FakeProvider
from tests.durability.own_postgresql import find_programs, run_own_postgresql
from tests.shop import open_shop

from serai.commerce.settings import CommerceSettings
from serai.commerce.types import Commerce
from serai.foundation.database import open_database
from serai.foundation.embedded import prepare_cluster, start_server, stop_server
from serai.foundation.ids import MerchantId, new_id
from serai.foundation.migration import apply_migrations, list_migrations
from serai.ledger.api import Lane
from serai.main.backup.archive import archive_settings, log_folder
from serai.main.backup.manifest import NAME, Manifest, list_backups
from serai.main.backup.restore import Wish, find_backup, require_restorable, restore_backup
from serai.main.backup.take import read_source, take_backup
from serai.main.check import list_invariants, run_checks
from serai.main.connecting import ensure_database
from serai.main.fault import Fault
from serai.main.installation import DATABASE_NAME, Installation, open_installation
from serai.main.settings import HouseSettings
from serai.main.systems import SYSTEMS

KNOWN = tuple(f"{each.system}/{each.number}" for each in list_migrations(SYSTEMS))
SMALL = {"shared_buffers": "64MB", "max_connections": "40"}


class Premises(msgspec.Struct, frozen=True):
    """An installation with a small shop, whose server runs only where a test says so."""

    house: HouseSettings
    installation: Installation

    @property
    def backups(self) -> Path:
        return Path(self.house.backup_dir)

    @contextmanager
    def running(self) -> Iterator[str]:
        cluster = prepare_cluster(self.installation.pgdata)
        server = start_server(cluster, **SMALL, **archive_settings(self.house, cluster))
        try:
            asyncio.run(ensure_database(cluster.url()))
            yield cluster.url(DATABASE_NAME)
        finally:
            stop_server(server)

    def back_up(self, url: str, keep: int = 7) -> tuple[Path, Manifest]:
        source = asyncio.run(read_source(url))
        return take_backup(
            url, source, self.installation, self.backups, keep=keep, report=lambda what, done, total: None
        )

    def wish(self, backup: Path, **more: object) -> Wish:
        return Wish(backup=backup, log=log_folder(self.backups), replaces=True, **more)  # type: ignore[arg-type]  # as named

    def restore(self, wish: Wish, look: Callable[[str], None]) -> None:
        manifest = require_restorable(wish, KNOWN)
        with restore_backup(wish, manifest, self.installation) as url:
            assert asyncio.run(list_broken(url)) == []
            look(url)


async def list_broken(url: str) -> list[str]:
    return [v.invariant.name async for v in run_checks(url, list_invariants()) if not v.holds]


def make_premises() -> Premises:
    # Not below pytest's folder, which only its own user may enter; with a blank and a quote that a command must bear.
    folder = Path(tempfile.mkdtemp(prefix="serai-back up's-"))
    folder.chmod(0o711)
    house = HouseSettings(data_dir=str(folder / "var"), backup_dir=str(folder / "backup"), backup_log=True)
    installation = open_installation(house.data_dir)
    installation.data_dir.chmod(0o711)
    return Premises(house, installation)


@pytest.fixture(scope="module")
def migrated() -> Iterator[Path]:
    """A cluster with the tables of Serai, to be copied."""
    made = make_premises()
    with made.running() as url:
        asyncio.run(apply_migrations(url, SYSTEMS))
    yield made.installation.pgdata
    shutil.rmtree(made.installation.data_dir.parent)


@pytest.fixture
def premises(migrated: Path) -> Iterator[Premises]:
    made = make_premises()
    subprocess.run(["cp", "-a", migrated, made.installation.pgdata], check=True)
    yield made
    shutil.rmtree(made.installation.data_dir.parent)


async def place_orders(url: str, count: int) -> None:
    """Open a further shop in the database and sell that often."""
    database = await open_database(url, size=4)
    owner = await open_database(url, role=None, size=1)
    lane = Lane(database)
    lane.start()
    commerce = Commerce(database, lane, {"sandbox": FakeProvider()}, CommerceSettings(), b"a secret of tests")
    try:
        merchant_id = MerchantId(new_id())
        shop = await open_shop(owner, commerce, merchant_id, f"shop-{merchant_id.hex[-10:]}")
        sku_id = await shop.add_product(stock=count)
        for _ in range(count):
            await shop.place((sku_id, 1))
    finally:
        await lane.stop()
        await database.close()
        await owner.close()


def read(url: str, question: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(ask())


ORDERS = "SELECT count(*)::int FROM commerce.sales_order"


def order(url: str, count: int) -> None:
    asyncio.run(place_orders(url, count))


def now(url: str) -> datetime:
    moment = read(url, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def wait_kept(url: str, folder: Path) -> None:
    """Close the running file of the log and wait until it is kept."""
    read(url, "SELECT pg_create_restore_point('test')")
    name = read(url, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    read(url, "SELECT pg_switch_wal()")
    for _ in range(300):
        if (folder / f"{name}.gz").exists():
            return
        asyncio.run(asyncio.sleep(0.1))
    raise AssertionError(f"{name} was not kept")


def test_a_shop_is_brought_back_to_a_moment(premises: Premises) -> None:
    """A product is ruined by a wrong statement: the shop is brought back to the moment before, and sells on."""
    (premises.installation.secret_dir / "pay_accounts.json").write_text("[1]")
    (premises.installation.data_dir / "media").mkdir()
    (premises.installation.data_dir / "media" / "a.webp").write_bytes(b"picture")
    with premises.running() as url:
        order(url, 2)
        backup, manifest = premises.back_up(url)
        order(url, 3)
        before = now(url)
        read(url, "UPDATE commerce.order_line SET total_minor = total_minor + 1")
        order(url, 1)
        wait_kept(url, log_folder(premises.backups))
        assert asyncio.run(list_broken(url)) != []
    assert read_modes(premises.backups) == {backup.name: 0o700, "log": 0o700}
    shutil.rmtree(premises.installation.secret_dir)
    (premises.installation.data_dir / "media" / "a.webp").unlink()

    def look(url: str) -> None:
        assert read(url, ORDERS) == 5
        order(url, 1)
        assert asyncio.run(list_broken(url)) == []

    premises.restore(premises.wish(backup, at=before), look)
    assert (premises.installation.secret_dir / "pay_accounts.json").read_text() == "[1]"
    assert (premises.installation.data_dir / "media" / "a.webp").read_bytes() == b"picture"
    # What was there is put aside, not removed; and the shop that came back can be backed up and brought back again.
    assert len(list(premises.installation.data_dir.glob("postgres.before-*"))) == 1
    with premises.running() as url:
        assert read(url, ORDERS) == 6
        second, _manifest = premises.back_up(url)
        order(url, 1)
    assert [path for path, _ in list_backups(premises.backups)] == [backup, second]
    assert find_backup(premises.backups, "newest") == second
    premises.restore(premises.wish(second), lambda url: check_orders(url, 6))
    assert manifest.size > 1_000_000


def read_modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_dir()}


def check_orders(url: str, count: int) -> None:
    assert read(url, ORDERS) == count


def test_the_end_of_the_log_brings_back_every_acknowledged_order(premises: Premises) -> None:
    with premises.running() as url:
        backup, _manifest = premises.back_up(url)
        order(url, 4)
        wait_kept(url, log_folder(premises.backups))
    premises.restore(premises.wish(backup, to_end=True), lambda url: check_orders(url, 4))


def test_moments_that_cannot_be_reached_are_refused_and_nothing_changes(premises: Premises) -> None:
    with premises.running() as url:
        order(url, 1)
        backup, manifest = premises.back_up(url)
        wait_kept(url, log_folder(premises.backups))
        after = now(url)
        order(url, 1)
    for at, why in (
        (manifest.ended_at - timedelta(seconds=1), "after the moment you want"),
        (datetime.now(UTC) + timedelta(hours=1), "in the future"),
    ):
        with pytest.raises(Fault, match=why):
            require_restorable(premises.wish(backup, at=at), KNOWN)
    lost = msgspec.structs.replace(premises.wish(backup, at=after), log=premises.backups / "nowhere")
    with pytest.raises(Fault, match="No log has been kept"):
        require_restorable(lost, KNOWN)
    # The last file of the log never came into the archive: what is in it cannot be promised.
    for path in sorted(log_folder(premises.backups).glob("*.gz"))[-1:]:
        path.unlink()
    with pytest.raises(Fault, match="does not reach"):
        premises.restore(premises.wish(backup, at=after), lambda url: None)
    assert not premises.installation.pgdata.with_name("postgres.restoring").exists()
    with premises.running() as url:
        assert read(url, ORDERS) == 2


def test_what_is_no_whole_backup_is_refused_with_the_reason(premises: Premises, tmp_path: Path) -> None:
    with premises.running() as url:
        backup, _manifest = premises.back_up(url)
    shutil.rmtree(premises.installation.pgdata)

    def spoiled(change: Callable[[Path], object]) -> Path:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)
        change(copy)
        return copy

    def edit(folder: Path, **changes: object) -> None:
        (folder / NAME).write_text(json.dumps(json.loads((folder / NAME).read_text()) | changes))

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    for change, why in (
        (lambda f: os.truncate(f / "base.tar.gz", 10_000), "base.tar.gz has"),
        (lambda f: flip(f / "pg_wal.tar.gz"), "pg_wal.tar.gz has changed"),
        (lambda f: (f / "files.tar.gz").unlink(), "files.tar.gz is missing"),
        (lambda f: (f / NAME).unlink(), "is no backup"),
        (lambda f: os.truncate(f / NAME, 100), "cannot be read"),
        (lambda f: edit(f, format=99), "made by a newer Serai"),
        (lambda f: edit(f, migrations=[*KNOWN, "commerce/9999"]), "commerce/9999"),
        (lambda f: edit(f, server_major=15), "is of PostgreSQL 15"),
    ):
        with pytest.raises(Fault, match=why):
            require_restorable(premises.wish(spoiled(change)), KNOWN)
    with pytest.raises(Fault, match="There is no backup"):
        require_restorable(premises.wish(tmp_path / "nothing"), KNOWN)
    # Even one whose digests fit: every file of the cluster is read against PostgreSQL's own list.
    forged = spoiled(lambda f: f)
    (forged / "backup_manifest").write_text(
        (forged / "backup_manifest").read_text().replace('"Size": 8192', '"Size": 8193', 1)
    )
    parts = [p for p in json.loads((forged / NAME).read_text())["parts"] if p["name"] != "backup_manifest"]
    edit(forged, parts=parts)
    with pytest.raises(Fault, match="damaged"):
        premises.restore(premises.wish(forged), lambda url: None)
    assert not premises.installation.pgdata.exists()


def test_a_log_of_another_shop_is_refused(premises: Premises) -> None:
    with premises.running() as url:
        backup, _manifest = premises.back_up(url)
        order(url, 1)
        wait_kept(url, log_folder(premises.backups))
    # Another cluster with a log of the same names.
    shutil.move(premises.installation.pgdata, premises.installation.pgdata.with_name("first"))
    shutil.move(log_folder(premises.backups), premises.backups / "first log")
    with premises.running() as url:
        asyncio.run(apply_migrations(url, SYSTEMS))
        for _ in range(3):
            order(url, 1)
            wait_kept(url, log_folder(premises.backups))
        moment = now(url)
    with pytest.raises(Fault, match="another database"):
        premises.restore(premises.wish(backup, at=moment), lambda url: None)
    with premises.running() as url:
        assert read(url, ORDERS) == 3


def test_old_backups_and_the_log_before_them_go(premises: Premises) -> None:
    with premises.running() as url:
        premises.back_up(url)
        for _ in range(2):
            order(url, 1)
            wait_kept(url, log_folder(premises.backups))
        asyncio.run(asyncio.sleep(1.1))
        kept_before = sorted(log_folder(premises.backups).glob("*.gz"))
        (premises.backups / ".20200101T000000Z").mkdir()
        with (premises.backups / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(Fault, match="under way"):
                premises.back_up(url)
        assert (premises.backups / ".20200101T000000Z").exists()
        backup, manifest = premises.back_up(url, keep=1)
    assert [path for path, _ in list_backups(premises.backups)] == [backup]
    assert not (premises.backups / ".20200101T000000Z").exists()
    kept = {path.name for path in log_folder(premises.backups).glob("*.gz")}
    assert all(name.removesuffix(".gz") >= manifest.first_log_file for name in kept)
    assert len(kept) < len(kept_before) + 2
    premises.restore(premises.wish(backup), lambda url: check_orders(url, 2))


def test_a_running_shop_is_not_replaced_and_one_that_is_there_only_when_asked(premises: Premises) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SERAI_")}
    environ |= {"SERAI_DATA_DIR": premises.house.data_dir, "SERAI_BACKUP_DIR": premises.house.backup_dir}

    def serai(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "serai.main.cli", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    shutil.move(premises.installation.pgdata, premises.installation.pgdata.with_name("away"))
    assert "There is no shop" in serai("backup").stderr
    shutil.move(premises.installation.pgdata.with_name("away"), premises.installation.pgdata)
    with premises.running() as url:
        order(url, 1)
    made = serai("backup")
    assert made.returncode == 0, made.stderr
    assert Path(made.stdout.strip().splitlines()[-1].rsplit(" (", 1)[0]).is_dir()
    assert "and later" in serai("backup", "--list").stdout
    assert "already" in serai("restore").stderr
    assert "Nobody can be asked" in serai("restore", "--replace").stderr
    assert "time zone" in serai("restore", "--replace", "--yes", "--at", "2026-11-24T10:15:00").stderr
    done = serai("restore", "--replace", "--yes")
    assert done.returncode == 0, done.stderr
    assert "every invariant holds" in done.stdout
    shutil.rmtree(premises.installation.pgdata)
    assert serai("restore", "newest").returncode == 0
    checked = serai("check")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
def test_a_shop_on_ones_own_postgresql_is_backed_up_and_brought_back(premises: Premises) -> None:
    major, programs = find_programs()
    with run_own_postgresql() as url:
        asyncio.run(apply_migrations(url, SYSTEMS))
        order(url, 2)
        backup, manifest = premises.back_up(url)
        order(url, 1)
    assert manifest.server_major == major
    with pytest.raises(Fault, match=f"is of PostgreSQL {major}"):
        require_restorable(premises.wish(backup), KNOWN)
    wish = premises.wish(backup, programs=programs, run_as="postgres")
    premises.restore(wish, lambda url: check_orders(url, 2))
