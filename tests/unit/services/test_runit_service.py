"""A service as runsv has it: ``x`` brings it down, ``once`` is shown as a want of ``d``."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.protocol.status import Status
from slashservice.supervise.services.actions import ANNOUNCE, DOWN, FORGET, ONCE, SIGNAL, START, UP
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.notes import Notes
from slashservice.supervise.services.personality import RUNSV, RUNSVDIR, SVSCAN
from slashservice.supervise.services.runit_service import RunitLog, RunitService
from slashservice.supervise.services.service import Service

TERM, CONT = 15, 18
NOW = 200.0
STAMP = bytes(12)


def up(want: bytes = UP) -> RunitService:
    service = RunitService(want)
    service.started(100.0)
    return service


def stat(service: RunitService) -> bytes:
    now = Status(STAMP, 7 if service.up else 0, False, service.want, service.termed)
    service.show(now)
    return now.stat()


def test_x_brings_it_down_and_ends() -> None:
    service = up()
    assert service.control(ord("x"), NOW) == [(SIGNAL, TERM), (SIGNAL, CONT), ANNOUNCE]
    assert stat(service) == b"run, got TERM, want exit\n"
    assert service.want == UP, "the next supervisor is to bring it up"
    assert service.exited(NOW) == [ANNOUNCE, FORGET]


def test_x_of_what_is_down_ends() -> None:
    assert RunitService(DOWN).control(ord("x"), NOW) == [ANNOUNCE, FORGET]


@pytest.mark.parametrize(("letter", "then"), [("u", [START]), ("d", [ANNOUNCE]), ("o", [ANNOUNCE])])
def test_another_want_takes_x_back(letter: str, then: list[object]) -> None:
    service = up()
    service.control(ord("x"), NOW)
    service.control(ord(letter), NOW)
    assert b"exit" not in stat(service)
    assert service.exited(NOW) == then


@pytest.mark.parametrize("letter", "pchaiqkt12")
def test_no_signal_takes_x_back(letter: str) -> None:
    service = up()
    service.control(ord("x"), NOW)
    service.control(ord(letter), NOW)
    assert service.exited(NOW) == [ANNOUNCE, FORGET]


def test_a_drain_is_not_taken_back() -> None:
    service = up()
    service.drain(NOW)
    service.control(ord("u"), NOW)
    assert service.exited(NOW) == [ANNOUNCE, FORGET]


def test_x_waits_for_its_control_scripts() -> None:
    service = up()
    service.controls = b"tx"
    service.control(ord("x"), NOW)
    assert service.asking == ord("t")
    assert (SIGNAL, TERM) in service.control_ended(NOW, replaces=False)
    assert service.asking == ord("x")


def test_a_log_does_not_know_x() -> None:
    service = RunitLog(UP)
    service.started(100.0)
    assert service.control(ord("x"), NOW) == []
    assert service.exited(NOW) == [START]


def test_whose_services_are_runits() -> None:
    assert type(SVSCAN.service(UP, is_log=True)) is Service
    for personality in (RUNSV, RUNSVDIR):
        assert type(personality.service(UP, is_log=False)) is RunitService
        assert type(personality.service(UP, is_log=True)) is RunitLog


def announced(directory: ServiceDirectory, notes: Notes, service: Service) -> None:
    """Write a status as it is announced."""
    now = Status(STAMP, 0, False, service.want)
    service.show(now)
    notes.remember(now)
    directory.announce(now)
    notes.forget(now)


def read(directory: ServiceDirectory) -> bytes:
    with open(directory.at(b"supervise/status"), "rb") as file:
        return file.read()[17:18]


@given(letters=st.text("udox", max_size=12))
def test_the_next_supervisor_knows_what_is_meant(
    tmp_path_factory: pytest.TempPathFactory, letters: str
) -> None:
    directory = ServiceDirectory(bytes(tmp_path_factory.mktemp("service")), b"service")
    directory.acquire(b"life", 1000)
    notes = Notes(directory)
    service = up()
    for letter in letters:
        service.control(ord(letter), NOW)
        announced(directory, notes, service)
        shown = read(directory)
        assert shown == (UP if service.want == UP and not service.exits else DOWN)
        assert Notes(directory).want(shown) == service.want
    directory.release()


def test_what_was_meant_long_ago_is_forgotten(directory: ServiceDirectory) -> None:
    """A file of another life of the machine, or of a supervisor of another kind."""
    with open(directory.at(b"supervise/meant"), "wb") as file:
        file.write(ONCE)
    announced(directory, Notes(directory), Service(DOWN))
    assert Notes(directory).want(DOWN) == DOWN


def test_where_it_can_not_be_remembered_it_is_shown(directory: ServiceDirectory) -> None:
    os.mkdir(directory.at(b"supervise/meant"))
    announced(directory, Notes(directory), RunitService(ONCE))
    assert read(directory) == ONCE
