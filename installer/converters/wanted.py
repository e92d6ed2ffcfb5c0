"""What a service shall be, in words that belong to no format: what the readers make."""

from __future__ import annotations

from dataclasses import dataclass, field

USUAL_CLEAN = ("0", "HUP", "INT", "PIPE", "TERM")
"""Ends that are good ones for systemd: an exit status, or signals."""


@dataclass
class Step:
    """A command that is run to its end, as a line of shell.

    Its failure is passed over if ``ignored``. It is run as root if ``as_root``, else as the
    service is. One ``beside`` the service is not waited for.
    """

    line: str
    ignored: bool = False
    as_root: bool = False
    beside: bool = False


@dataclass
class Folder:
    """A directory that is made before each start. One that is ``kept`` stays afterwards."""

    path: str
    mode: str = "755"
    kept: bool = True


@dataclass
class Wanted:
    """A service. ``origin`` is the file that it comes from, for the comment in its run script.

    ``line`` is its command, as a line of shell. If it is ``by_shell``, a shell has to read it when
    the variables and the account are set; the line itself says ``exec`` then, or does not.
    ``program`` is what must be there, and ``argv0`` the name that it is given.
    """

    name: str
    origin: str
    line: str = ""
    by_shell: bool = False
    program: str = ""
    argv0: str = ""
    comments: list[str] = field(default_factory=list)

    user: str = ""
    group: str = ""
    groups: list[str] = field(default_factory=list)
    directory: str = ""
    directory_may_lack: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)
    """Variables that it shall not have, though svscan may have them."""
    limits: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Soft and hard limit by the name that prlimit has, in its units."""
    umask: str = ""
    nice: str = ""
    score: str = ""
    no_new_privileges: bool = False

    output: str = ""
    """A file that takes what it writes, instead of a log."""

    folders: list[Folder] = field(default_factory=list)
    before: list[Step] = field(default_factory=list)
    work: list[Step] = field(default_factory=list)
    """Commands before the last one, of a service that is work to be done once."""
    stop: list[Step] = field(default_factory=list)
    reload: list[Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)
    after_knows: bool = False
    """Whether these are told how it ended, in the variables that systemd has for that."""

    once: bool = False
    """It ends by itself, and that is as it should be."""
    remains: bool = False
    """It counts as up when its work is done."""
    restart: str = "always"
    """``always``, ``no``, ``never-failed``, ``on-failure``, ``on-success``, or ``on-abnormal``."""
    restart_seconds: float = 0.0
    clean: tuple[str, ...] = USUAL_CLEAN
    final: tuple[str, ...] = ()
    """Ends after which it is not started again in any case."""
    forced: tuple[str, ...] = ()
    """Ends after which it is."""

    stop_signal: str = ""
    stop_group: bool = False
    """Whether that goes to all processes of its group."""
    kill_seconds: float = 0.0
    """Seconds until KILL; 0 for never."""
    kill_group: bool = False
    finish_seconds: float = 0.0
    """How long what comes after the end may take, beyond the usual; 0 for the usual."""
    down: bool = False
