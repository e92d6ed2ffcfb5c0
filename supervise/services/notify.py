"""Telling the init system that we are ready, by its protocol of one datagram.

systemd's ``sd_notify(3)``: a message to the Unix socket that ``NOTIFY_SOCKET`` names. The
variables by which systemd tells us about ourselves are kept from the daemons.
"""

from __future__ import annotations

from slashservice.supervise.chain import environment

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


def without(entries: list[bytes]) -> list[bytes]:
    """Return the entries of an environment as daemons should have them.

    They stay as they are unless systemd expects to hear from us.
    """
    if not environment.get(b"NOTIFY_SOCKET", entries):
        return entries
    return [entry for entry in entries if entry.split(b"=", 1)[0] not in OURS_ALONE]


def notifier(entries: list[bytes]) -> Callable[[bytes], None]:
    """Return a function that sends a state such as ``READY=1``.

    It does nothing where nobody listens.
    """
    address = environment.get(b"NOTIFY_SOCKET", entries)
    if not address:
        return lambda state: None
    if address[:1] == b"@":
        address = b"\0" + address[1:]

    import socket  # not when we are out of descriptors

    def notify(state: bytes) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(state, address)
        except OSError:
            pass

    return notify
