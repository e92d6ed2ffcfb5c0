"""Metrics: over any tree, what Prometheus' own parser reads is what is there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from prometheus_client.parser import text_string_to_metric_families

from slashservice.supervise import tai
from slashservice.supervise.admin import exposition, measures, metrics
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.admin.measures import FAMILIES, PREFIX, Measures
from slashservice.supervise.messages import Quit
from slashservice.supervise.protocol import deaths
from slashservice.supervise.protocol.deaths import UNKNOWN, Death
from slashservice.supervise.protocol.status import Status

NOW = 1_800_000_000.0
NAME = some.binary(min_size=1, max_size=40).filter(
    lambda name: name[:1] != b"." and not {0, ord("/")} & set(name)
)
STATUS = some.sampled_from([0, 1 << 8, 111 << 8, 9, 15, 139, UNKNOWN])
DEATHS = some.lists(some.tuples(STATUS, some.none() | some.floats(0, 1e6)), max_size=4)


class Made(NamedTuple):
    """A service to be made. ``log`` has the sizes of its finished files and of ``current``."""

    is_supervised: bool
    pid: int
    want: bytes
    ends: list[tuple[int, float | None]]
    log: list[int] | None
    is_ours: bool


SERVICE = some.builds(
    Made,
    is_supervised=some.booleans(),
    pid=some.sampled_from([0, 7]),
    want=some.sampled_from([b"u", b"d", b"\0"]),
    ends=DEATHS,
    log=some.none() | some.lists(some.integers(0, 5000), min_size=1, max_size=4),
    is_ours=some.booleans(),
)
TREE = some.dictionaries(NAME, SERVICE, max_size=4)


@contextmanager
def made(tree: dict[bytes, Made]) -> Iterator[str]:
    """Make the services, some of which look supervised: their FIFO has a reader."""
    held = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, one in tree.items():
                held += make(os.path.join(os.fsencode(folder), name), one)
            yield folder
        finally:
            for fd in held:
                os.close(fd)


def make(home: bytes, one: Made) -> list[int]:
    """Make a service; return the descriptors that stand for its supervisor."""
    os.makedirs(home + b"/supervise")
    stamp = tai.pack(int((NOW - 50) * 1e9))
    Path(os.fsdecode(home + b"/run")).touch()
    with open(home + b"/supervise/status", "wb") as file:
        file.write(Status(stamp, one.pid, False, one.want).pack())
    with open(home + b"/supervise/lock", "wb") as file:
        file.write(b"x" * one.is_ours)
    for status, seconds in one.ends if one.is_ours else []:
        path = home + b"/supervise/deaths"
        deaths.add(path, path + b".new", Death(stamp, 7, status, seconds))
    if one.log is not None:
        os.makedirs(home + b"/log/main")
        *finished, current = one.log
        for number, size in enumerate(finished):
            label = tai.label(tai.pack(int((NOW - 100 + number) * 1e9)))
            with open(home + b"/log/main/" + label + b".s", "wb") as file:
                file.write(b"x" * size)
        with open(home + b"/log/main/current", "wb") as file:
            file.write(b"x" * current)
    if not one.is_supervised:
        return []
    os.mkfifo(home + b"/supervise/ok")
    return [os.open(home + b"/supervise/ok", os.O_RDWR)]


def told(folder: str) -> dict[tuple[str, str, str], float]:
    """Return what the parser finds: by name, service, and what else there is of labels."""
    text = exposition.text(Measures(Everything(folder), NOW).families())
    found: dict[tuple[str, str, str], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type in ("gauge", "counter")
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("directory") == exposition.told(folder)
            service = labels.pop("service", "")
            key = (sample.name.removeprefix(PREFIX), service, ",".join(labels.values()))
            assert key not in found, "two samples with the same labels"
            found[key] = sample.value
    assert {name for name, _, _ in found} <= FAMILIES.keys()
    return found


@settings(max_examples=80, deadline=None)
@given(TREE)
def test_what_is_told_is_what_is_there(tree: dict[bytes, Made]) -> None:
    with made(tree) as folder:
        found = told(folder)
    assert found["services", "", ""] == len(tree) and found["svscan_up", "", ""] == 0
    states = {key: value for key, value in found.items() if key[0] == "service_state"}
    for name, one in tree.items():
        service = exposition.told(os.fsdecode(name))
        assert sum(value for (_, of, _), value in states.items() if of == service) == 1
        up = one.is_supervised and one.pid > 0
        assert found["service_up", service, ""] == up
        assert found.get(("service_uptime_seconds", service, "")) == (50 if up else None)
        ends = found.get(("service_ends_total", service, ""))
        assert ends == (len(one.ends) if one.is_ours else None)
        if one.is_ours and one.ends:
            restarts = len(one.ends) - 1  # no later than its end was noted
            assert found["service_restarts_total", service, ""] == restarts
            status = one.ends[-1][0]
            code = status >> 8 if status != UNKNOWN and not status & 127 else None
            assert found.get(("service_last_exit_code", service, "")) == code
            number = None if status == UNKNOWN else status & 127
            assert found.get(("service_last_exit_signal", service, "")) == number
        logs = {
            key[0]: value for key, value in found.items() if key[1] == service and "/" in key[2]
        }
        assert logs.get("log_bytes") == (None if one.log is None else sum(one.log))
        if one.log is not None:
            assert logs["log_finished_files"] == len(one.log) - 1
            when = NOW - 100 + len(one.log) - 2 if len(one.log) > 1 else None
            assert logs.get("log_last_rotation_time_seconds") == when


@given(some.lists(some.sampled_from(["start", "die", "say", "kill", "come"]), max_size=40))
def test_counters_never_fall(steps: list[str]) -> None:
    """Whenever somebody looks, also between the steps of a supervisor, and when that is killed."""
    with tempfile.TemporaryDirectory() as folder:
        home = os.path.join(os.fsencode(folder), b"web")
        (ok,) = make(home, Made(True, 0, b"u", [], None, True))
        moment = int(NOW * 1e9)
        pid = noted = starts = 0
        before = (0.0, 0.0)
        for step in steps:
            moment += 1
            if step == "start" and ok and not pid:
                pid, noted, starts = 7, 0, starts + 1
                say(home, moment, pid)
            elif step == "die" and ok and pid and not noted:
                noted = 1
                note(home, moment)
            elif step == "say" and ok and noted:
                pid = noted = 0
                say(home, moment, pid)
            elif step == "kill" and ok:
                os.close(ok)
                ok = 0
            elif step == "come" and not ok:
                # What ran has died meanwhile, or its end was noted, but not said.
                ok = os.open(home + b"/supervise/ok", os.O_RDWR)
                if pid and not noted:
                    note(home, moment)
                pid = noted = 0
                say(home, moment + 1, pid)
                moment += 1
            found = told(folder)
            now = tuple(found[f"service_{what}_total", "web", ""] for what in ("ends", "restarts"))
            assert now >= before and now[1] >= before[1]
            assert max(0, starts - 1) <= now[1] <= starts
            before = now[0], now[1]
        if ok:
            os.close(ok)


def say(home: bytes, moment: int, pid: int) -> None:
    """Write the status, as a supervisor does."""
    with open(home + b"/supervise/status", "wb") as file:
        file.write(Status(tai.pack(moment), pid, False, b"u").pack())


def note(home: bytes, moment: int) -> None:
    """Note a death, as a supervisor does."""
    path = home + b"/supervise/deaths"
    deaths.add(path, path + b".new", Death(tai.pack(moment), 7, 0, None), 3)


@given(NAME, NAME)
def test_different_names_have_different_labels(one: bytes, other: bytes) -> None:
    names = [exposition.told(os.fsdecode(name)) for name in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"a\xff", rb"a\xff"), (rb"a\xff", rb"a\\xff"), (b"\n", rb"\n"), (b"\n", rb"\x0a")],
)
def test_names_that_look_alike(one: bytes, other: bytes) -> None:
    test_different_names_have_different_labels.hypothesis.inner_test(one, other)  # type: ignore[attr-defined]


def test_names_are_as_prometheus_wants_them() -> None:
    for name, what in FAMILIES.items():
        assert re.fullmatch("[a-z]+(_[a-z]+)*", name) and what[-1] == "."
        assert ("_time_" in name or "uptime" in name or "_run_" in name) == name.endswith(
            "_seconds"
        )
    assert measures.PREFIX == "slashservice_"


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e999", "-5"])
def test_a_line_of_deaths_that_makes_no_sense_silences_nothing(seconds: str) -> None:
    """Whoever owns a service can write there."""
    with made({b"web": Made(False, 0, b"u", [(1 << 8, 1.0)], None, True)}) as folder:
        path = os.path.join(folder, "web/supervise/deaths")
        with open(path, "ab") as file:
            label = tai.label(tai.now()).decode()
            file.write(f"{label} 7 exit 2 {seconds}".ljust(deaths.LENGTH - 1).encode() + b"\n")
        found = told(folder)
    assert found["service_last_exit_code", "web", ""] == 1
    assert found["service_last_run_seconds", "web", ""] == 1


def test_a_scan_directory_that_is_closed_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(Quit, match=r"unable to read .*: (access|permission) denied"):
        metrics.main("metrics", [], str(tmp_path))


class TestWriting:
    """``--write``: in one step, and nothing else is touched."""

    @staticmethod
    def write(scan: Path, file: Path | str) -> int:
        """Write them."""
        return metrics.main("metrics", ["--write", str(file)], str(scan))

    @pytest.fixture
    def scan(self, tmp_path: Path) -> Path:
        """A scan directory with a service."""
        (tmp_path / "scan/web").mkdir(parents=True)
        return tmp_path / "scan"

    def test_a_file(self, scan: Path, tmp_path: Path) -> None:
        folder = tmp_path / "collector"
        folder.mkdir()
        for name in (".a.prom", "a.prom{new}", ".a.prom{new}", "a.prom.tmp", "a.prom.new"):
            (folder / name).write_text("another's")
        before = {path.name: path.stat().st_ino for path in folder.iterdir()}
        os.umask(os.umask(0o077))
        for _ in "first", "again":
            assert self.write(scan, folder / "a.prom") == 0
        after = {path.name: path.stat().st_ino for path in folder.iterdir()}
        assert {**before, "a.prom": after["a.prom"]} == after
        assert (folder / "a.prom").stat().st_mode & 0o7777 == 0o644
        assert (folder / "a.prom").read_text().endswith("\n")

    def test_what_the_machine_has_for_devices_stays(
        self, scan: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replaced: list[str] = []
        monkeypatch.setattr(metrics, "_replace", lambda path, data: replaced.append(path))
        for path in ("/dev/null", "/dev/stdout"):
            with pytest.raises(Quit, match="is not replaced"):
                self.write(scan, path)
        assert not replaced

    def test_what_is_no_file_stays(self, scan: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "link").symlink_to("nowhere")
        before = sorted(os.listdir(tmp_path))
        for path in (tmp_path, tmp_path / "fifo", tmp_path / "link"):
            with pytest.raises(Quit) as quit_:
                self.write(scan, path)
            assert b"is not replaced" in quit_.value.line and quit_.value.status == 111
        for path in (tmp_path / "no/file", scan / "web" / ("x" * 300)):
            with pytest.raises(Quit) as quit_:
                self.write(scan, path)
            assert b"unable to write" in quit_.value.line
        assert sorted(os.listdir(tmp_path)) == before
        assert os.listdir(scan / "web") == []

    def test_a_failure_leaves_the_old_file(
        self, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "out").mkdir()
        file = tmp_path / "out/a.prom"
        file.write_text("old")

        def full(fd: int, data: bytes) -> None:
            """Find no space left."""
            os.write(fd, data[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(metrics, "write_all", full)
        with pytest.raises(Quit):
            self.write(scan, file)
        assert file.read_text() == "old" and os.listdir(tmp_path / "out") == ["a.prom"]
