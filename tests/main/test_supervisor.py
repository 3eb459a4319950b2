"""Decisions of the supervisor that need no database: who is given up on, who is not, and in which order all stop."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.main.trial import wait_for

from serai.main.child import Child, spawn_process
from serai.main.fault import Fault
from serai.main.supervisor import StopRequest, Supervisor

NOTE_STOP = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
with open(sys.argv[1], "a") as notes:
    notes.write(sys.argv[2] + "\\n")
"""


class House:
    """A supervisor over small children, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.stop = StopRequest()
        self.supervisor = Supervisor(self.stop, say=self.said.append)

    def add(self, name: str, group: str, code: str, *, essential: bool = True) -> Child:
        log_path = self.folder / f"{name}.log"
        command = [sys.executable, "-c", code, str(self.folder / "notes"), name]
        child = Child(
            name,
            launch=lambda: spawn_process(command, environ=os.environ, log_path=log_path),
            log_path=log_path,
            group=group,
            essential=essential,
        )
        self.supervisor.add(child)
        return child

    def look_until_given_up(self, child: Child) -> None:
        def look() -> bool:
            self.supervisor.look()
            return child.given_up

        wait_for(look)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.supervisor.stop_all()


def test_an_essential_child_that_cannot_live_is_a_fault(house: House) -> None:
    worker = house.add("worker", "worker", "raise SystemExit('no tools')")
    with pytest.raises(Fault) as fault:
        house.look_until_given_up(worker)
    assert "worker ended 5 times" in fault.value.what
    assert any("no tools" in line for line in fault.value.advice)


def test_the_rest_goes_on_without_a_child_that_is_not_essential(house: House) -> None:
    web = house.add("web-1", "web", NOTE_STOP)
    sandbox = house.add("sandbox", "sandbox", "raise SystemExit(3)", essential=False)
    house.look_until_given_up(sandbox)
    pid = web.pid
    for _ in range(3):
        house.supervisor.look()
    assert sandbox.process is None
    assert web.pid == pid
    assert any("The rest goes on without it" in line for line in house.said)


def test_children_stop_group_by_group_from_the_shop_inwards(house: House) -> None:
    for name, group in (("sandbox", "sandbox"), ("worker", "worker"), ("web-1", "web")):
        child = house.add(name, group, NOTE_STOP)
        wait_for(lambda child=child: child.read_last_line() == "ready")  # type: ignore[misc]
    assert house.supervisor.stop_all() == []
    assert (house.folder / "notes").read_text().split() == ["web-1", "worker", "sandbox"]


def test_a_wish_to_stop_ends_the_watch(house: House) -> None:
    house.add("web-1", "web", NOTE_STOP)
    house.stop.make()
    house.supervisor.run()
    assert house.stop.made
