"""Which limits are set at once, which wait, and what becomes of those."""

from __future__ import annotations

import os
import resource
import sys

import pytest

from slashservice.supervise.chain import limits
from slashservice.supervise.chain.limits import SoftLimits
from slashservice.supervise.chain.pending import Pending

INFINITE = limits.UNLIMITED
MEGABYTE = 1 << 20


System = dict[int, list[int]]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    """Limits of a process that isn't this one: ``{resource: [soft, hard]}``."""
    table = {
        number: [INFINITE, INFINITE] for group in limits.RESOURCES.values() for number in group
    }
    table[resource.RLIMIT_NOFILE] = [1024, 4096]

    def signed(number: int) -> int:
        return number - (number >> 63 << 64)

    def set_limit(number: int, pair: tuple[int, int]) -> None:
        soft, hard = (one & INFINITE for one in pair)
        if soft > hard:
            raise ValueError("current limit exceeds maximum limit")
        if hard > table[number][1]:
            raise ValueError("not allowed to raise maximum limit")
        assert signed(soft) == pair[0], "Python takes signed numbers"
        table[number] = [soft, hard]

    monkeypatch.setattr(resource, "getrlimit", lambda number: tuple(map(signed, table[number])))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return table


def waiting_limits(pending: Pending) -> SoftLimits:
    """Return the limits that wait."""
    assert pending.waiting is not None
    return pending.waiting


def test_at_once(system: System, pending: Pending) -> None:
    for number in (resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_MEMLOCK):
        pending.soft_limits().set(number, 5)
        assert system[number] == [5, INFINITE]
    pending.soft_limits().set(resource.RLIMIT_CORE, 2**63 + 1)
    assert pending.soft_limits().get(resource.RLIMIT_CORE) == (2**63 + 1, INFINITE)
    assert pending.waiting is None


def test_no_compiled_file_is_cut_short(system: System, pending: Pending) -> None:
    pending.soft_limits().set(resource.RLIMIT_FSIZE, 5)
    assert sys.dont_write_bytecode


@pytest.mark.parametrize("number", limits.WAITING)
def test_what_waits_is_not_set_but_told(system: System, number: int, pending: Pending) -> None:
    pending.soft_limits().set(number, 5)
    pending.soft_limits().set(number, 7)
    assert system[number][0] != 7
    assert pending.soft_limits().get(number)[0] == 7
    assert pending.waiting is pending.soft_limits()
    waiting_limits(pending).apply()
    assert system[number][0] == 7
    pending.waiting.lift()
    assert system[number][0] in (1024, INFINITE)
    assert pending.waiting.tight == (number in limits.MEMORY)


def test_descriptors_are_limited_for_the_child_alone(system: System, pending: Pending) -> None:
    pending.soft_limits().set(resource.RLIMIT_NOFILE, 2)
    fd = os.open("/dev/null", os.O_RDONLY)
    with pytest.raises(OSError, match="Too many open files"):
        pending.allowed(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    pending.soft_limits().set(resource.RLIMIT_NOFILE, 1000)
    fd = os.open("/dev/null", os.O_RDONLY)
    assert pending.allowed(fd) == fd
    os.close(fd)


def test_settling_sets_what_can_be_borne(system: System, pending: Pending) -> None:
    pending.soft_limits().set(resource.RLIMIT_NOFILE, 20)
    pending.soft_limits().set(resource.RLIMIT_CPU, 3)
    pending.soft_limits().set(resource.RLIMIT_AS, 10**12)
    waiting_limits(pending).settle()
    assert system[resource.RLIMIT_NOFILE][0] == 20
    assert system[resource.RLIMIT_CPU][0] == 3
    assert system[resource.RLIMIT_AS][0] == 10**12
    assert pending.waiting is None
    assert pending.soft_limits().descriptors is None


def test_what_can_not_be_borne_still_waits_for_the_children(
    system: System, pending: Pending
) -> None:
    for number in limits.MEMORY:
        pending.soft_limits().set(number, 5)
    waiting = waiting_limits(pending)
    waiting.settle()
    assert system[resource.RLIMIT_STACK][0] == MEGABYTE
    assert 10 * MEGABYTE < system[resource.RLIMIT_AS][0] < 10_000 * MEGABYTE
    assert limits.ROOM < system[resource.RLIMIT_DATA][0] <= system[resource.RLIMIT_AS][0]
    waiting.apply()
    assert {system[number][0] for number in limits.MEMORY} == {5}


def test_a_hard_limit_is_never_passed(system: System, pending: Pending) -> None:
    system[resource.RLIMIT_AS] = [4096, 4096]
    pending.soft_limits().set(resource.RLIMIT_AS, 5)
    waiting_limits(pending).settle()
    assert system[resource.RLIMIT_AS] == [4096, 4096]


def test_without_proc_memory_waits_for_the_children(
    system: System, monkeypatch: pytest.MonkeyPatch, pending: Pending
) -> None:
    monkeypatch.setattr(limits, "MEMORY_IN_USE", "/nowhere/statm")
    pending.soft_limits().set(resource.RLIMIT_AS, 10**12)
    waiting_limits(pending).settle()
    assert system[resource.RLIMIT_AS][0] == INFINITE
    waiting_limits(pending).apply()
    assert system[resource.RLIMIT_AS][0] == 10**12


def test_errors_are_those_of_the_system(system: System, pending: Pending) -> None:
    for words, number in (("current limit exceeds", 22), ("not allowed to raise", 1)):

        def refuse(*_: object, words: str = words) -> None:
            raise ValueError(words)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resource, "setrlimit", refuse)
            with pytest.raises(OSError) as caught:
                pending.soft_limits().set(resource.RLIMIT_CORE, 5)
            assert caught.value.errno == number
