"""What is released: the last commit of a clean checkout, if its version and changelog agree."""

from __future__ import annotations

import io
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from releasing.troubles import Trouble, run

VERSION = re.compile(r'^VERSION = "([0-9]+(?:\.[0-9]+)*)"$', re.MULTILINE)
HEADING = re.compile(r"^## +(.*?) *$", re.MULTILINE)
UNRELEASED = "unreleased"
NAMED = 5
"""How many files that are not committed are named."""


@dataclass(frozen=True)
class Commit:
    """What is released: a version, and the time of its commit in seconds since 1970."""

    version: str
    time: int


def environment() -> dict[str, str]:
    """Return what programs are run with: what pip and git need of ours, and nothing of a place.

    Language, time zone and Python's hashes are the same for everybody.
    """
    kept = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    found |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "GIT"))}
    return found | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}


def look(checkout: Path, rehearsal: bool) -> Commit:
    """Return what would be released; :class:`Trouble` where that can't be.

    A ``rehearsal`` may have a version that the changelog still calls unreleased.
    """
    words = ["git", "status", "--porcelain", "-z", "--untracked-files=all"]
    changed = run(words, checkout, environment()).decode(errors="replace").split("\0")[:-1]
    if changed:
        names = ", ".join(entry[3:] for entry in changed[:NAMED])
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        raise Trouble(f"the checkout has what is not committed: {names}{more}")
    found = VERSION.search((checkout / "supervise/version.py").read_text(encoding="utf-8"))
    if not found:
        raise Trouble("supervise/version.py has no version of numbers with dots")
    changelog = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    check_changelog(changelog, found[1], rehearsal)
    time = run(["git", "log", "-1", "--format=%ct"], checkout, environment())
    return Commit(found[1], int(time))


def check_changelog(text: str, version: str, rehearsal: bool = False) -> None:
    """Refuse a changelog whose newest section is not of this version, with a date and lines."""
    sections = HEADING.split(text)
    if len(sections) < 3:
        raise Trouble("CHANGELOG.md has no section: it should begin with ## VERSION (DATE)")
    heading, lines = sections[1], sections[2]
    name, _, when = heading.partition(" ")
    if name != version:
        raise Trouble(f"CHANGELOG.md begins with {heading}, and the version is {version}")
    if not (rehearsal and when == f"({UNRELEASED})") and not re.fullmatch(
        r"\(\d{4}-\d\d-\d\d\)", when
    ):
        raise Trouble(
            f"CHANGELOG.md has {heading}: a release has its day there, as in {version} (2030-01-31)"
            "; ./release --rehearsal takes it as it is"
        )
    if not re.search(r"^- ", lines, re.MULTILINE):
        raise Trouble(f"CHANGELOG.md says nothing of {version}")


def export(checkout: Path, commit: Commit, to: Path) -> None:
    """Write the files of the commit into a new folder, with the same modes and times anywhere."""
    data = run(["git", "archive", "--format=tar", "HEAD"], checkout, environment())
    to.mkdir()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.uid, member.gid = os.geteuid(), os.getegid()
            member.uname = member.gname = ""
            member.mtime = commit.time
            archive.extract(member, to)
