"""A unit of systemd that is being read: its settings, each with where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from slashservice.installer.converters import accounts, systemd_reasons
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.unit_file import Setting, Unit
from slashservice.installer.converters.unit_words import Names, Unclear, environment_file, split
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

T = TypeVar("T")


OF_RELEASE = {
    "o": "ID",
    "w": "VERSION_ID",
    "W": "VARIANT_ID",
    "B": "BUILD_ID",
    "M": "IMAGE_ID",
    "A": "IMAGE_VERSION",
}
"""Specifiers that stand for what ``/etc/os-release`` says."""


def _of_host(host: Host) -> dict[str, str]:
    """Return what specifiers stand for that are the host's."""
    release = environment_file((host.read("/etc/os-release") or b"").decode("utf-8", "replace"))
    found = {letter: release.get(name, "") for letter, name in OF_RELEASE.items()}
    root = accounts.find(host, "root")
    found["s"] = root.shell if root and root.shell else "/bin/sh"
    if machine := (host.read("/etc/machine-id") or b"").decode("utf-8", "replace").strip():
        found["m"] = machine
    return found


class Reading:
    """A unit, the host that it is for, and what is lost of it.

    It is kept in mind which settings were looked at: what nobody has is lost.
    """

    def __init__(self, host: Host, unit: Unit, losses: Losses) -> None:
        self.host = host
        self.unit = unit
        self.losses = losses
        self.names = Names(unit.name, _of_host(host))
        self._seen: set[str] = set()

    def last(self, key: str, section: str = "Service") -> Setting | None:
        """Return the assignment of a key that counts."""
        self._seen.add(f"{section}.{key}")
        return self.unit.last(section, key)

    def last_said(self, key: str) -> Setting | None:
        """Return the last assignment of a key that an empty one does not take back."""
        self._seen.add(f"Service.{key}")
        said = [one for one in self.unit.settings if (one.section, one.key) == ("Service", key)]
        return next((one for one in reversed(said) if one.value), None)

    def all(self, key: str, section: str = "Service") -> list[Setting]:
        """Return the assignments of a key that takes many."""
        self._seen.add(f"{section}.{key}")
        return self.unit.all(section, key)

    def text(self, one: Setting) -> str:
        """Return the value of a setting with its specifiers filled in."""
        return self.read(one, self.names.filled)

    def comment(self, one: Setting) -> str:
        """Return the value of a setting that only tells something; what is odd in it stays."""
        try:
            return self.names.filled(one.value)
        except Unclear:
            return one.value

    def words(self, one: Setting) -> list[str]:
        """Return the words of a list, each with its specifiers filled in."""
        return self.read(one, lambda value: [self.names.filled(word) for word in split(value)])

    def filled(self, one: Setting, word: str) -> str:
        """Return a word of a setting with its specifiers filled in."""
        return self.read(one, lambda _: self.names.filled(word))

    def read(self, one: Setting, how: Callable[[str], T]) -> T:
        """Return what ``how`` makes of a value; :class:`Refusal` if that is nothing."""
        try:
            return how(one.value)
        except Unclear as why:
            raise refused(one.where, f"{one.key}= can't be read: {why}") from None

    def value(self, key: str, how: Callable[[str], T], usual: T) -> T:
        """Return what ``how`` makes of the value of a key; ``usual`` if there is none."""
        one = self.last(key)
        return usual if one is None else self.read(one, lambda _: how(self.text(one)))

    def refusal(self, one: Setting, what: str, *advice: str) -> Refusal:
        """Return the refusal of a setting."""
        return refused(one.where, f"{one.key}={what}", *advice)

    def lost(self, one: Setting, what: str) -> None:
        """Note what of a setting is otherwise than it was."""
        self.losses.add(one.where, f"{one.key}={what}")

    def lose_the_rest(self) -> None:
        """Note all settings that nobody has looked at, but for those that say nothing."""
        for one in self.unit.settings:
            name = f"{one.section}.{one.key}"
            if one.value and name not in self._seen and not systemd_reasons.SILENT.fullmatch(name):
                self.lost(one, f" is left out: {systemd_reasons.reason(one.key)}")
