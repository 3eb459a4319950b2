"""The merchants that may use the sandbox: from a private file, the command line or the environment, never built in."""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Secret = Annotated[str, Meta(min_length=16, max_length=200, pattern=r"^[!-~]+$")]


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    """A merchant's account. `secret` opens the API, `webhook_secret` signs webhooks, shoppers see `name`."""

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    secret: Secret
    webhook_secret: Secret
    name: Annotated[str, Meta(max_length=200)] = ""


class AccountsUnusable(Exception):
    """The accounts given at start cannot be used; the message says which and why, and never shows a secret."""


def _decode_accounts(text: str, source: str) -> list[Account]:
    try:
        return msgspec.json.decode(text, type=list[Account])
    except msgspec.DecodeError as error:
        raise AccountsUnusable(f"{source}: {error}") from error


def read_accounts_file(path: Path) -> list[Account]:
    """Read a JSON list of accounts; raises AccountsUnusable when others may read the file (mode 600 is wanted)."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccountsUnusable(f"cannot read {path}: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AccountsUnusable(f"{path} holds secrets and others may read it; run: chmod 600 {path}")
    return _decode_accounts(text, str(path))


def parse_account(text: str) -> Account:
    """Read `slug:secret:webhook_secret`, or raise AccountsUnusable."""
    parts = text.split(":")
    if len(parts) != 3:
        raise AccountsUnusable(
            "--account takes slug:secret:webhook_secret (three parts, no colon inside them)"
        )
    try:
        return msgspec.convert(dict(zip(("slug", "secret", "webhook_secret"), parts, strict=True)), Account)
    except msgspec.ValidationError as error:
        raise AccountsUnusable(f"--account {parts[0]}: {error}") from error


class AccountBook:
    """The accounts by secret and by slug. A file among the sources is read again when it changes."""

    def __init__(self, given: list[Account], file: Path | None) -> None:
        """Raise AccountsUnusable when there is no account at all, or two share a slug or a secret."""
        self._given = given
        self._file = file
        self._file_state: tuple[int, int] | None = None
        self._load()

    def _load(self) -> None:
        accounts = list(self._given)
        if self._file is not None:
            accounts += read_accounts_file(self._file)
            status = self._file.stat()
            self._file_state = (status.st_mtime_ns, status.st_size)
        if not accounts:
            raise AccountsUnusable(
                "no account: give --accounts FILE, --account slug:secret:webhook_secret, or SERAI_SANDBOX_ACCOUNTS"
            )
        by_slug = {account.slug: account for account in accounts}
        by_digest = {_digest(account.secret): account for account in accounts}
        if len(by_slug) != len(accounts) or len(by_digest) != len(accounts):
            raise AccountsUnusable("two accounts share a slug or a secret")
        self._by_slug, self._by_digest = by_slug, by_digest

    def _reload_if_changed(self) -> None:
        if self._file is None:
            return
        try:
            status = self._file.stat()
            if (status.st_mtime_ns, status.st_size) != self._file_state:
                self._load()
        except OSError as error:
            raise AccountsUnusable(f"cannot read {self._file}: {error}") from error

    def find_by_secret(self, secret: str) -> Account | None:
        """Return the account a secret opens, or None. Comparing digests gives away nothing by its timing.

        Raises AccountsUnusable when the file has changed and can no longer be used.
        """
        digest = _digest(secret)
        if digest not in self._by_digest:
            self._reload_if_changed()
        return self._by_digest.get(digest)

    def find_by_slug(self, slug: str) -> Account | None:
        """Return the account or None."""
        return self._by_slug.get(slug)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def gather_accounts(
    texts: list[str], file: Path | None, environment: Mapping[str, str], data_dir: Path
) -> AccountBook:
    """Collect accounts from --account, --accounts, SERAI_SANDBOX_ACCOUNTS (JSON list) and, when none of these
    names any, from `accounts.json` in the data directory."""
    given = [parse_account(text) for text in texts]
    if environment.get("SERAI_SANDBOX_ACCOUNTS"):
        given += _decode_accounts(environment["SERAI_SANDBOX_ACCOUNTS"], "SERAI_SANDBOX_ACCOUNTS")
    default_file = data_dir / "accounts.json"
    if file is None and not given and default_file.exists():
        file = default_file
    return AccountBook(given, file)
