"""Calling the C library where Python has no function for it.

The standard ``ctypes`` package costs a millisecond before the first call; the built-in half
of it, used here directly, costs a quarter. Import this only where nothing else does the job.
Expect ``ImportError``: some systems leave ``_ctypes`` out of their smallest Python.
"""

from __future__ import annotations

import _ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Text(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "z"


class _Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


_library: int = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]

PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_TIMERSLACK = 29
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_AT_EMPTY_PATH = 0x1000


def _function(name: str) -> _Function:
    return _Function(_ctypes.dlsym(_library, name))


def _texts(words: Sequence[bytes]) -> object:
    """Make the null-terminated array of pointers that exec wants."""
    array = type("_Texts", (_ctypes.Array,), {"_type_": _Text, "_length_": len(words) + 1})
    return array(*words, None)


class Exec:
    """An exec made ready, so that the call itself needs no memory to speak of.

    Unlike ``os.execve`` it passes any words and entries: an empty ``argv[0]``, an entry
    without ``=``.
    """

    def __init__(self, path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> None:
        self._arguments = (path, _texts(argv), _texts(entries))
        self._execve = _function("execve")

    def attempt(self) -> int:
        """Exec; return the ``errno`` of why not."""
        self._execve(*self._arguments)
        number: int = _ctypes.get_errno()
        return number


def prctl(option: int, value: int | bytes) -> None:
    """Do a ``prctl(2)`` with one argument. Raises ``OSError``."""
    if _function("prctl")(_Int(option), value, 0, 0, 0) < 0:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def statx(fd: int, mask: int, size: int) -> bytes:
    """Return what ``statx(2)`` tells of an open file, ``size`` bytes. Raises ``OSError``."""
    told = type("_Told", (_ctypes.Array,), {"_type_": _Byte, "_length_": size})()
    if _function("statx")(fd, b"", _AT_EMPTY_PATH, mask, told) < 0:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return bytes(told)


def trouble(function: str, name: bytes) -> int:
    """Call ``function(name)`` and return the ``errno`` that it leaves, 0 for none."""
    _ctypes.set_errno(0)
    _function(function)(name)
    number: int = _ctypes.get_errno()
    return number
