"""The worker's post office: which merchant a letter is for, and where that merchant's shop is found."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from serai.foundation.errors import Outside
from serai.foundation.ids import MerchantId
from serai.foundation.job import Job, JobHandler
from serai.foundation.mail import MAIL_JOB, Postman, Sender
from serai.identity.merchant.api import MerchantRegistry
from serai.identity.merchant.types import Merchant
from serai.main.platform import Platform
from serai.main.settings import HouseSettings


class PostOffice:
    """Sends the letters of all merchants."""

    def __init__(self, merchants: MerchantRegistry, postman: Postman, house: HouseSettings) -> None:
        self._merchants = merchants
        self._postman = postman
        self._house = house

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        """What the worker runs."""
        return {MAIL_JOB: self.send}

    def describe(self) -> str:
        """Where letters go."""
        return self._postman.describe()

    async def find_shop(self, merchant_id: MerchantId) -> str:
        """Where a merchant's shop is found. Outside ``shop`` while it is not known."""
        merchant = self._merchants.find(merchant_id)
        if merchant is None:
            raise Outside("shop", f"merchant {merchant_id} is not known (yet)")
        return find_shop_url(merchant, self._house)

    async def send(self, job: Job) -> None:
        """Send the letter of a job. Outside ``mail`` when that fails."""
        merchant = self._merchants.find(job.merchant_id)
        if merchant is None:
            raise Outside("mail", f"merchant {job.merchant_id} is not known (yet)")
        await self._postman.send(job, make_sender(merchant, self._house))


def make_sender(merchant: Merchant, house: HouseSettings) -> Sender:
    """The merchant as a sender. Links never follow a request's Host header, which anybody can write."""
    return Sender(
        merchant.name,
        house.mail_from or merchant.support_email,
        merchant.support_email,
        find_shop_url(merchant, house),
    )


def find_shop_url(merchant: Merchant, house: HouseSettings) -> str:
    """Where the merchant's shop is found: the installation's address, under the merchant's own name if there is one."""
    if not merchant.hostnames:
        return house.web_url()
    parts = urlsplit(house.web_url())
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{merchant.hostnames[0]}{port}"


def open_post_office(platform: Platform, house: HouseSettings) -> PostOffice:
    """The post office of this installation. ValueError when the mail server's address is none."""
    return PostOffice(platform.merchants, Postman(house.mail_url, Path(house.data_dir) / "outbox"), house)
