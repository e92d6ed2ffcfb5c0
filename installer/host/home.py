"""The part of this machine that belongs to an ordinary account: its home, and what is in there.

Its places are those of the XDG base directories. What is installed there belongs to the account,
is run by it, and by nobody else; so it has to be the account's own or root's, and no more.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

HANDED_ON = (
    *("HOME", "USER", "LOGNAME", "SHELL"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    "DBUS_SESSION_BUS_ADDRESS",
)
"""Variables by which the tools of an account find what is the account's."""

UNFIT = frozenset(" \t\n:#'\"\\$%@<>&;|*?")
"""Characters that some reader of the paths in a home would take for its own."""


class Home(Host):
    """What the account that runs us has of this machine. Raises :class:`Refusal`.

    ``data``, ``config`` and ``kept_logs`` are folders in it.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        super().__init__("/")
        if os.geteuid() == 0:
            raise Refusal(
                "--user is for ordinary accounts: what root installs is the host's",
                "Call it as that account: without sudo, or with su - ACCOUNT.",
            )
        try:
            account = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Refusal(
                f"no account of this host has the number {os.geteuid()}, which you run as",
                "What would start your services at boot goes by accounts. Root makes one so:",
                f"    useradd --uid {os.geteuid()} NAME",
            ) from None
        self.account = account.pw_name
        self.home = os.path.realpath(variables.get("HOME") or account.pw_dir)
        about = self.lstat(self.home)
        if about is None or about.st_uid != os.geteuid():
            raise Refusal(
                f"{self.home} is no home of {self.account}", "HOME must be the account's own."
            )
        if set(self.home) & UNFIT:
            raise Refusal(f"{self.home} has characters in it that cron, systemd or shells take out")
        self.data = self._base(variables, "XDG_DATA_HOME", ".local/share")
        self.config = self._base(variables, "XDG_CONFIG_HOME", ".config")
        self.kept_logs = self._base(variables, "XDG_STATE_HOME", ".local/state") + "/slashservice"
        self.receipts = f"{self.data}/slashservice"
        self.commands = f"{self.home}/.local/bin"
        self._variables = variables

    def _base(self, variables: Mapping[str, str], name: str, usual: str) -> str:
        """Return a base directory: a path that is not absolute counts for nothing."""
        asked = variables.get(name, "")
        if asked.startswith("/") and not set(asked) & UNFIT:
            return os.path.realpath(asked)
        return os.path.realpath(f"{self.home}/{usual}")

    @property
    def runtime(self) -> str:
        """The folder of the account's user manager, whether it is there or not."""
        return self._variables.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"

    def environment(self) -> dict[str, str]:
        """Return what commands need to find what is the account's."""
        found = {name: self._variables[name] for name in HANDED_ON if self._variables.get(name)}
        usual = {"HOME": self.home, "USER": self.account, "LOGNAME": self.account}
        if os.path.isdir(self.runtime):
            usual["XDG_RUNTIME_DIR"] = self.runtime
        return {**super().environment(), **usual, **found}
