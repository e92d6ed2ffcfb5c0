"""The files of a directory, by the descriptor of the directory.

Nothing here needs to know where the directory is, or where the process is: a log host is in
none of the many directories it works in, and its account may be unable to reach some by path.
All errors are the ``OSError`` of the call.
"""

from __future__ import annotations

import os

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
TRUNCATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK
SEARCH = os.O_RDONLY | os.O_NONBLOCK | os.O_DIRECTORY


class Folder:
    """The directory ``path``, seen from the directory ``base`` (a descriptor)."""

    __slots__ = ("fd",)

    def __init__(self, path: bytes, base: int) -> None:
        self.fd = os.open(path, SEARCH, dir_fd=base)
        try:
            os.stat(b".", dir_fd=self.fd)  # fails where we may not enter
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self.fd)

    def append_to(self, name: bytes) -> int:
        """Open a file for appending, made (0600) if missing; return its descriptor."""
        return os.open(name, APPEND, 0o600, dir_fd=self.fd)

    def empty(self, name: bytes) -> None:
        """Make a file empty, or make an empty file (0644)."""
        os.close(os.open(name, TRUNCATE, 0o644, dir_fd=self.fd))

    def stat(self, name: bytes) -> os.stat_result | None:
        """Return what is known about a file, None if there is none."""
        try:
            return os.stat(name, dir_fd=self.fd)
        except FileNotFoundError:
            return None

    def mode(self, name: bytes) -> int:
        """Return the mode of a file, 0 if there is none."""
        about = self.stat(name)
        return about.st_mode if about else 0

    def change_mode(self, name: bytes, mode: int) -> None:
        """Give a file a mode."""
        os.chmod(name, mode, dir_fd=self.fd)

    def rename(self, old: bytes, new: bytes) -> None:
        """Rename a file, replacing what has the new name."""
        os.rename(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, old: bytes, new: bytes) -> None:
        """Give a file a second name, which must be free."""
        os.link(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def remove(self, name: bytes | str) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self.fd)

    def remove_if_possible(self, name: bytes) -> None:
        """Remove a file, or leave it."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except OSError:
            pass

    def names(self) -> list[str]:
        """Return all names, in no order."""
        return os.listdir(self.fd)
