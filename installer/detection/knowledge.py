"""The knowledge of one init system that detection uses: its traces on a host, and its rule.

Each module of ``slashservice.installer.init_systems`` fills this in. Looking, detecting and
taking over collect it from all of them, and ask each in order. So the knowledge of one init
system is in its module and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, TypeVar

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.host.host import Host

CONFIGURED, NAMED, MARKED, SHARED_MARK = 1, 2, 3, 4
"""Signs of an image's init system, the best first: its configuration, the name of its program,
words inside the program, words that are in other init systems' programs as well."""


LEFT_BEHIND = re.compile(r"^\.|~$|\.(?:bak|orig|old|sw[op]|dpkg-\w+|rpm(?:new|save|orig))$")
"""Names of files that editors and package managers leave, and that nobody reads."""


@dataclass(frozen=True)
class Place:
    """A place where an init system finds what to start: the file ``path``, or a folder's files.

    It is a folder with ``ending``, which the names of its files end in. Several init systems
    read a ``shared`` place, whatever PID 1 is. A file of a ``whole`` place starts one thing.
    With ``below`` the files are in folders of the folder, whose names match that pattern.
    ``syntax`` names the one of :mod:`~slashservice.installer.detection.readers`; where none is
    named, any word may be a program.
    """

    path: str
    ending: str | None = None
    shared: bool = False
    whole: bool = False
    below: str = ""
    syntax: str = ""

    def holds(self, path: str) -> bool:
        """Tell whether the file ``path`` is there, if it exists."""
        if self.ending is None:
            return path == self.path
        folder, _, name = path.rpartition("/")
        if self.below:
            folder, _, inner = folder.rpartition("/")
            if not fnmatchcase(inner, self.below):
                return False
        return folder == self.path and name.endswith(self.ending)

    def files(self, host: Host) -> list[str]:
        """List the files there are on a host, or may be."""
        if self.ending is None:
            return [self.path]
        folders = [self.path]
        if self.below:
            inner = [name for name in host.list(self.path) if fnmatchcase(name, self.below)]
            folders = [f"{self.path}/{name}" for name in inner]
        return [
            f"{folder}/{name}"
            for folder in folders
            for name in host.list(folder)
            if name.endswith(self.ending) and not LEFT_BEHIND.search(name)
        ]


CRONTABS = (
    Place("/etc/crontab", shared=True, syntax="crontab"),
    Place("/etc/cron.d", "", shared=True, syntax="crontab"),
    *(
        Place(folder, "", shared=True, syntax="user-crontab")
        for folder in (
            *("/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"),
            *("/var/cron/tabs", "/etc/crontabs"),
        )
    ),
    Place("/etc/anacrontab", shared=True, syntax="anacrontab"),
    *(
        Place(folder, "", shared=True, syntax="shell")
        for folder in (
            "/var/spool/cron/atjobs",
            "/var/spool/at",
            "/var/at/jobs",
            "/var/cron/atjobs",
        )
    ),
)
"""Where cron, anacron and at keep what they run, whatever init system there is."""


