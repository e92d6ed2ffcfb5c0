"""Read a unit of systemd that is a service."""

from __future__ import annotations

import re

from slashservice.installer.converters import (
    systemd_commands,
    systemd_process,
    systemd_reasons,
    unit_file,
)
from slashservice.installer.converters import systemd_values as values
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.systemd_unit import Reading
from slashservice.installer.converters.wanted import Wanted
from slashservice.installer.host.host import Host

USUAL_STOP_SECONDS = 90.0
RESTARTS = {
    "no": "no",
    "always": "always",
    "on-failure": "on-failure",
    "on-success": "on-success",
    "on-abnormal": "on-abnormal",
    "on-abort": "on-abnormal",
    "on-watchdog": "no",
}
PLAIN_TYPES = ("simple", "exec", "idle", "oneshot")
WAITING_TYPES = {
    "notify": "nobody waits for its word that it is ready",
    "notify-reload": "nobody waits for its word that it is ready",
    "dbus": "nobody waits for its name on the bus",
}
JOURNAL = ("inherit", "journal", "syslog", "kmsg", "journal+console", "syslog+console")


def read(host: Host, path: str, losses: Losses, account: str = "") -> Wanted:
    """Return the service of the unit at ``path``; ``account`` is for one that names none."""
    unit = unit_file.read(path)
    if other := unit_file.before(path):
        what = "which is masked" if unit_file.is_masked(other) else "which is not read"
        losses.add(unit.name, f"systemd has {other} instead of {path}, {what}")
    reading = Reading(host, unit, losses)
    made = Wanted(re.sub(r"\\x[0-9a-f]{2}", "-", unit.name.removesuffix(".service")), unit.name)
    _kind(reading, made)
    systemd_process.read(reading, made, account)
    _restarting(reading, made)
    systemd_commands.read(reading, made)
    if not made.line:
        raise refused(unit.name, "there is no ExecStart= in it, and so nothing to run")
    _stopping(reading, made)
    _output(reading, made)
    _comments(reading, made)
    reading.lose_the_rest()
    return made


def _kind(reading: Reading, made: Wanted) -> None:
    """Find out what its start and its end mean."""
    one = reading.last("Type")
    kind = one.value if one else "simple"
    if one and kind == "forking":
        raise reading.refusal(
            one,
            "forking: it goes to the background, where nothing can keep it alive",
            "Most daemons have an option to stay in the foreground: -F, -D, -n, --foreground.",
            f"In {reading.unit.name}.d/foreground.conf, beside the unit: [Service], Type=simple,",
            "an empty ExecStart=, and ExecStart= with that option.",
        )
    if one and kind not in (*PLAIN_TYPES, *WAITING_TYPES):
        raise reading.refusal(one, f"{kind} is no type of a service")
    if one and kind in WAITING_TYPES:
        reading.lost(one, f"{kind}: {WAITING_TYPES[kind]}")
    made.once = kind == "oneshot"
    remains = reading.last("RemainAfterExit")
    made.remains = bool(remains and reading.read(remains, values.boolean))
    if remains and made.remains and not made.once:
        reading.lost(remains, f"{remains.value} is left out: when it ends, it is down")
        made.remains = False
    for socket in (reading.unit.last("Service", "Sockets"), reading.last("StandardInput")):
        if socket and (socket.key == "Sockets" or socket.value.startswith(("socket", "fd"))):
            raise reading.refusal(socket, f"{socket.value}: nobody hands it sockets here")
        if socket and socket.value != "null":
            reading.lost(
                socket, f"{socket.value} is left out: {systemd_reasons.reason(socket.key)}"
            )


def _restarting(reading: Reading, made: Wanted) -> None:
    """Find out after which ends it is started again."""
    one = reading.last("Restart")
    word = one.value if one else "no"
    if one and word not in RESTARTS:
        raise reading.refusal(one, f"{word} is not known")
    made.restart = RESTARTS[word]
    made.restart_seconds = reading.value("RestartSec", values.seconds, 0.1)
    made.clean = (*made.clean, *_ends(reading, "SuccessExitStatus"))
    made.final = _ends(reading, "RestartPreventExitStatus")
    made.forced = _ends(reading, "RestartForceExitStatus")


def _ends(reading: Reading, key: str) -> tuple[str, ...]:
    """Return the exit statuses and signals of a list of such."""
    return tuple(end for one in reading.all(key) for end in reading.read(one, values.ends))


def _stopping(reading: Reading, made: Wanted) -> None:
    """Find out how it is told to end."""
    made.stop_signal = reading.value("KillSignal", values.signal_of, "")
    one = reading.last("KillMode")
    mode = one.value if one else "control-group"
    if one and mode not in ("control-group", "mixed", "process", "none"):
        raise reading.refusal(one, f"{mode} is not known")
    if one and mode == "none":
        reading.lost(one, "none: it is sent a signal after ExecStop= all the same")
    made.stop_group = mode == "control-group"
    made.kill_group = mode in ("control-group", "mixed")
    usual = reading.value("TimeoutSec", values.seconds, USUAL_STOP_SECONDS)
    made.kill_seconds = reading.value("TimeoutStopSec", values.seconds, usual)
    made.finish_seconds = made.kill_seconds if made.after else 0
    if not reading.value("SendSIGKILL", values.boolean, True):
        made.kill_seconds = 0


def _output(reading: Reading, made: Wanted) -> None:
    """Find out where it writes to, if not to the journal: its log takes the place of that."""
    for key in ("StandardOutput", "StandardError"):
        one = reading.last(key)
        if one is None or one.value in JOURNAL:
            continue
        text = reading.text(one)
        kind, colon, path = text.partition(":")
        where = path if colon else "/dev/null"
        if text != "null" and not (kind in ("file", "append", "truncate") and path[:1] == "/"):
            reading.lost(one, f"{text} is left out: it goes to the log")
        elif key == "StandardError" and where != made.output:
            reading.lost(one, f"{text} is left out: it goes where standard output goes")
        else:
            made.output = where
            if kind in ("file", "truncate"):
                reading.lost(one, f"{text}: it is appended to")


def _comments(reading: Reading, made: Wanted) -> None:
    """Keep what only tells of it."""
    if one := reading.last("Description", "Unit"):
        made.comments.append(reading.comment(one))
    for key in systemd_reasons.ORDER:
        names = [word for one in reading.all(key, "Unit") for word in reading.comment(one).split()]
        if names:
            made.comments.append(f"{key}: {' '.join(names)}")
