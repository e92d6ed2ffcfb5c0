"""The service directory of a service that was read: one writer for all formats."""

from __future__ import annotations

import re

from slashservice.installer import service_log
from slashservice.installer.converters import scripts
from slashservice.installer.converters.losses import refused
from slashservice.installer.converters.wanted import Wanted
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.making import Drawn

VARIABLE = re.compile(r"[^=/.\0\n][^=/\0\n]*")


def drawn(
    host: Host, wanted: Wanted, log: str = "", log_user: str = "", check: bool = True
) -> Drawn:
    """Return the directory; ``log`` is its log directory, empty for none.

    The program is not looked for without ``check``.
    """
    _check(wanted)
    if wanted.output:
        log = ""
    texts = {name: (text, 0o755) for name, text in _scripts(host, wanted).items() if text}
    texts |= {name: (text, 0o644) for name, text in _settings(wanted).items()}
    for name, value in wanted.environment.items():
        if not scripts.is_inexact(value):
            texts[f"env/{name}"] = (value.replace("\n", "\0") + "\n", 0o600)
    for name in wanted.unset:
        texts[f"env/{name}"] = ("", 0o600)
    if exact := scripts.variables(wanted):
        texts["variables"] = (exact, 0o600)
    if log:
        texts["log/run"] = (service_log.script(host, log, log_user), 0o755)
    return Drawn(
        wanted.name,
        {
            name: FileState("file", mode, *host.owner, text.encode("utf-8", "surrogateescape"))
            for name, (text, mode) in texts.items()
        },
        command=(wanted.program,) if check and wanted.program else (),
        path=wanted.environment.get("PATH", ""),
        user=wanted.user,
        log=log,
        log_user=log_user,
        stays=not wanted.once or wanted.remains,
    )


def _scripts(host: Host, wanted: Wanted) -> dict[str, str]:
    """Return the scripts by name, empty for those that are not needed."""
    has_prlimit = not host.home and host.which("prlimit") is not None
    return {
        "run": scripts.run(wanted, has_prlimit),
        "finish": scripts.finish(wanted) if scripts.has_finish(wanted) else "",
        "control/t": scripts.control_t(wanted),
        "control/h": scripts.control_h(wanted),
    }


def _settings(wanted: Wanted) -> dict[str, str]:
    """Return the files with one value each: service(5)."""
    found = {}
    if wanted.stop_signal and wanted.stop_signal != "TERM":
        found["down-signal"] = f"{wanted.stop_signal}\n"
    if wanted.kill_seconds:
        found["timeout-kill"] = f"{max(1, int(wanted.kill_seconds * 1000))}\n"
        if wanted.kill_group:
            found["flag-timeout-killpg"] = ""
    if scripts.has_finish(wanted) and scripts.finish_milliseconds(wanted):
        found["timeout-finish"] = f"{scripts.finish_milliseconds(wanted)}\n"
    if wanted.down:
        found["down"] = ""
    return found


def _check(wanted: Wanted) -> None:
    """Refuse what no file can be named after, or no script can say."""
    for name, value in wanted.environment.items():
        if not VARIABLE.fullmatch(name):
            raise refused(wanted.origin, f"{name!r} is no name for a variable")
        if "\0" in value:
            raise refused(wanted.origin, f"the value of {name} has a NUL byte in it")
        if scripts.is_inexact(value) and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise refused(
                wanted.origin, f"{name} ends in blanks, and has a name that no shell takes"
            )
    lines = [wanted.line, *(step.line for step in [*wanted.before, *wanted.stop, *wanted.after])]
    if any("\0" in line for line in lines):
        raise refused(wanted.origin, "a command has a NUL byte in it")
