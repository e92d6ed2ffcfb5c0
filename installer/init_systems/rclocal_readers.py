"""Who runs rc.local when a host boots: an rc.local that nobody runs starts nothing.

On Linux it is nobody's by nature. systemd has a unit for it, where it is not left out; other
init systems have a script that runs it, or none. On the BSDs rc(8) reads it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from slashservice.installer.detection.evidence import Evidence
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.folders import links_below
from slashservice.installer.init_systems.runlevels import FOLDERS, SCRIPT_FOLDERS, starts_of
from slashservice.installer.init_systems.systemd import UNIT_FOLDERS, Systemd
from slashservice.installer.plan.scripts import How

PATHS = ("/etc/rc.d/rc.local", "/etc/rc.local")
BSDS = ("freebsd", "dragonfly", "netbsd", "openbsd")

UNIT = "rc-local.service"
GENERATORS = ("/usr/lib/systemd/system-generators", "/lib/systemd/system-generators")
GENERATOR = "systemd-rc-local-generator"
LAST_SYSTEMD = 259
"""systemd gave rc.local up with the version after this one."""

SCRIPTS = (
    *("/etc/rc", "/etc/rc.multi", "/etc/rc.sysinit", "/etc/rcS", "/etc/init.d/rcS"),
    *("/etc/rc.d/rc", "/etc/rc.d/rc.M", "/etc/rc.d/rc.S", "/etc/rc.d/rc.multi"),
    *("/etc/rc.d/rc.sysinit", "/etc/init.d/rc", "/etc/init.d/rc.sysinit"),
    *("/etc/runit/1", "/etc/runit/2", "/sbin/rc", "/etc/inittab"),
)
"""Files that PID 1, or what it starts, reads at each boot."""

SCRIPTS_IN = ("/etc/runit/core-services", "/etc/dinit.d", "/usr/lib/dinit.d", "/lib/dinit.d")
"""Folders of such files."""

NAMED = re.compile(r"(?<![\w.])(/etc/(?:rc\.d/)?rc\.local)(?![\w./-])")
READ = r"(?:^|[\s;&|({:=])(?:\.|source|(?:/\S*/)?(?:sh|ash|bash|dash|ksh))\s+(?:-\w+\s+)*[\"']?%s"
EXECUTED_BY = ("/etc/inittab", "dinit.d/")
"""Files that name programs for the kernel to run, and no commands of a shell."""

SCRIPT_LIMIT = 1 << 20


@dataclass(frozen=True)
class Reader:
    """What runs the rc.local at ``path``, and how; ``name`` is a unit or a script."""

    path: str
    how: How
    name: str


def readers(host: Host, evidence: Evidence) -> list[Reader]:
    """Return all that runs an rc.local when the host boots; none where nobody does."""
    if evidence.platform in BSDS:
        return [Reader("/etc/rc.local", "read", "/etc/rc")]
    if evidence.platform != "linux":
        return []
    if is_systemd(evidence):
        given_up = evidence.systemd_version > LAST_SYSTEMD
        return [] if given_up else list(_unit(host))
    found = [*_in_runlevels(host), *_scripts(host), *_program(host, evidence)]
    return list({(one.path, one.how): one for one in reversed(found)}.values())[::-1]


def is_systemd(evidence: Evidence) -> bool:
    """Tell whether systemd will run the host."""
    return "systemd" in evidence.init_program


def why_nobody(host: Host, evidence: Evidence) -> str:
    """Say why nobody runs rc.local on a host where :func:`readers` finds none."""
    if not is_systemd(evidence):
        return "none of the boot scripts here runs it"
    if evidence.systemd_version > LAST_SYSTEMD:
        return f"systemd gave it up with version 260, and this is {evidence.systemd_version}"
    unit = next((one for one in _unit_files(host) if host.lstat(one)), "")
    if not unit:
        return f"this systemd has no {UNIT} that would run it"
    if _is_masked(host, unit):
        return f"{UNIT} is masked: systemctl unmask {UNIT}"
    if not NAMED.search(_text(host, unit)):
        return f"{unit} runs something else"
    return f"{UNIT} is not enabled: systemctl enable {UNIT}"


def _unit_files(host: Host) -> list[str]:
    """Return where the unit may be, the one that counts first."""
    return [f"{folder}/{UNIT}" for folder in UNIT_FOLDERS]


def _is_masked(host: Host, unit: str) -> bool:
    """Tell whether a unit is out of force."""
    return host.readlink(unit) == "/dev/null" or host.read(unit) == b""


def _unit(host: Host) -> Iterator[Reader]:
    """Yield systemd's own unit, if it is enabled or a generator enables it."""
    unit = next((one for one in _unit_files(host) if host.lstat(one)), "")
    if not unit or _is_masked(host, unit):
        return
    generated = any(host.is_executable(f"{folder}/{GENERATOR}") for folder in GENERATORS)
    if not generated and not Systemd().starts(host, unit):
        return
    text = _text(host, unit)
    command = re.search(r"^ExecStart\s*=\s*(.*)$", text, re.M)
    named = NAMED.search(command[1]) if command else None
    if command and named:
        direct = command[1].lstrip("-@+!:|").startswith(named[1])
        needs_bit = "ConditionFileIsExecutable" in text
        yield Reader(named[1], "exec" if direct else "shell" if needs_bit else "read", UNIT)


