"""What starts svscan for an ordinary account: ``slashservice install --user``.

The first that can be used on a host is: systemd's user manager, OpenRC's user services, a launchd
agent, cron. Each is an init system as those of hosts are, whose files are in the account's home.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal, Trouble, WrongUse
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host
from slashservice.installer.plan.accounts import EditCrontab, Linger, crontab, lingers
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import NAME, STARTERS, InitSystem, Site
from slashservice.installer.plan.planner import parents

RULE = "account"
UNIT = f"{NAME}.service"
LABEL = "slashservice.svscan"


class Starter(InitSystem):
    """The base of them all."""

    of_accounts = True

    def why(self, host: Home) -> str:
        """Say what shows that it can be used; nothing if it can't."""
        return ""

    def made(self, action: Action, path: str) -> list[Action]:
        """Return an action that makes ``path``, behind those that make the folders above it."""
        return [*parents(path), action]


class SystemdUser(Starter):
    """systemd's user manager."""

    name = "systemd-user"
    title = "systemd's user manager"
    aliases = ("systemd",)
    listed = 10
    reload = ("systemctl", "--user", "daemon-reload")

    def why(self, host: Home) -> str:
        """Ask the user manager."""
        if not host.is_directory("/run/systemd/system"):
            return ""
        if host.run(["systemctl", "--user", "show-environment"], timeout=10).good:
            return f"a systemd user manager runs for {host.account}"
        return ""

    def wire(self, site: Site) -> list[Action]:
        """Write the unit, enable it, and have the manager outlive the login."""
        host = _home(site)
        folder = f"{host.config}/systemd/user"
        path, wanted = f"{folder}/{UNIT}", f"{folder}/default.target.wants/{UNIT}"
        check = ("systemd-analyze", "--user", "verify")
        unit = self.file(site, path, "user/svscan.service", check=check)
        changes = [*self.made(unit, path), *self.made(self.link(wanted, path), wanted)]
        tell = ("systemctl", "--user")
        actions = [
            *self.around(changes, self.reload, tolerant=True),
            self.supervise(site, (*tell, "start", UNIT), (*tell, "stop", UNIT)),
        ]
        if any(action.enables for action in changes):
            do, undo = ("loginctl", "enable-linger"), ("loginctl", "disable-linger")
            linger = Linger(
                do=(*do, host.account),
                undo_=(*undo, host.account),
                why="services run without a login",
                tolerant=True,
                account=host.account,
                enables=True,
            )
            actions.insert(0, linger)
        return actions

    def hint(self) -> str:
        """Point to the journal."""
        return f"see journalctl --user -u {UNIT}"

    def faults(self, seen: Look) -> Iterator[tuple[str, str]]:
        """Tell that services end with the login."""
        host = seen.host
        assert isinstance(host, Home)
        if seen.verdict.name == self.name and not lingers(host, host.account):
            yield (
                f"svscan ends when {host.account} logs out, and starts at the next login",
                f"loginctl enable-linger {host.account}",
            )


class OpenRCUser(Starter):
    """OpenRC's user services, from version 0.60 on."""

    name = "openrc-user"
    title = "OpenRC's user services"
    aliases = ("openrc",)
    listed = 20

    def why(self, host: Home) -> str:
        """See whether its tools know of accounts."""
        if not host.is_file("/run/openrc/softlevel") or not host.is_directory(host.runtime):
            return ""
        if host.run(["rc-update", "--user", "show"], timeout=10).good:
            return f"OpenRC has user services, and {host.account} a runtime directory"
        return ""

    def wire(self, site: Site) -> list[Action]:
        """Write the script and add it to the account's default runlevel."""
        folder = f"{_home(site).config}/rc"
        path, link = f"{folder}/init.d/{NAME}", f"{folder}/runlevels/default/{NAME}"
        script = self.file(site, path, "user/openrc", mode=0o755, check=("sh", "-n"))
        tell = ("rc-service", "--user", NAME)
        return [
            *self.made(script, path),
            *self.made(self.link(link, path), link),
            self.supervise(site, (*tell, "start"), (*tell, "stop")),
        ]

    def notes(self, site: Site) -> list[str]:
        """Say who starts the account's services."""
        service = f"user.{_home(site).account}"
        by_root = f"ln -s user /etc/init.d/{service} && rc-update add {service} default"
        return [
            f"OpenRC starts your services at login, by pam_openrc; at boot, if root says {by_root}"
        ]


