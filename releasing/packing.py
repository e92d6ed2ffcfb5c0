"""Archives with the same bytes wherever, whenever and by whomever they are packed."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LEVEL = 9
FIRST_YEAR = 315532800
"""1980, when the time of zip files begins, in seconds since 1970."""


class Entry(NamedTuple):
    """A file of an archive; ``plain`` is one that can be read without zlib."""

    name: str
    data: bytes
    executable: bool = False
    plain: bool = False

    @property
    def mode(self) -> int:
        """The permissions that it gets."""
        return 0o755 if self.executable else 0o644


def folder(top: Path) -> list[Entry]:
    """Return the files below a folder, under their names from there."""
    return [
        Entry(str(path.relative_to(top)), path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(top.rglob("*"))
        if path.is_file()
    ]


def write_zip(path: Path, entries: Iterable[Entry], when: int, head: bytes = b"") -> None:
    """Write a zip file, with ``head`` in front of it: a line for whoever runs the file."""
    date = time.gmtime(max(when, FIRST_YEAR))[:6]
    packed = io.BytesIO()
    packed.write(head)
    with zipfile.ZipFile(packed, "a" if head else "w") as archive:
        for entry in entries:
            about = zipfile.ZipInfo(entry.name, date)
            about.create_system = 3  # Unix, so that modes count
            about.external_attr = (0o100000 | entry.mode) << 16
            about.compress_type = zipfile.ZIP_STORED if entry.plain else zipfile.ZIP_DEFLATED
            archive.writestr(about, entry.data, compresslevel=LEVEL)
    path.write_bytes(packed.getvalue())
    path.chmod(0o755 if head else 0o644)


def write_tar(path: Path, entries: Iterable[Entry], when: int) -> None:
    """Write a tar file, compressed by gzip, whose files belong to nobody in particular."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", LEVEL, packed, mtime=when) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for entry in entries:
            member = tarfile.TarInfo(entry.name)
            member.size, member.mode, member.mtime = len(entry.data), entry.mode, when
            archive.addfile(member, io.BytesIO(entry.data))
    path.write_bytes(packed.getvalue())
    path.chmod(0o644)


def read_zip(path: Path) -> list[Entry]:
    """Return the files of a zip file, in its order."""
    with zipfile.ZipFile(path) as archive:
        return [
            Entry(one.filename, archive.read(one), bool(one.external_attr >> 16 & 0o100))
            for one in archive.infolist()
            if not one.is_dir()
        ]


def read_tar(path: Path) -> list[Entry]:
    """Return the files of a tar file, sorted by name."""
    found = []
    with tarfile.open(path) as archive:
        for one in archive.getmembers():
            file = archive.extractfile(one) if one.isfile() else None
            if file is not None:
                found.append(Entry(one.name, file.read(), bool(one.mode & 0o100)))
    return sorted(found)
