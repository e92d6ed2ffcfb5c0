"""rc.local: a line that starts svscanboot, before all else that the script does.

It leaves svscan to the background, and as no child of the script: that may wait for its own.

Nobody starts svscan again should it die. At shutdown somebody else must have it drained:
a drop-in for systemd's rc-local.service, or a System V stop script.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from slashservice.installer.detection.evidence import Wiring
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems.rclocal_readers import (
    PATHS,
    is_systemd,
    readers,
    why_nobody,
)
from slashservice.installer.init_systems.runlevels import runlevel_folder, stop_script
from slashservice.installer.init_systems.systemd import Systemd
from slashservice.installer.plan import proof, scripts
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import COMMENT_MARK, CommentOut
from slashservice.installer.plan.files import EditFile, MakeDirectory
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.telling import STOP_LIMIT

BESIDE = re.compile(r"(if|then|fi|do|done|cd|test|true|export|umask|ulimit|exec)\b|\[|:")
"""What is at home on the line of a scanner: it does nothing without it."""

DROP_IN = "/etc/systemd/system/rc-local.service.d"


class RcLocal(InitSystem):
    """``/etc/rc.local``, run once at the end of booting by whatever init."""

    name = "rclocal"
    title = "rc.local"
    aliases = ("rc.local",)
    listed = 120
    reads_all = True
    looked_for = PATHS
    places = tuple(Place(path, shared=True, syntax="shell") for path in reversed(PATHS))
    respawns = False

    def wire(self, site: Site) -> list[Action]:
        """Edit rc.local, and see to the order at shutdown."""
        systemd = self._systemd_runs_it(site)
        found = readers(site.host, site.evidence)
        if not found:
            raise Refusal(
                f"nobody runs rc.local at boot here: {why_nobody(site.host, site.evidence)}",
                "Have svscan wired into the init system itself: slashservice detect tells which",
                "that is, for --init. Or have one of the scripts that boot this host run rc.local.",
            )
        reader = next((one for one in found if site.host.is_file(one.path)), found[0])
        path = site.host.resolve(reader.path)
        return [
            *self._at_shutdown(site, systemd),
            self.script_line(site, path, "rclocal/rc.local", reader.how, enables=True),
            self.supervise(site, start=self._start_now(site, systemd)),
        ]

    def faults(self, seen: Look) -> Iterator[tuple[str, str]]:
        """Find an rc.local that should start svscan and never runs, or not so far."""
        host = seen.host
        found = {host.resolve(one.path): one for one in readers(host, seen.evidence)}
        for one in seen.evidence.wirings:
            if not one.path.endswith("rc.local") or not one.active:
                continue
            reader = found.get(host.resolve(one.path))
            if reader is None:
                why = "something else is run" if found else why_nobody(host, seen.evidence)
                yield f"{one.path} never runs: {why}", ""
            text = host.read(one.path) or b""
            fault = scripts.fault(host, one.path, text, reader.how if reader else "exec")
            if fault:
                yield fault.what, fault.remedy
            yield from _not_reached(host, one, text)
        for path in sorted({host.resolve(one) for one in PATHS if host.is_file(one)}):
            where = proof.misplaced(host, host.read(path) or b"")
            if where:
                yield f"what starts svscan in {path} {where}", "slashservice install moves it up"

    def unwire(self, host: Host, wiring: Wiring) -> list[Action]:
        """Put another svscan's line out of force, if nothing else is on it.

        An ``if`` or a loop must not become empty: there a ``:`` takes the line's place.
        """
        path, text = host.resolve(wiring.path), host.read(wiring.path) or b""
        works = proof.syntax_error(host, text) == ""
        editors = (CommentOut(wiring.text), CommentOut(wiring.text, f":\n{COMMENT_MARK}"))
        for editor in () if _does_more(wiring) else editors:
            if not works or not proof.syntax_error(host, editor.insert(text)):
                return [EditFile(path=path, editor=editor)]
        raise Refusal(
            f"a line of {path} does more than to start {wiring.program}: {wiring.text.strip()}",
            "Take that out of it yourself, then install again.",
        )

    def _start_now(self, site: Site, systemd: bool) -> tuple[str, ...]:
        """Return the command that starts svscan until the next boot, in reach of the shutdown.

        systemd keeps a transient unit as long as one of its daemons runs: then that is started,
        or one of another name where it has another command.
        """
        if not systemd:
            return ("sh", "-c", site.render("rclocal/rc.local"))
        properties = (
            *("Restart=on-failure", "RestartSec=1", "KillMode=process", "OOMPolicy=continue"),
            *(f"TimeoutStopSec={STOP_LIMIT}", "IgnoreSIGPIPE=no"),
        )
        options = [f"--property={one}" for one in properties]
        words = [*options, *site.svscanboot.split()]
        first, other = (
            shlex.join(["systemd-run", f"--unit={unit}", *words]) for unit in ("svscan", "UNIT")
        )
        kept = f"argv[]={site.svscanboot} ;"
        text = (
            f"case $(systemctl show --property=ExecStart svscan.service) in *'{kept}'*) "
            f"exec systemctl start svscan.service;; esac; {first} || "
            f"exec {other.replace('UNIT', 'svscan-$$', 1)}"
        )
        return ("sh", "-c", text)

    def _at_shutdown(self, site: Site, systemd: bool) -> list[Action]:
        """Return what drains at shutdown."""
        if systemd:
            drop_in = self.file(site, f"{DROP_IN}/svscan.conf", "rclocal/rc-local.service.d.conf")
            made = [MakeDirectory(path=DROP_IN), drop_in]
            return self.around(list(made), Systemd.reload)
        return stop_script(site) if runlevel_folder(site.host) else []

    def notes(self, site: Site) -> list[str]:
        once = "rc.local starts svscan once: nobody starts it again should it ever die"
        if self._at_shutdown(site, self._systemd_runs_it(site)):
            return [once]
        last = f"at shutdown, run first of all what stops the services in order: {site.drain}"
        return [once, f"nothing was found that could stop svscan; {last}"]

    def _systemd_runs_it(self, site: Site) -> bool:
        """Tell whether it is systemd that runs rc.local."""
        return is_systemd(site.evidence) and site.host.is_directory("/etc/systemd/system")


def _not_reached(host: Host, wiring: Wiring, text: bytes) -> Iterator[tuple[str, str]]:
    """Tell of another supervisor's line that rc.local does not come to."""
    at = 0 if wiring.ours else text.find(wiring.text.encode("latin-1"))
    if at > 0 and proof.ends_before(host, text, at):
        yield f"{wiring.path} ends before it starts {wiring.program}", "move that line up"


def _does_more(wiring: Wiring) -> bool:
    """Tell whether a line runs other programs beside a scanner, or goes on in the next."""
    name = wiring.program.rsplit("/", 1)[-1]
    if wiring.text.endswith("\\"):
        return True
    code = re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: name * (name in quoted[0]), wiring.text)
    code = re.sub(r"(^|\s)#.*", "", code)
    parts = [part.strip(" \t(){}&") for part in re.split(r";|&&|\|\|", code)]
    return any(part and name not in part and not BESIDE.match(part) for part in parts)
