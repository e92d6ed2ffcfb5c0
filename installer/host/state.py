"""The state of a path, as a value: to be compared, kept in a receipt, and put back."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["absent", "file", "link", "directory", "other"]


@dataclass(frozen=True)
class FileState:
    """The state of one path: all that uninstalling must bring back.

    ``mtime_ns`` of ``None`` means "now". Hard links and times take no part in comparisons.
    """

    kind: Kind = "absent"
    mode: int = 0
    uid: int = 0
    gid: int = 0
    data: bytes = field(default=b"", repr=False)
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    mtime_ns: int | None = field(default=None, compare=False)
    links: int = field(default=1, compare=False)

    def __bool__(self) -> bool:
        return self.kind != "absent"

    def same_content(self, other: FileState) -> bool:
        """Tell whether kind, content and target are the same, whatever owner and mode are."""
        return (self.kind, self.data, self.target) == (other.kind, other.data, other.target)

    def digest(self) -> str:
        """Return a short name for kind, content and target."""
        said = b"\0".join([self.kind.encode(), os.fsencode(self.target), self.data])
        return hashlib.sha256(said).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        plain: dict[str, Any] = {"kind": self.kind}
        if self.kind in ("file", "directory"):
            plain.update(mode=f"{self.mode:04o}", uid=self.uid, gid=self.gid)
            plain["mtime_ns"] = self.mtime_ns
        if self.kind == "file":
            plain["data"] = base64.b64encode(self.data).decode()
        if self.kind == "link":
            plain["target"] = self.target
        if self.xattrs:
            plain["xattrs"] = {
                name: base64.b64encode(value).decode() for name, value in self.xattrs
            }
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> FileState:
        """Read back what :meth:`to_json` wrote."""
        return cls(
            kind=plain["kind"],
            mode=int(plain.get("mode", "0"), 8),
            uid=plain.get("uid", 0),
            gid=plain.get("gid", 0),
            data=base64.b64decode(plain.get("data", "")),
            target=plain.get("target", ""),
            xattrs=tuple(
                (name, base64.b64decode(value))
                for name, value in sorted(plain.get("xattrs", {}).items())
            ),
            mtime_ns=plain.get("mtime_ns"),
        )


ABSENT = FileState()


def kind_of(mode: int) -> Kind:
    """Name the kind of file that ``st_mode`` tells of."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "directory"
    return "other"
