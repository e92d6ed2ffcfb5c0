"""The environment as a list of raw entries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.chain import environment
from slashservice.supervise.chain.pending import PENDING, Pending

entries = st.lists(st.binary(max_size=6).map(lambda raw: raw.replace(b"\0", b"=")))
names = st.sampled_from([b"A", b"B", b"", b"LONG NAME", b"\xff"])
settings_ = st.lists(st.one_of(names, st.builds(lambda n, v: n + b"=" + v, names, st.binary())))


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Leave this process's own environment as it was."""
    before = dict(os.environb)
    yield
    os.environb.clear()
    os.environb.update(before)


def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    (tmp_path / "environ").write_bytes(data)
    monkeypatch.setattr(environment, "BLOCK", os.fsencode(tmp_path / "environ"))


@given(st.lists(st.binary().map(lambda raw: raw.replace(b"\0", b"x"))))
def test_the_block_is_taken_apart_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, listed: list[bytes]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = tmp_path_factory.mktemp("block")
        block(path, monkeypatch, b"".join(entry + b"\0" for entry in listed))
        monkeypatch.setattr(PENDING, "environment", None)
        assert environment.inherited() == listed


def test_a_large_block_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [b"V%d=%s" % (number, b"x" * 5000) for number in range(100)]
    block(tmp_path, monkeypatch, b"".join(entry + b"\0" for entry in listed))
    assert environment.inherited() == listed


def test_the_list_is_the_callers_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block(tmp_path, monkeypatch, b"A=1\0")
    environment.inherited().append(b"B=2")
    assert environment.inherited() == [b"A=1"]


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ({b"A": b"1", b"LC_CTYPE": b"C.UTF-8"}, [b"A=1"]),
        ({b"A": b"1", b"LC_CTYPE": b"C"}, [b"A=1", b"LC_CTYPE=C"]),
        ({b"LC_CTYPE": b"C.UTF-8", b"A": b"1"}, [b"LC_CTYPE=C.UTF-8", b"A=1"]),
        (
            {b"LC_ALL": b"C", b"LC_CTYPE": b"C.UTF-8"},
            [b"LC_ALL=C", b"LC_CTYPE=C.UTF-8"],
        ),
        ({b"LC_ALL": b"", b"LC_CTYPE": b"C.UTF-8"}, [b"LC_ALL="]),
        ({}, []),
    ],
)
def test_without_proc_the_interpreters_addition_is_taken_out(
    monkeypatch: pytest.MonkeyPatch, copy: dict[bytes, bytes], expected: list[bytes]
) -> None:
    monkeypatch.setattr(environment, "BLOCK", b"/nowhere/environ")
    monkeypatch.setattr(os, "environb", copy)
    assert environment.inherited() == expected


def test_get_is_the_first_and_needs_an_equals_sign() -> None:
    listed = [b"PATH", b"PATHS=0", b"PATH=1", b"PATH=2", b"=3"]
    assert environment.get(b"PATH", listed) == b"1"
    assert environment.get(b"", listed) == b"3"
    assert environment.get(b"NONE", listed) is None


def test_a_change_moves_the_last_entry_into_the_gap() -> None:
    listed = [b"A=1", b"B=2", b"C=3", b"A=4"]
    assert environment.changed(listed, [b"A=5"]) == [b"A=4", b"B=2", b"C=3", b"A=5"]
    assert environment.changed(listed, [b"A"]) == [b"A=4", b"B=2", b"C=3"]
    assert environment.changed(listed, [b"C", b"D=6"]) == [b"A=1", b"B=2", b"A=4", b"D=6"]
    assert environment.changed([b"A=1"], [b"A"]) == []
    assert listed == [b"A=1", b"B=2", b"C=3", b"A=4"]


@given(entries, settings_)
def test_a_change_loses_and_invents_nothing(listed: list[bytes], settings: list[bytes]) -> None:
    result = list(listed)
    for setting in settings:
        before = sorted(result)
        result = environment.changed(result, [setting])
        name, equals, _ = setting.partition(b"=")
        gone = [entry for entry in before if entry.startswith(name + b"=")]
        grown = len(result) - len(before)
        assert grown == (1 if equals else 0) - (1 if gone else 0)
        assert not equals or result[-1] == setting
    assert result == environment.changed(listed, settings)


def test_what_is_handed_over_is_inherited_and_seen_by_the_c_library() -> None:
    listed = [b"A=1", b"odd", b"=x", b"A=2", b"TZ=UTC", b"="]
    environment.hand_over(listed)
    assert environment.inherited() == listed
    assert dict(os.environb) == {b"A": b"1", b"TZ": b"UTC"}


@pytest.mark.parametrize(
    ("settings", "noted"),
    [
        ([b"NEW=1"], False),
        ([b"NEW"], False),
        ([b"A=1"], False),
        ([b"A=2"], True),
        ([b"A"], True),
        ([b"NEW=1", b"NEW"], True),
    ],
)
def test_what_is_taken_out_is_noted(pending: Pending, settings: list[bytes], noted: bool) -> None:
    environment.changed([b"A=1", b"B=2"], settings)
    assert pending.taken_out is noted
