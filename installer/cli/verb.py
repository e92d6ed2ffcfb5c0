"""The base of all verbs of the command line: where they work, and how they end."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from plumbum import cli
from plumbum.cli.switches import SwitchError

from slashservice.installer import starters, streams
from slashservice.installer.cli import remedies
from slashservice.installer.detection.look import Look, look
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import package
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.plan.init_system import STARTERS, InitSystem
from slashservice.installer.record import receipt as receipts

DONE, WRONG, WOULD_CHANGE, MISUSE, TROUBLE = 0, 1, 2, 100, 111
TYPE = re.compile(r"(:str|:\[[\d., ]+\])( *)")
"""How plumbum shows the type of a value, and what keeps the columns apart."""

WRONG_VALUE = re.compile(r"Argument of (\S+) expected to be (.+), not (.+):\n")
KINDS = {
    r"^\[(-?\d+)\.\.(-?\d+)\]$": r"a number from \1 to \2",
    r"^\{(.*)\}$": r"\1",
    r", (?=[^,]*$)": " or ",
}
"""How plumbum shows what a value must be, and how we do."""

SHOW = ("ShowHelp", "ShowHelpAll", "ShowVersion", "ShowCompletion")


class Ended(Exception):  # noqa: N818 - the end of a verb, good or bad
    """Ends the command with a status, from within a verb's helpers."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Misuse(Exception):  # noqa: N818 - the user's, not ours
    """The command was called wrongly."""


say = streams.say


class Unprinted(Trouble):
    """What was asked to be printed could not be."""

    def __init__(self, error: OSError) -> None:
        super().__init__("standard output", error.strerror or str(error))


def printed(status: int = DONE) -> int:
    """Return the status of what was only asked to print; :class:`Unprinted` if it could not."""
    if streams.unsaid:
        raise Unprinted(streams.unsaid[0])
    return status


class OneOf(cli.Set):
    """One of some words: the help says which, so they are not shown as a type as well."""

    __name__ = "str"


class Verb(cli.Application):
    """The base of all verbs: wrong usage is told in one line.

    plumbum would print its whole help. Two of its methods that are not public are overridden
    for that, which is why ``pyproject.toml`` bounds its version.
    """

    SUBCOMMAND_HELPMSG = False

    @cli.switch(
        ["-h", "--help"], overridable=True, group="Meta-switches", help="print this help and end"
    )
    def help(self) -> None:
        """Print the help, without the types that plumbum has behind the words for values.

        Nor with switches that have lost their names to others of ours, such as plumbum's own help.
        """
        self._switches_by_func = {
            func: switch
            for func, switch in self._switches_by_func.items()
            if any(self._switches_by_name.get(name) is switch for name in switch.names)
        }
        with io.StringIO() as text, contextlib.redirect_stdout(text):
            super().help()
            whole = text.getvalue()
        for line in TYPE.sub(
            lambda found: found[2] and " " * len(found[1]) + found[2], whole
        ).splitlines():
            say(line.rstrip())
        say("Manual: man slashservice")
        printed()

    def _parse_args(self, argv: list[str]) -> Any:
        try:
            switches, rest = super()._parse_args(argv)
        except SwitchError as error:
            raise self._misuse(error) from None
        for given in switches.values():
            values = given.val[0] if given.val and isinstance(given.val[0], list) else given.val
            if "" in values:  # a variable of a script, mostly, that is not set
                raise Misuse(f"{given.swname} was given nothing")
        return switches, rest

    def _validate_args(self, swfuncs: Any, tailargs: Any) -> Any:
        try:
            return super()._validate_args(swfuncs, tailargs)
        except SwitchError as error:
            raise self._misuse(error) from None

    def _misuse(self, error: SwitchError) -> Exception:
        """Tell wrong usage from a request for help, which plumbum raises alike."""
        if type(error).__name__ in SHOW:
            return error
        found = WRONG_VALUE.match(str(error))
        if not found:
            return Misuse(str(error).replace("\n", "\\n"))
        name, expected, given = found.groups()
        for before, after in KINDS.items():
            expected = re.sub(before, after, expected)
        dashes = ("-" if len(name) == 1 else "--") if name in self._switches_by_name else ""
        return Misuse(f"{dashes}{name} takes {expected}, not {given}")


Verb.unbind_switches("--help-all", "--completions")  # of some version of plumbum; ours are others


