"""Which settings this installation reads from the environment: those of its processes, and each system's own Struct."""

import importlib
import inspect
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serai.foundation.mail import parse_server
from serai.foundation.settings import Setting, SettingsWrong, read_settings
from serai.main.systems import SURFACES, SYSTEMS

MASK = "********"
SECRET_ENDINGS = ("secret", "password", "token", "key")


class HouseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the processes themselves; the defaults run a laptop."""

    data_dir: Annotated[
        str, Meta(min_length=1, description="Folder of database, logs, secrets and uploads")
    ] = "./var"
    database_url: Annotated[
        str, Meta(description="Your own PostgreSQL 15 or newer (postgresql://...); empty: the embedded one")
    ] = ""
    bind_address: Annotated[str, Meta(min_length=1, description="Address the web workers listen on")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of shop, console and API")] = 8460
    public_url: Annotated[
        str, Meta(description="Address shoppers use, when it differs from http://BIND_ADDRESS:PORT")
    ] = ""
    workers: Annotated[int, Meta(ge=1, le=64, description="Number of web worker processes")] = 2
    sandbox_port: Annotated[int, Meta(ge=1, le=65535, description="Port of the payment sandbox")] = 8461
    providers_port: Annotated[
        int,
        Meta(ge=1, le=65535, description="Port of the simulated providers, with serai up --providers"),
    ] = 8462
    mail_url: Annotated[
        str,
        Meta(
            description="Mail server, smtp://USER:PASSWORD@HOST:PORT or smtps://; empty: letters become files"
        ),
    ] = ""
    mail_from: Annotated[
        str, Meta(description="Address that letters come from; empty: the merchant's own for support")
    ] = ""
    backup_dir: Annotated[
        str, Meta(description="Folder of backups and the kept log; empty: `backup` in the data directory")
    ] = ""
    backup_log: Annotated[
        bool,
        Meta(
            description="Keep the embedded database's log, so that any moment after a backup can be restored"
        ),
    ] = False
    log_limit_mb: Annotated[
        int,
        Meta(ge=1, le=10_000, description="Size at which a process log is rotated; one older part is kept"),
    ] = 10
    process_name: Annotated[
        str, Meta(pattern="^[a-z0-9-]{0,40}$", description="Name in metrics; `serai up` names its processes")
    ] = ""
    metrics_token: Annotated[
        str, Meta(description="Bearer token that opens /metrics; empty: it answers on this machine only")
    ] = ""
    trace_url: Annotated[
        str,
        Meta(description="Where traces go (OTLP over HTTP, http://HOST:4318/v1/traces); empty: no traces"),
    ] = ""
    trace_share: Annotated[
        float,
        Meta(ge=0, le=1, description="Share of requests that are traced, when the caller did not decide"),
    ] = 0.05

    def __post_init__(self) -> None:
        if self.mail_url:
            parse_server(self.mail_url)

    def web_url(self) -> str:
        """Address of the shop without a slash at its end."""
        return self.public_url.rstrip("/") or f"http://{self.bind_address}:{self.port}"


class ShownSetting(msgspec.Struct, frozen=True):
    """One line of ``serai settings``; secrets in ``value`` are masked."""

    name: str
    value: str
    origin: str
    meaning: str


def list_structs() -> dict[str, type[msgspec.Struct]]:
    """The settings Struct of every system that has one; ``foundation`` stands for the processes (``SERAI_<FIELD>``)."""
    structs: dict[str, type[msgspec.Struct]] = {"foundation": HouseSettings}
    for system in (*SYSTEMS, *SURFACES):
        name = f"serai.{system}.settings"
        if system == "foundation" or find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        own = [
            member
            for member in vars(module).values()
            if inspect.isclass(member) and issubclass(member, msgspec.Struct) and member.__module__ == name
        ]
        if len(own) != 1:
            raise TypeError(f"{name} must hold exactly one Struct, not {len(own)}")
        structs[system] = own[0]
    return structs


def load_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Each system's Struct, filled. SettingsWrong lists every unusable variable at once."""
    return read_settings(environ, list_structs())[0]


def load_house(environ: Mapping[str, str]) -> HouseSettings:
    """The processes' own settings, after all systems' settings were found usable. Raises SettingsWrong."""
    house: HouseSettings = load_settings(environ)["foundation"]
    return house


def describe_settings(environ: Mapping[str, str]) -> list[ShownSetting]:
    """Every setting with its value (secrets masked), origin and meaning. Raises SettingsWrong."""
    structs = list_structs()
    _, listed = read_settings(environ, structs)
    meanings = {}
    for system, struct in structs.items():
        prefix = "SERAI_" if system == "foundation" else f"SERAI_{system.upper()}_"
        for field in msgspec.structs.fields(struct):
            meanings[prefix + field.name.upper()] = _meaning(field.type)
    return [ShownSetting(s.name, show_value(s), s.origin, meanings[s.name]) for s in listed]


def show_value(setting: Setting) -> str:
    """The value as text; a secret as asterisks, an address without its password."""
    value = setting.value
    if isinstance(value, str) and "://" in value:
        return hide_password(value)
    if value and setting.name.lower().endswith(SECRET_ENDINGS):
        return MASK
    return "" if value is None else str(value)


def hide_password(url: str) -> str:
    """The address with its password replaced by asterisks.

    An unquoted password may hold any character, so everything up to the last at-sign counts as one.
    """
    hidden = re.sub(r"://([^:/?@]*):.*@", rf"://\1:{MASK}@", url, flags=re.DOTALL)
    return re.sub(r"(?<=[?&]password=)[^&]*", MASK, hidden)


def _meaning(field_type: Any) -> str:
    for extra in getattr(field_type, "__metadata__", ()):
        if isinstance(extra, Meta) and extra.description:
            return extra.description
    return ""


__all__ = [
    "HouseSettings",
    "SettingsWrong",
    "ShownSetting",
    "describe_settings",
    "hide_password",
    "list_structs",
    "load_house",
    "load_settings",
]
