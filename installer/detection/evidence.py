"""The evidence about a host, and the verdict on it: plain data, gathered and judged once.

The verdict is a pure function of the evidence
(:mod:`~slashservice.installer.detection.detect`). So the evidence of a host can be kept, with
all its oddities, and be judged again.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FirstProcess:
    """PID 1. ``comm`` and ``exe`` are ``None`` where we may not see them."""

    comm: str | None = None
    exe: str | None = None
    argv: tuple[str, ...] = ()


@dataclass(frozen=True)
class Distribution:
    """The host's own name for itself: for words and defaults, never to tell its init system."""

    id: str = ""
    like: tuple[str, ...] = ()
    version: str = ""
    name: str = ""


@dataclass(frozen=True)
class InittabLine:
    """One entry of ``/etc/inittab``."""

    number: int
    id: str
    runlevels: str
    action: str
    process: str


@dataclass(frozen=True)
class Wiring:
    """A line or file that has some init system start a scanner at boot.

    ``program`` is the scanner's path as written; ``directory`` what it scans, where that
    can be told; ``active`` whether the file is really read. ``line`` is the number of the first
    line. Where ``sure`` is false it may be that nothing is started, or on another directory.
    """

    path: str
    text: str
    program: str
    directory: str = ""
    active: bool = True
    ours: bool = False
    line: int = 0
    sure: bool = True

    @property
    def where(self) -> str:
        """The place, and what is said there, for a message."""
        number = f":{self.line}" if self.line else ""
        return f"{self.path}{number}: {self.text.strip()}"


@dataclass(frozen=True)
class Scanner:
    """A running ``svscan``, ``runsvdir`` or the like."""

    pid: int
    program: str
    directory: str
    ours: bool = False


@dataclass(frozen=True)
class Evidence:
    """All that is asked of a host before anything is decided.

    ``offline`` says why the host must be judged by its files alone, and is empty where it
    runs. ``chroot`` is ``None`` where PID 1's root can't be seen. ``paths`` maps each path
    that was looked for and is there to its kind: file, directory, fifo, socket or other.
    """

    platform: str = "linux"
    root: str = "/"
    offline: str = ""
    chroot: bool | None = False
    own_proc: bool = True
    pid1: FirstProcess = field(default_factory=FirstProcess)
    container: str = ""
    kernel: str = ""
    paths: dict[str, str] = field(default_factory=dict)
    init_program: str = ""
    init_marks: tuple[str, ...] = ()
    inits_present: tuple[str, ...] = ()
    initctl: str = ""
    inittab: tuple[InittabLine, ...] = ()
    systemd_version: int = 0
    s6_base: str = ""
    distribution: Distribution = field(default_factory=Distribution)
    wirings: tuple[Wiring, ...] = ()
    scanners: tuple[Scanner, ...] = ()
    unwritable: tuple[str, ...] = ()

    @property
    def comm(self) -> str:
        """PID 1's name for itself, empty where it can't be seen."""
        return self.pid1.comm or ""

    @property
    def program(self) -> str:
        """The program that PID 1 runs, as far as can be told: else what ``/sbin/init`` is."""
        return (self.pid1.exe or self.init_program).removesuffix(" (deleted)")

    @property
    def is_called_init(self) -> bool:
        """Whether PID 1 may be an init system that merely calls itself ``init``."""
        return self.comm in ("", "init", "linuxrc")

    @property
    def init_name(self) -> str:
        """The base name of what ``/sbin/init`` is."""
        return self.init_program.rsplit("/", 1)[-1]

    def is_directory(self, path: str) -> bool:
        """Tell whether ``path`` was seen to be a directory."""
        return self.paths.get(path) == "directory"

    def has(self, *paths: str) -> bool:
        """Tell whether one of ``paths`` was seen."""
        return any(path in self.paths for path in paths)

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Evidence:
        """Read back what :meth:`to_json` gave; fields that are missing have their defaults."""
        known = {item.name for item in dataclasses.fields(cls)}
        values = {name: value for name, value in plain.items() if name in known}
        values["pid1"] = _record(FirstProcess, plain.get("pid1", {}))
        values["distribution"] = _record(Distribution, plain.get("distribution", {}))
        values["inittab"] = tuple(_record(InittabLine, one) for one in plain.get("inittab", ()))
        values["wirings"] = tuple(_record(Wiring, one) for one in plain.get("wirings", ()))
        values["scanners"] = tuple(_record(Scanner, one) for one in plain.get("scanners", ()))
        for name in ("init_marks", "inits_present", "unwritable"):
            values[name] = tuple(plain.get(name, ()))
        return cls(**values)


@dataclass(frozen=True)
class Verdict:
    """The conclusion: ``name`` of the init system, or none and ``advice`` instead.

    ``rule`` names the rule that applied: an init system's own has its name. ``asked`` is true
    where the administrator named it with ``--init``, and no rule was needed. ``live`` allows to
    start, reload and signal things; ``detail`` is what the init system's module needs to know
    beyond its name.
    """

    name: str
    reasons: tuple[str, ...]
    rule: str
    asked: bool = False
    live: bool = True
    detail: str = ""
    warnings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        return dataclasses.asdict(self)


def _record(cls: type[Any], plain: dict[str, Any]) -> Any:
    """Make a small record of ``cls``, with lists turned back into tuples."""
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()})