class Knowledge:
    """All that detection knows of one init system."""

    name: ClassVar[str]
    order: ClassVar[int] = 1000
    """The place of its rule: the lowest is tried first. ``RULES`` of
    :mod:`~slashservice.installer.detection.detect` has the places of the rules that are no
    init system's own. By default it is behind the last of those, so never tried."""

    wired: ClassVar[bool] = True
    """Whether svscan is wired into it. In a container svscan is the program itself."""

    reads_all: ClassVar[bool] = False
    """Whether it may run over any PID 1, so that other init systems' places count as well."""

    platforms: ClassVar[tuple[str, ...]] = ()
    """The operating systems that have this init system and no other."""

    platform_signs: ClassVar[tuple[str, ...]] = ()
    """Files by which an image of the first of ``platforms`` is recognised."""

    pid1: ClassVar[tuple[str, ...]] = ()
    """Names of PID 1 that only this init system has, and that say nothing of "init"."""

    run_directory: ClassVar[str] = ""
    """A directory that is there as long as it runs the host, and by no leftover."""

    looked_for: ClassVar[tuple[str, ...]] = ()
    """Paths whose kind shall be in ``Evidence.paths``."""

    presence: ClassVar[tuple[str, ...]] = ()
    """Files or directories one of which is there where it is installed."""

    programs: ClassVar[tuple[str, ...]] = ()
    """Patterns of names that its own ``/sbin/init`` has once links are followed."""

    marks: ClassVar[tuple[bytes, ...]] = ()
    """Words in its program, for images where that is called ``init``."""

    script_marks: ClassVar[tuple[tuple[str, bytes], ...]] = ()
    """Files of another init system, and words by which they run this one."""

    mark: ClassVar[int] = MARKED
    """MARKED, or SHARED_MARK if other init systems' programs have these words."""

    places: ClassVar[tuple[Place, ...]] = ()
    """The places where it finds what to start."""

    rivals: ClassVar[Mapping[str, str]] = {}
    """Its own supervisors of a scan directory: names or paths of programs, and the directory
    that each scans if it isn't told."""

    rival_processes: ClassVar[tuple[str, ...]] = ()
    """Names of such a supervisor's process."""

    reload: ClassVar[tuple[str, ...]] = ()
    """The command that has it notice a line or a link that is gone."""

    # Judging ---------------------------------------------------------------------------

    def judge(self, evidence: Evidence) -> Verdict | None:
        """Judge a host that runs; ``None`` where this init system does not run it.

        Evidence that came to other rules before is not this one's: see ``order``.
        """
        if evidence.platform not in self.platforms:
            return None
        detail = self.dialect(evidence) or evidence.platform
        return self.verdict(f"the platform is {evidence.platform}", detail=detail)

    def image_signs(self, evidence: Evidence) -> Iterator[tuple[int, str]]:
        """Yield what shows that it will run an image, each with how good a sign it is.

        The words continue the sentence "/sbin/init is PROGRAM".
        """
        if any(fnmatchcase(evidence.init_name, one) for one in self.programs):
            yield NAMED, ""
        if self.marks and self.name in evidence.init_marks:
            yield self.mark, f", which is {self.name}'s"

    def dialect(self, evidence: Evidence) -> str:
        """Return which of its versions' formats the host reads, where there are several."""
        return ""

    def image_platform(self, host: Host) -> str:
        """Return the operating system of an image, empty where it is none of this one's."""
        return self.platforms[0] if any(map(host.is_file, self.platform_signs)) else ""

    def facts(self, host: Host, *, running: bool) -> dict[str, Any]:
        """Return the fields of the evidence that are about this init system alone.

        ``running`` tells a host that runs on Linux, and may be asked.
        """
        return {}

    def verdict(self, *reasons: str, detail: str = "") -> Verdict:
        """Return the verdict that this init system runs the host."""
        return Verdict(self.name, reasons, self.name, detail=detail)

    # What it starts ----------------------------------------------------------------------

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` is in one of its places."""
        return any(place.holds(path) for place in self.places)

    def starts(self, host: Host, path: str) -> bool:
        """Tell whether it acts on the file ``path``, one of its places', at all."""
        return True

    def switches_off(self, path: str, line: str) -> bool:
        """Tell whether a line of the file ``path`` says of itself that it is out of force."""
        return False

    def passes_over(self, path: str, data: bytes, line: int) -> bool:
        """Tell whether the line with that number is not come to, for lines of ours ahead of it."""
        return False

    def part_of(self, path: str) -> str:
        """Return the file that ``path``, one of its places', adds to; itself by default."""
        return path

    def instances(self, host: Host, path: str) -> list[str]:
        """Return the names under which what the file ``path`` describes is started."""
        return []

    def keeps(self, path: str) -> bool:
        """Tell whether it remembers that it has started what the file ``path`` describes."""
        return False

    def forget(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the command that has it forget what it started, by the files' names."""
        return ()

    def restart(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the command that starts those again."""
        return ()


Known = TypeVar("Known", bound=Knowledge)


def in_order(systems: Mapping[str, Known]) -> list[Known]:
    """Return init systems in the order in which their rules are tried."""
    return sorted(systems.values(), key=lambda one: one.order)


def owners(systems: Iterable[Known], path: str) -> list[Known]:
    """Return the init systems that read the file ``path``.

    One that names the file itself comes before those that read all of its folder.
    """
    found = [one for one in systems if one.holds(path)]
    exact = [one for one in found if any(place.path == path for place in one.places)]
    return exact or found
