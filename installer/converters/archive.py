"""Services in a tar archive: ``slashservice export`` writes it, ``import`` reads it elsewhere.

Nothing is unpacked: an archive is read into memory, member by member, and what is in it is judged
before anything is made of it. So none can write outside of the service directories. It is read
through a gate that lets so many bytes pass, and no more.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Mapping
from typing import IO, cast

from slashservice.installer.converters import accounts, copying
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.making import Drawn
from slashservice.installer.services import NAME
from slashservice.supervise.printable import printable

GZIP = b"\x1f\x8b"
LONGEST_NAME = 1024
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
}


def write(services: Mapping[str, Mapping[str, FileState]], host: Host) -> bytes:
    """Return an archive of service directories, by their names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for service, contents in services.items():
            _add(archive, service, FileState("directory", 0o755, 0, 0), host)
            for name, state in sorted(contents.items()):
                _add(archive, f"{service}/{name}", state, host)
    return packed.getvalue()


def _add(archive: tarfile.TarFile, name: str, state: FileState, host: Host) -> None:
    """Add a file, a directory or a link. Its owner goes by name: numbers differ between hosts."""
    member = tarfile.TarInfo(name)
    member.mode = state.mode if state.kind != "link" else 0o777
    owner = accounts.find(host, str(state.uid)) if state.uid else None
    member.uname = owner.name if owner else "root"
    member.uid = state.uid
    member.gname = accounts.group_name(host, str(state.gid)) if state.gid else "root"
    member.gid = state.gid
    member.size = len(state.data)
    if state.kind == "directory":
        member.type = tarfile.DIRTYPE
    elif state.kind == "link":
        member.type = tarfile.SYMTYPE
        member.linkname = state.target
    archive.addfile(member, io.BytesIO(state.data))


class _Gate(io.RawIOBase):
    """A file of which only so much may be read."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._left = 2 * copying.MOST_BYTES

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read on, or refuse to."""
        data = self._file.read(min(len(buffer), 1 << 16))
        self._left -= len(data)
        if self._left < 0:
            raise Refusal(f"{self._name} has more in it than services have")
        buffer[: len(data)] = data
        return len(data)


def is_archive(data: bytes) -> bool:
    """Tell by its first 512 bytes whether a file may be an archive."""
    return data[:2] == GZIP or data[257:262] == b"ustar"


def read(
    host: Host,
    file: IO[bytes],
    name: str,
    losses: Losses,
    check: bool = True,
    down: bool = False,
) -> list[Drawn]:
    """Return the services of the archive ``name`` that ``file`` is at the beginning of."""
    first = file.read(2)
    whole: IO[bytes] = io.BufferedReader(_Joined(first, file))
    try:
        if first == GZIP:
            whole = cast("IO[bytes]", gzip.GzipFile(fileobj=whole))
        services = _services(host, io.BufferedReader(_Gate(whole, name)), name, losses)
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        raise Refusal(f"{name} can't be read as an archive: {error}") from None
    if not services:
        raise Refusal(f"{name} has no services in it")
    found = []
    for service, contents in services.items():
        settled = copying.settled(host, contents, losses, service)
        found.append(copying.drawn(host, service, settled, f"{name}: {service}", check, down))
    return found


class _Joined(io.RawIOBase):
    """What was read already, and the rest of it."""

    def __init__(self, first: bytes, file: IO[bytes]) -> None:
        self._first = first
        self._file = file

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read on."""
        data = self._first[: len(buffer)] or self._file.read(len(buffer))
        self._first = self._first[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _services(
    host: Host, file: IO[bytes], name: str, losses: Losses
) -> dict[str, dict[str, FileState]]:
    """Return the contents of the services, by their names."""
    services: dict[str, dict[str, FileState]] = {}
    left = [copying.MOST_FILES, copying.MOST_BYTES]
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            service, inner = _judged(member, name, left)
            contents = services.setdefault(service, {})
            if not inner:
                continue
            if inner in contents:
                raise Refusal(f"{name}: {_shown(member.name)} is there twice")
            data = b""
            if member.isreg():
                taken = archive.extractfile(member)
                data = taken.read() if taken else b""
            contents[inner] = _state(host, member, data, losses)
    for service, contents in services.items():
        _check_ways(contents, f"{name}: {service}")
    return services


def _judged(member: tarfile.TarInfo, name: str, left: list[int]) -> tuple[str, str]:
    """Return the service that a member is of, and its path in there; refuse what none has."""
    shown = f"{name}: {_shown(member.name)}"
    parts = member.name.removeprefix("./").rstrip("/").split("/")
    if (
        member.name.startswith("/")
        or ".." in parts
        or "" in parts
        or len(member.name) > LONGEST_NAME
    ):
        raise Refusal(f"{shown}: this is no path that an export has")
    if not NAME.fullmatch(parts[0]) or any("\n" in part for part in parts):
        raise Refusal(f"{shown}: this is no name for a service")
    if member.type not in KINDS or member.issparse() or "GNU.sparse.major" in member.pax_headers:
        raise Refusal(f"{shown}: it is neither a plain file, a directory nor a link")
    if member.mode & 0o7000:
        raise Refusal(f"{shown}: it is set-id or sticky")
    left[0] -= 1
    left[1] -= max(member.size, 0)
    if min(left) < 0 or len(parts) > copying.DEEPEST:
        raise Refusal(f"{shown}: there is more in it than services have")
    if member.issym():
        leads = os.path.normpath("/".join([*parts[1:-1], member.linkname]))
        if member.linkname.startswith("/") or leads.startswith("..") or not member.linkname:
            raise Refusal(f"{shown}: it is a link out of its service, to {_shown(member.linkname)}")
    elif len(parts) == 1 and not member.isdir():
        raise Refusal(f"{shown}: this is no service directory")
    _ask_the_library(member, shown)
    return parts[0], "/".join(parts[1:])


def _ask_the_library(member: tarfile.TarInfo, shown: str) -> None:
    """Refuse what the standard library would not unpack as data, where it has such a filter."""
    judge = getattr(tarfile, "data_filter", None)
    if judge is None:
        return
    try:
        judge(member, "/nowhere")
    except tarfile.TarError as error:
        raise Refusal(f"{shown}: {error}") from None


def _check_ways(contents: Mapping[str, FileState], shown: str) -> None:
    """Refuse a member below what is no directory: it would be written through a link."""
    for inner in contents:
        way = os.path.dirname(inner)
        while way:
            if way in contents and contents[way].kind != "directory":
                raise Refusal(f"{shown}/{_shown(inner)}: {_shown(way)} is no directory")
            way = os.path.dirname(way)


def _state(host: Host, member: tarfile.TarInfo, data: bytes, losses: Losses) -> FileState:
    """Return a member as a state, with the owner that this host has under that name."""
    if member.issym():
        return FileState("link", target=member.linkname)
    uid, gid = 0, 0
    if member.uname not in ("", "root"):
        owner = accounts.find(host, member.uname)
        if owner:
            uid, gid = owner.uid, owner.gid
        else:
            losses.add(member.name, f"it belonged to {_shown(member.uname)}, and is root's")
    kind = "directory" if member.isdir() else "file"
    return FileState(kind, member.mode & 0o777, uid, gid, data)  # type: ignore[arg-type]


def _shown(text: str) -> str:
    """Return a name as it can be shown."""
    return printable(text)[:200]