class HostVerb(Verb):
    """A verb for some host: this one, an image, or another over SSH."""

    root = cli.SwitchAttr(
        "--root", str, "", argname="DIR", help="the image at DIR, instead of this host"
    )
    address = cli.SwitchAttr(
        "--host", str, "", argname="ssh://USER@NAME", help="another host, over SSH"
    )
    ssh_options = cli.SwitchAttr(
        "--ssh-option",
        str,
        list=True,
        requires=["--host"],
        argname="KEY=VALUE",
        help="an option for ssh, as its -o",
    )
    force = cli.Flag(
        "--force",
        help="overwrite in place what can't be replaced in one step; scan any directory",
    )
    own: bool = False

    def host(self) -> Host:
        """Return the host this verb is for; a host over SSH gets the verb itself, and ends it."""
        if self.address and self.own:
            raise Misuse("--user is for this host: log in there as that account")
        if self.address:
            from slashservice.installer.remote import Address, run_there

            raise Ended(run_there(Address.of(self.address), self.words_there(), self.ssh_options))
        os.umask(0o022)  # what the commands that we run make is nobody else's to change
        root = self.root or os.environ.get("DPKG_ROOT", "") or "/"
        remedies.work_on(root, self.own)
        if not os.path.isdir(root):
            raise Refusal(f"{root} is no directory")
        if root == "/":
            home = _own_home(self.own)
            if home is not None:
                remedies.work_on("/", True)
                return home
        elif self.own:
            raise Misuse("--user is for this host, and --root for an image")
        here = Host(root, in_place=self.force)
        remedies.leave_to(package.found(here))
        return here

    def words_there(self) -> list[str]:
        """Return the command line for the host over SSH."""
        return without(sys.argv[1:], "--host", "--ssh-option")

    def look(self, host: Host, asked: str = "", receipt: receipts.Receipt | None = None) -> Look:
        """Look at a host and judge it; ``asked`` is what the administrator says it is.

        Its ``receipt`` is read where it isn't given.
        """
        if isinstance(host, Home):
            receipt = receipt or _readable(host)
            return starters.look(host, asked, receipt.init if receipt else "")
        return look(
            host,
            INIT_SYSTEMS,
            asked=by_name(asked).name if asked else "",
            before=_asked_before(host, receipt),
            offline="SYSTEMD_OFFLINE is set" if os.environ.get("SYSTEMD_OFFLINE") == "1" else "",
        )


class OwnVerb(HostVerb):
    """A verb for some host, or for what an ordinary account has in its home."""

    own = cli.Flag("--user", help="for yourself alone, in your home; without root")


def _own_home(asked: bool) -> Home | None:
    """Return the home of the account that runs us, if that is ``asked`` for, or used before."""
    if not asked and os.geteuid() == 0:
        return None
    try:
        home = Home()
    except Refusal:
        if asked:
            raise
        return None
    return home if asked or starters.is_installed(home) else None


def _asked_before(host: Host, receipt: receipts.Receipt | None) -> str:
    """Return the ``--init`` with which slashservice was installed, if there was one."""
    if not host.live or os.geteuid() != 0:
        return ""
    receipt = receipt or _readable(host)
    return receipt.init if receipt is not None and receipt.asked else ""


def _readable(host: Host) -> receipts.Receipt | None:
    """Return the receipt, ``None`` where it can't be read: who needs it says so."""
    try:
        return receipts.load(host)
    except Trouble:
        return None


def without(argv: list[str], *names: str) -> list[str]:
    """Return arguments without some options and their values."""
    kept = []
    words = iter(argv)
    for word in words:
        if word == "--":
            kept += [word, *words]
        elif word in names:
            next(words, None)
        elif not word.startswith(tuple(f"{name}=" for name in names)):
            kept.append(word)
    return kept


def systems_of(host: Host) -> Mapping[str, InitSystem]:
    """Return what may start svscan: of a host, or of an account."""
    return STARTERS if host.home else INIT_SYSTEMS


def need_root(host: Host) -> None:
    """Refuse to touch the running system as anybody but root."""
    if host.root == "/" and os.geteuid() != 0 and not host.home:
        raise Refusal(
            "only root may do that",
            "Try it with sudo.",
            "Or have services of your own, without root: slashservice install --user",
        )
