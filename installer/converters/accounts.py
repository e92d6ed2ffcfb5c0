"""What the host's account files say of an account: its home, its shell, its group."""

from __future__ import annotations

from dataclasses import dataclass

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host


@dataclass(frozen=True)
class Account:
    """A line of ``/etc/passwd``, with the name of its group."""

    name: str
    uid: int
    gid: int
    group: str
    home: str
    shell: str


def find(host: Host, word: str) -> Account | None:
    """Return the account of a name or a number; None if the host has none such."""
    if host.root == "/":
        return _of_the_system(word)
    for line in (host.read("/etc/passwd") or b"").decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) >= 7 and word in (fields[0], fields[2]) and fields[2].isdigit():
            gid = int(fields[3]) if fields[3].isdigit() else 0
            group = _group_of(host, fields[3])
            return Account(fields[0], int(fields[2]), gid, group, fields[5], fields[6])
    return None


def asked(host: Host, account: str) -> str:
    """Return the name of the account that was asked for; empty for none, and for root."""
    if account in ("", "root", "0"):
        return ""
    found = find(host, account)
    if not found:
        raise Refusal(f"there is no account {account} on this host")
    return found.name


def _of_the_system(word: str) -> Account | None:
    """Ask the system, which may know accounts that are in no file."""
    import grp
    import pwd

    try:
        found = pwd.getpwuid(int(word)) if word.isdigit() else pwd.getpwnam(word)
    except (KeyError, OverflowError):
        return None
    try:
        group = grp.getgrgid(found.pw_gid).gr_name
    except KeyError:
        group = ""
    return Account(found.pw_name, found.pw_uid, found.pw_gid, group, found.pw_dir, found.pw_shell)


def group_name(host: Host, word: str) -> str:
    """Return the name of a group, of a name or a number; empty if there is none."""
    if host.root != "/":
        return _group_of(host, word)
    import grp

    try:
        return (grp.getgrgid(int(word)) if word.isdigit() else grp.getgrnam(word)).gr_name
    except (KeyError, OverflowError):
        return ""


def _group_of(host: Host, word: str) -> str:
    for line in (host.read("/etc/group") or b"").decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) >= 3 and word in (fields[0], fields[2]):
            return fields[0]
    return ""