class LaunchAgent(Starter):
    """A launchd agent of macOS."""

    name = "launchd-user"
    title = "launchd, as an agent"
    aliases = ("launchd",)
    listed = 30

    def why(self, host: Home) -> str:
        """Tell macOS."""
        return "this is macOS" if sys.platform == "darwin" else ""

    def wire(self, site: Site) -> list[Action]:
        """Write the property list and load it."""
        host = _home(site)
        path = f"{host.home}/Library/LaunchAgents/{LABEL}.plist"
        domain = f"gui/{os.geteuid()}"
        plist = self.file(
            site,
            path,
            "user/svscan.plist",
            check=("plutil", "-lint"),
            enables=True,
            label=LABEL,
        )
        return [
            *self.made(plist, path),
            self.supervise(
                site,
                ("launchctl", "bootstrap", domain, path),
                ("launchctl", "bootout", f"{domain}/{LABEL}"),
            ),
        ]

    def notes(self, site: Site) -> list[str]:
        """Say when agents run."""
        return ["launchd runs agents only while their account is logged in"]


class Cron(Starter):
    """Cron, which starts svscan once after boot."""

    name = "cron"
    title = "cron"
    listed = 40
    respawns = False

    def why(self, host: Home) -> str:
        """See whether the account may use it."""
        if host.which("crontab") is None:
            return ""
        try:
            crontab(host)
        except Trouble:
            return ""
        return f"{host.account} may have a crontab"

    def wire(self, site: Site) -> list[Action]:
        """Add a line to the crontab, and start svscan as that would."""
        text = site.render("user/crontab")
        now = ("sh", "-c", text.split(" ", 1)[1].strip())
        return [EditCrontab(lines=text, enables=True), self.supervise(site, now)]

    def notes(self, site: Site) -> list[str]:
        """Say what cron does not do."""
        return [
            "cron starts svscan once at boot: nobody starts it again should it ever die",
            "at shutdown services have as long as the host gives to all processes",
        ]


class ByHand(Starter):
    """Nothing: the account starts svscan itself."""

    name = "none"
    title = "nobody"
    listed = 50
    wired = False
    respawns = False

    def wire(self, site: Site) -> list[Action]:
        """Return what ends svscan when all is taken away."""
        return [self.await_end(site)]

    def notes(self, site: Site) -> list[str]:
        """Say how it is started."""
        return [f"start it yourself: {site.svscan}"]


def _home(site: Site) -> Home:
    """Return the account's part of the host."""
    assert isinstance(site.host, Home)
    return site.host


def by_name(name: str) -> Starter:
    """Return the starter called ``name``; :class:`WrongUse` where there is none."""
    for one in STARTERS.values():
        if isinstance(one, Starter) and name in (one.name, *one.aliases):
            return one
    raise WrongUse(f"nothing called {name!r} starts services of accounts", f"There are {listed()}.")


def listed() -> str:
    """Name them all."""
    return ", ".join(STARTERS)


def look(host: Home, asked: str = "", before: str = "") -> Look:
    """Decide what starts svscan for an account.

    ``asked`` names what the account wants, ``before`` what has started it until now.
    """
    name = asked or before
    if asked and by_name(asked).wired and not by_name(asked).why(host):
        title = by_name(asked).title
        raise Refusal(f"{title} can't be used by {host.account} here", *_find(host).advice)
    if name:
        reason = "asked for with --init" if asked else "it is installed so"
        verdict = Verdict(by_name(name).name, (reason,), RULE, asked=bool(asked) or name == "none")
    else:
        verdict = _find(host)
    evidence = Evidence(platform=sys.platform)
    return Look(host, evidence, verdict, verdict)


def _find(host: Home) -> Verdict:
    """Return the first that can be used."""
    for one in STARTERS.values():
        why = one.why(host) if isinstance(one, Starter) else ""
        if why:
            return Verdict(one.name, (why,), RULE)
    run = shlex.join([f"{host.commands}/svscan", f"{host.home}/service"])
    return Verdict(
        "",
        (f"nothing here starts programs of {host.account}",),
        RULE,
        advice=(
            "There is no systemd user manager, no OpenRC with user services, and no crontab.",
            "Logged in by su or sudo, one has no user manager: log in by ssh or at a terminal.",
            f"With --init none you start it yourself: {run}",
        ),
    )


def is_installed(host: Host) -> bool:
    """Tell whether an account has an installation of its own, with a receipt or without one."""
    return any(host.lstat(f"{host.receipts}/{name}") for name in ("receipt.json", "current"))