def _in_runlevels(host: Host) -> Iterator[Reader]:
    """Yield a link to rc.local itself among a runlevel's, as Red Hat had it."""
    targets = {host.resolve(path): path for path in PATHS}
    for base in FOLDERS:
        for level in ("rc2.d", "rc3.d", "rc4.d", "rc5.d"):
            for link in host.list(f"{base}/{level}"):
                leads = host.resolve(f"{base}/{level}/{link}")
                if link.startswith("S") and leads in targets:
                    yield Reader(targets[leads], "shell", f"{base}/{level}/{link}")


def _scripts(host: Host) -> Iterator[Reader]:
    """Yield the boot scripts that name rc.local in a command."""
    for script in (*SCRIPTS, *_of_folders(host)):
        found = host.stat(script)
        if found is None or found.st_size > SCRIPT_LIMIT or host.resolve(script) in PATHS:
            continue
        text = _text(host, script)
        for line in text.splitlines():
            named = NAMED.search(line)
            if named and not line.lstrip().startswith("#"):
                yield Reader(named[1], _how(script, text, named[1]), script)


def _of_folders(host: Host) -> Iterator[str]:
    """Yield the files of folders that are read at each boot, and the scripts that are enabled."""
    for folder in SCRIPTS_IN:
        yield from (f"{folder}/{name}" for name in host.list(folder))
    for folder in SCRIPT_FOLDERS:
        for name in host.list(folder):
            enabled = starts_of(host, name) or links_below(host, "/etc/runlevels", name)
            procd = any(
                re.fullmatch(rf"S\d+{re.escape(name)}", one) for one in host.list("/etc/rc.d")
            )
            if enabled or procd:
                yield f"{folder}/{name}"
    if host.is_file("/etc/rc.d/local"):
        yield "/etc/rc.d/local"


def _how(script: str, text: str, path: str) -> How:
    """Tell how a boot script runs rc.local."""
    lines = [
        line for line in text.splitlines() if path in line and not line.lstrip().startswith("#")
    ]
    read = any(re.search(READ % re.escape(path), line) for line in lines)
    if read and not any(re.search(r"-x\s", line) for line in lines):
        return "read"
    direct = script == "/etc/inittab" or os.path.dirname(script).endswith("dinit.d")
    return "exec" if direct and not read else "shell"


def _program(host: Host, evidence: Evidence) -> Iterator[Reader]:
    """Yield PID 1 itself, where it names rc.local, as finit does."""
    found = host.stat(evidence.init_program) if evidence.init_program else None
    if found is not None and found.st_size < 8 * SCRIPT_LIMIT:
        data = host.read(evidence.init_program) or b""
        if data.startswith(b"\x7fELF") and b"/etc/rc.local\0" in data:
            yield Reader("/etc/rc.local", "exec", evidence.init_program)


def _text(host: Host, path: str) -> str:
    """Return what a file says."""
    return (host.read(path) or b"").decode("latin-1")
