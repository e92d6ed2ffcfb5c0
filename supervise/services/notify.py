"""Telling the init system that we are ready, by its protocol of one datagram.

systemd's ``sd_notify(3)``: a message to the Unix socket that ``NOTIFY_SOCKET`` names. What
systemd tells us about ourselves in the environment is no business of the daemons.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


OURS_ALONE = (
    b"NOTIFY_SOCKET",
    b"WATCHDOG_PID",
    b"WATCHDOG_USEC",
    b"INVOCATION_ID",
    b"JOURNAL_STREAM",
    b"SYSTEMD_EXEC_PID",
    b"LISTEN_FDS",
    b"LISTEN_FDNAMES",
    b"LISTEN_PID",
    b"MEMORY_PRESSURE_WATCH",
    b"MEMORY_PRESSURE_WRITE",
)
"""Variables that a daemon would take for its own if it saw them."""


def without(environment: list[bytes]) -> list[bytes]:
    """Return the ``NAME=VALUE`` entries as daemons should have them.

    They are left alone unless we are what systemd expects to hear from.
    """
    if not _value(environment, b"NOTIFY_SOCKET"):
        return environment
    return [entry for entry in environment if entry.split(b"=", 1)[0] not in OURS_ALONE]


def notifier(environment: list[bytes]) -> Callable[[bytes], None]:
    """Return what sends a state such as ``READY=1``; it does nothing where nobody listens."""
    address = _value(environment, b"NOTIFY_SOCKET")
    if not address:
        return lambda state: None
    if address[:1] == b"@":
        address = b"\0" + address[1:]

    def notify(state: bytes) -> None:
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(state, address)
            except OSError:
                pass

    return notify


def _value(environment: list[bytes], name: bytes) -> bytes:
    for entry in environment:
        if entry.startswith(name + b"="):
            return entry[len(name) + 1 :]
    return b""
