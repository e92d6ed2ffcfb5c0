"""Units that the real systemd starts, and the services that are made of them: just the same.

Each unit is started by the systemd of a machine, and what it is there is seen in ``/proc``. Then
all are imported, and started by the svscan of the same machine.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
from typing import Any

import pytest
from helpers import units
from helpers.boots.namespaces import guest
from helpers.boots.story import do, eventually, install
from helpers.boots.trees import RECIPES
from helpers.units import Unit
from testinfra.host import Host

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

GENERATED, SEED = 150, 1
ITS_OWN = {"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "PWD"}
"""Variables that systemd, or the shell of a run script, has for each service."""

SOFT_ONLY = ("cpu time", "data size", "stack size", "resident set")
"""Limits of which the page on converting says that they are soft limits only."""

NEVER = 2**64 - 1
"""What systemd has for a time that never comes."""

Seen = dict[str, Any]


def looked_at(host: Host, pids: dict[str, int]) -> dict[str, Seen]:
    """Return what processes are, by the names that are given, once they are their program."""
    command = f"printf %s {shlex.quote(json.dumps(pids))} | python3 /srv/look"

    def all_of_them() -> dict[str, Seen]:
        found: dict[str, Seen] = json.loads(host.run(command).stdout or "{}")
        ready = all("read x </srv/never" in one["words"] for one in found.values())
        return found if ready else {}

    return eventually(all_of_them, "they are what they shall be")


def main_pids(host: Host, names: str) -> dict[str, int]:
    """Return the pids of units that run, by the names of their files."""
    parts = do(host, f"systemctl show -p Id,MainPID -- {names}").strip().split("\n\n")
    shown = [dict(re.findall("(.*)=(.*)", one)) for one in parts]
    return {one["Id"]: int(one["MainPID"]) for one in shown if one["MainPID"] != "0"}


def by_systemd(host: Host, all_units: list[Unit]) -> dict[str, Seen]:
    """Start units, look at them, and kill them; return what those were that ran."""
    names = shlex.join(unit.file for unit in all_units)
    host.run(f"systemctl start --no-block -- {names}")
    eventually(lambda: "No jobs" in host.run("systemctl list-jobs").stdout, "all are started")
    found = looked_at(host, main_pids(host, names))
    host.run(f"systemctl kill -s KILL -- {names}")
    eventually(lambda: not main_pids(host, names), "all have ended")
    return found


def by_svscan(host: Host, wanted: list[Unit]) -> dict[str, Seen]:
    """Import units; return what their services are."""
    files = shlex.join(f"{units.ETC}/{unit.file}" for unit in wanted)
    told = host.run(f"slashservice import --no-log -- {files}")
    ends = host.run("tail -n 1 /etc/slashservice/*/supervise/deaths").stdout
    assert told.rc == 0, f"{told.stdout}{told.stderr}{ends}"
    listed = json.loads(do(host, "slashservice list --json"))["services"]
    pids = {one["name"]: one["pid"] for one in listed}
    return looked_at(host, {unit.file: pids[unit.service] for unit in wanted})


def differences(theirs: Seen, ours: Seen, plain: tuple[Seen, Seen]) -> dict[str, tuple[Any, Any]]:
    """Return in what systemd's process and ours differ, by what it is.

    Of variables those count that one of them has otherwise than the ``plain`` unit has.
    """
    found = {key: (theirs[key], ours[key]) for key in theirs if key not in ("variables", "limits")}
    for name, (soft, hard) in theirs["limits"].items():
        found[name] = ((soft, hard), tuple(ours["limits"][name]))
        if name in SOFT_ONLY:
            found[name] = (soft, ours["limits"][name][0])
    both = theirs["variables"], ours["variables"]
    usual = plain[0]["variables"], plain[1]["variables"]
    for name in {*both[0], *both[1], *usual[0], *usual[1]} - ITS_OWN:
        if any(one.get(name) != own.get(name) for one, own in zip(both, usual, strict=True)):
            found[name] = (both[0].get(name), both[1].get(name))
    return {key: pair for key, pair in found.items() if pair[0] != pair[1]}


def check_stop(host: Host, unit: Unit, key: str) -> None:
    """See that the service has the signal that ends it, or the time for it, that systemd has."""
    name = re.sub("[^a-z0-9]", lambda found: f"_{ord(found[0]):02x}", unit.file)
    asked = "TimeoutStopUSec" if key == "TimeoutStopSec" else key
    place = f"org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/{name}"
    told = do(host, f"busctl get-property {place} org.freedesktop.systemd1.Service {asked}")
    value = int(told.split()[1])
    home = f"/etc/slashservice/{unit.service}"
    if key == "KillSignal":
        word = host.run(f"cat {home}/down-signal").stdout.strip() or "TERM"
        number = int(word) if word.isdigit() else signal.Signals[f"SIG{word}"].value
        assert (number, unit.lines) == (value, unit.lines)
    else:
        milliseconds = int(host.run(f"cat {home}/timeout-kill").stdout or 0)
        wanted = 0 if value == NEVER else max(1, value // 1000)
        assert (milliseconds, unit.lines) == (wanted, unit.lines)


def test_they_are_what_systemd_makes_of_them() -> None:
    all_units = units.units(GENERATED, SEED)
    files = {f"{units.ETC}/{unit.file}": (unit.text, 0o644) for unit in all_units}
    files |= {unit.variables_file: (unit.variables, 0o644) for unit in all_units if unit.variables}
    files["/srv/look"] = (units.LOOK, 0o755)
    for path, line in units.DROP_INS.items():
        files[path.replace(units.RUN, "/srv/run")] = (f"[Service]\nEnvironment={line}\n", 0o644)
    with guest(RECIPES["systemd"], files=files, title="systemd, units") as machine:
        machine.boot()
        host = machine.host
        do(host, "mkfifo /srv/never; chmod 666 /srv/never; mkdir '/srv/a b'")
        do(host, f"cp -r /srv/run/. {units.RUN}/ && systemctl daemon-reload")
        theirs = by_systemd(host, all_units)
        install(host)
        ran = [unit for unit in all_units if unit.file in theirs]
        ours = by_svscan(host, ran)
        plain = theirs["plain.service"], ours["plain.service"]
        found = {
            unit: told
            for unit in ran
            if (told := differences(theirs[unit.file], ours[unit.file], plain))
        }
        assert not found, "\n".join(f"{unit.text}\n{told}" for unit, told in found.items())
        for unit, key, _ in units.stops():
            check_stop(host, unit, key)
        bad = [unit for unit in all_units if unit.file not in theirs]
        assert bad and all("made-words" in unit.name for unit in bad)
        for unit in bad:
            told = host.run(f"slashservice import -n {units.ETC}/{unit.file}")
            assert told.rc == 111, f"{unit.text}\n{told.stdout}{told.stderr}"
