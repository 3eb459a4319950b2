"""Letters to people: composed in their language in the business transaction, sent by a job of the worker over SMTP.

Without a mail server they become ``.eml`` files in the outbox folder, where any mail program opens them.
"""

import logging
import os
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
import jinja2
import msgspec

from serai.foundation import clock
from serai.foundation.database import Transaction
from serai.foundation.errors import Invalid, Outside, _
from serai.foundation.i18n import LANGUAGE_TAGS
from serai.foundation.job import Job, enqueue

log = logging.getLogger("serai.mail")

MAIL_JOB = "send mail"
TIMEOUT_S = 20.0
SUBJECT_LIMIT = 200
ADDRESS = re.compile(r"[^@\s<>\"'(),;:\\]{1,64}@[^@\s<>\"'(),;:\\]{1,250}")
SCHEMES = {"smtp": 25, "smtps": 465}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is told, in plain texts of their language: templates escape them and add the merchant around.

    Attributes:
        lines: paragraphs above the button; ``rows`` (label, value) stand below them as a table.
        action: text of the button and a path of the shop, or empty texts.
        small: paragraphs below the button.
        leave_path: path under which the reader ends such letters with one request (RFC 8058), where there is one.
    """

    to: str
    locale: str
    subject: str
    lines: tuple[str, ...]
    rows: tuple[tuple[str, str], ...] = ()
    action: tuple[str, str] = ("", "")
    small: tuple[str, ...] = ()
    leave_path: str = ""


class Sender(msgspec.Struct, frozen=True):
    """For whom letters go out: the merchant's name, addresses, and where the shop's paths begin (no slash at its end)."""

    name: str
    address: str
    reply_to: str
    base_url: str


class MailServer(msgspec.Struct, frozen=True):
    """Where letters are handed in; ``is_tls`` from the first byte, else upgraded when the server offers it."""

    host: str
    port: int
    user: str | None
    password: str | None
    is_tls: bool


async def queue_letter(tx: Transaction, letter: Letter) -> None:
    """Let the worker send a letter once the transaction has committed. Invalid ``email.invalid``."""
    if not ADDRESS.fullmatch(letter.to):
        raise Invalid("email.invalid", _("That is not an e-mail address."), field="email")
    await enqueue(tx, MAIL_JOB, letter)


async def drop_letters(tx: Transaction, *, to: str) -> None:
    """Forget letters to an address that have not been sent."""
    await tx.execute(
        "DELETE FROM foundation.job WHERE merchant_id = $1 AND name = $2 AND lower(payload->>'to') = $3",
        tx.merchant_id,
        MAIL_JOB,
        to.lower(),
    )


def parse_server(url: str) -> MailServer:
    """The server of an address such as ``smtp://user:password@mail.example.org:587``. ValueError when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or SCHEMES.get(parts.scheme, 0)
    except ValueError:
        # Its words would quote what it took for a port, which may be a piece of the password.
        parts, port = urlsplit(""), 0
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(
            "the mail server is smtp://HOST[:PORT] or smtps://HOST[:PORT], with user:password@ if need be"
        )
    return MailServer(
        parts.hostname,
        port,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        parts.scheme == "smtps",
    )


def compose_message(letter: Letter, sender: Sender, message_id: str) -> EmailMessage:
    """The letter as a message with a plain and an HTML part. The id follows from the job: a repeat is recognisable."""
    message = EmailMessage()
    message["From"] = Address(_one_line(sender.name), addr_spec=sender.address)
    message["To"] = Address(addr_spec=letter.to)
    message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["Subject"] = _one_line(letter.subject)[:SUBJECT_LIMIT]
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{message_id}@{sender.address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = LANGUAGE_TAGS.get(letter.locale, "en")
    if letter.leave_path:
        message["List-Unsubscribe"] = f"<{sender.base_url}{letter.leave_path}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    facts = {"letter": letter, "sender": sender, "language_tag": LANGUAGE_TAGS.get(letter.locale, "en")}
    message.set_content(_templates().get_template("letter.txt").render(facts))
    message.add_alternative(_templates().get_template("letter.html").render(facts), subtype="html")
    return message


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("serai.foundation") / "templates/mail")),
        autoescape=jinja2.select_autoescape(("html",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Postman:
    """Takes letters out: to the server, or without one into the outbox folder."""

    def __init__(self, server_url: str, outbox: Path) -> None:
        self.server = parse_server(server_url) if server_url else None
        self.outbox = outbox

    def describe(self) -> str:
        """Where letters go, in one sentence for the log."""
        if self.server:
            return f"mail goes to {self.server.host}:{self.server.port}"
        return f"no mail server is set (SERAI_MAIL_URL): letters are only written to {self.outbox}, nobody gets them"

    async def send(self, job: Job, sender: Sender) -> None:
        """Send the letter of a job.

        Raises:
            Outside: ``mail``; retryable unless the server refuses this letter for good.
        """
        letter = msgspec.convert(job.payload, Letter)
        message = compose_message(letter, sender, f"{job.job_id}")
        if self.server is None:
            self._write(message, f"{job.job_id}.eml")
            return
        server = self.server
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.is_tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refused.code for refused in error.recipients}
            raise _failed(error, retryable=all(code < 500 for code in codes)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failed(error, retryable=error.code < 500) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise _failed(error, retryable=False) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _failed(error, retryable=True) from error

    def _write(self, message: EmailMessage, name: str) -> None:
        self.outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.outbox / name
        draft = path.with_suffix(".part")
        # Letters carry links that sign people in: the owner of the data alone may read them.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(message.as_bytes())
        os.replace(draft, path)
        log.info("a letter lies in %s", path)


def _failed(error: Exception, *, retryable: bool) -> Outside:
    return Outside("mail", f"{type(error).__name__}: {error}"[:300], retryable=retryable)
