"""Letters: queued with their cause, sent once, tried again when the server falters, parked when it never will."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.mail.post import Post

from serai.foundation import clock, mail
from serai.foundation.database import Database
from serai.foundation.errors import Invalid
from serai.foundation.ids import MerchantId
from serai.foundation.job import MAX_TRIES, Job, list_parked, run_due_jobs
from serai.foundation.mail import MAIL_JOB, Letter, Postman, Sender, parse_server, queue_letter
from serai.foundation.settings import SettingsWrong
from serai.main.settings import load_settings

SENDER = Sender("Corner shop", "shop@example.com", "help@example.com", "https://shop.example")


def letter(**changes: object) -> Letter:
    facts = {
        "to": "ann@example.org",
        "locale": "en",
        "subject": "Your order",
        "lines": ("Hello Ann,", "It is <b>ready</b>."),
        "action": ("See it", "/orders/1?key=a&x=1"),
    }
    return Letter(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    await post.open()
    yield post
    await post.close()


class Round:
    """The worker's part for one merchant: runs due jobs, the clock ahead by ``ahead``; other tests' jobs are left."""

    def __init__(self, owner: Database, merchant_id: MerchantId, postman: Postman) -> None:
        self.owner = owner
        self.merchant_id = merchant_id
        self.postman = postman

    async def run(self, ahead: timedelta = timedelta()) -> int:
        async def send(job: Job) -> None:
            await self.postman.send(job, SENDER)

        name = await self._claim()
        with clock.clock_shifted(ahead):
            return await run_due_jobs(self.owner, {name: send})

    async def _claim(self) -> str:
        """Rename this merchant's jobs, so that parallel tests on one database do not run each other's."""
        name = f"{MAIL_JOB} {self.merchant_id}"
        await self.owner.execute(
            "UPDATE foundation.job SET name = $2 WHERE merchant_id = $1", self.merchant_id, name
        )
        return name

    async def count(self) -> int:
        return await self.owner.fetchval(
            "SELECT count(*) FROM foundation.job WHERE merchant_id = $1", self.merchant_id
        )


@pytest.fixture
def worker(owner: Database, merchant_id: MerchantId, post: Post, tmp_path: Path) -> Round:
    return Round(owner, merchant_id, Postman(f"smtp://127.0.0.1:{post.port}", tmp_path))


async def test_a_letter_leaves_once_with_both_parts_and_escaped(
    db: Database, merchant_id: MerchantId, worker: Round, post: Post
):
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter(leave_path="/leave?t=1"))
    assert await worker.run() == 1
    assert await worker.run(timedelta(days=1)) == 0
    [message] = post.taken
    assert message["To"] == "ann@example.org"
    assert message["From"] == "Corner shop <shop@example.com>"
    assert message["List-Unsubscribe"] == "<https://shop.example/leave?t=1>"
    text = message.get_body(("plain",)).get_content()
    page = message.get_body(("html",)).get_content()
    assert "https://shop.example/orders/1?key=a&x=1" in text
    assert "It is <b>ready</b>." in text
    assert "It is &lt;b&gt;ready&lt;/b&gt;." in page
    assert await worker.count() == 0


async def test_a_letter_of_a_transaction_that_fails_never_existed(
    db: Database, merchant_id: MerchantId, worker: Round
):
    with pytest.raises(ZeroDivisionError):
        async with db.transaction(merchant_id) as tx:
            await queue_letter(tx, letter())
            raise ZeroDivisionError
    assert await worker.count() == 0


@pytest.mark.parametrize("mood", ["later", "drop", "stall"])
async def test_a_faltering_server_is_asked_again_with_the_same_message_id(
    db: Database, merchant_id: MerchantId, worker: Round, post: Post, mood, monkeypatch
):
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.5)
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter())
    post.mood = mood
    assert await worker.run() == 1
    assert post.taken == []
    post.mood = "take"
    assert await worker.run() == 0, "it waits before it comes again"
    assert await worker.run(timedelta(seconds=30)) == 1
    assert len(post.taken) == 1
    assert await worker.count() == 0


async def test_a_mailbox_that_is_not_there_parks_the_letter_with_the_reason(
    db: Database, merchant_id: MerchantId, worker: Round, post: Post
):
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter())
    post.mood = "never"
    await worker.run()
    assert await worker.run(timedelta(days=30)) == 0
    async with db.transaction(merchant_id, "read") as tx:
        [parked] = await list_parked(tx)
    assert (parked.tries, "550" in parked.reason) == (1, True)
    assert post.tries == 1


async def test_a_server_that_stays_away_is_given_up_after_the_last_try(
    db: Database, merchant_id: MerchantId, worker: Round, post: Post
):
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter())
    post.mood = "later"
    for day in range(MAX_TRIES + 3):
        await worker.run(timedelta(days=day))
    async with db.transaction(merchant_id, "read") as tx:
        [parked] = await list_parked(tx)
    assert parked.tries == post.tries == MAX_TRIES


async def test_without_a_server_letters_lie_in_the_outbox_for_their_owner_alone(
    owner: Database, db: Database, merchant_id: MerchantId, tmp_path: Path
):
    worker = Round(owner, merchant_id, Postman("", tmp_path / "outbox"))
    assert "nobody gets them" in worker.postman.describe()
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter(locale="zh_Hans", subject="您的订单", lines=("您好",)))
    await worker.run()
    [path] = (tmp_path / "outbox").iterdir()
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o77 == 0
    assert b"utf-8" in path.read_bytes()


@pytest.mark.parametrize(
    "to",
    ["", "ann", "ann@example.org\nBcc: eve@example.org", "a b@example.org", "ann@example.org, eve@x.org"],
)
async def test_an_address_that_could_be_a_header_is_refused(db: Database, merchant_id: MerchantId, to):
    with pytest.raises(Invalid):
        async with db.transaction(merchant_id) as tx:
            await queue_letter(tx, letter(to=to))


async def test_a_subject_cannot_bring_headers_of_its_own(
    db: Database, merchant_id: MerchantId, worker: Round, post: Post
):
    async with db.transaction(merchant_id) as tx:
        await queue_letter(tx, letter(subject="Hello\r\nBcc: eve@example.org"))
    await worker.run()
    [message] = post.taken
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: eve@example.org"


@pytest.mark.parametrize(
    "url",
    ["http://mail", "smtp://", "mail.example.org:25", "smtp://mail:notaport", "smtp://u:my#secret@mail"],
)
def test_an_address_of_no_mail_server_is_refused_before_anything_starts_and_never_quoted(url):
    with pytest.raises(ValueError, match="smtp://HOST"):
        parse_server(url)
    with pytest.raises(SettingsWrong) as wrong:
        load_settings({"SERAI_MAIL_URL": url})
    assert "smtp://HOST" in str(wrong.value)
    assert "my" not in str(wrong.value)
