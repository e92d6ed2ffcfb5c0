"""Unpack the single file, run the command line of slashservice from there, and remove it.

The place is a folder that only we can enter, in one where nobody else can make anything: for root
below ``/run`` or ``/var``, for others in their own. The code that chooses it is read from within
the single file. If we are killed, a process beside us removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import zipfile

CODE = "slashservice/"
"""Where in the single file the code is."""

TROUBLE = 111
PREFIX = "slashservice-"


def main(path: str) -> None:
    """Be ``slashservice``, from the file at ``path``. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.dont_write_bytecode = True
    os.umask(0o022)
    archive = os.path.abspath(path)
    try:
        place = _place(archive)
        if sys.argv[1:2] == ["commands"]:
            _end("commands of a single file would be gone with what it unpacks: install it")
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=place)
        beside, word = _remover(folder)
    except Exception as error:
        _end(str(error))
    ended = TROUBLE
    try:
        _unpack(archive, folder)
        ended = _run(folder)
    except Exception as error:
        _say(f"{archive} can't be unpacked: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # whoever has killed it need not wait for it
            os.write(word, b"x")
            os.waitpid(beside, 0)
        os._exit(ended)


def _say(what: str) -> None:
    with contextlib.suppress(OSError, AttributeError):  # standard error may be closed
        sys.stderr.write(f"slashservice: fatal: {what}\n")
        sys.stderr.flush()


def _end(what: str) -> None:
    """Say why nothing can be done. Never returns."""
    _say(what)
    os._exit(TROUBLE)


def _mean(folder: str) -> None:
    """Have ``slashservice`` imported from a folder from now on."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "slashservice"]:
        del sys.modules[name]
    package = type(sys)("slashservice")
    package.__path__ = [folder]
    sys.modules["slashservice"] = package


def _place(archive: str) -> str:
    """Return the folder in which to unpack: as the installer itself chooses for its files.

    What is opened next is not taken for standard input, output or error, where one is closed.
    """
    _mean(os.path.join(archive, CODE.rstrip("/")))
    from slashservice.installer import streams
    from slashservice.installer.host import scratch

    streams.guard()
    return scratch.closed_place()


def _remover(folder: str) -> tuple[int, int]:
    """Have a process remove ``folder`` once all who run from it are gone; return its pid.

    The descriptor that is returned tells it when: a byte that we have done so ourselves, its end
    that we are dead. What we become, as ``logs`` becomes svlog, has it as well.
    """
    theirs, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.chdir("/")
            os.close(ours)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):  # who reads what we say is not to wait for this process
                os.dup2(null, fd)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            if not os.read(theirs, 1):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os._exit(0)
    os.close(theirs)
    os.set_inheritable(ours, True)
    return pid, ours


def _unpack(archive: str, folder: str) -> None:
    """Write the code into the folder. What is damaged is found out by its checksums."""
    with zipfile.ZipFile(archive) as packed:
        for one in packed.infolist():
            if one.filename.startswith(CODE):
                path = packed.extract(one, folder)
                if one.external_attr >> 16 & 0o100:
                    os.chmod(path, 0o755)


def _run(folder: str) -> int:
    """Do what the command line says, with the code and the packages that were unpacked."""
    code = os.path.join(folder, CODE.rstrip("/"))
    _mean(code)
    sys.path[:1] = [os.path.join(code, "vendor")]
    sys.argv[0] = os.path.join(code, "command", "slashservice")
    from slashservice.installer.cli import start

    return start.status()
