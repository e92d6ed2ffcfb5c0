"""Put into a folder what a distribution's package brings: ``staged.py [--by KIND] FOLDER``.

What else a distribution has otherwise is told by options: see ``--help``.

The code goes to a folder that is named for what is in it, and ``current`` leads there. So while
a package is upgraded a svscan that runs is never shown half of another version, and ``status``
can tell by the folder which code svscan runs. What init systems get is made of the same
templates that ``slashservice install`` fills in.
"""

# ruff: noqa: E402 - the modules can be imported only once their package is known

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
try:
    from slashservice.installer.plan.source import collect
except ImportError:  # no environment, as while a package is built
    slashservice = type(sys)("slashservice")
    slashservice.__path__ = [CHECKOUT]
    sys.modules["slashservice"] = slashservice
    from slashservice.installer.plan.source import collect

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.host import package
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import Layout, layout
from slashservice.installer.host.marks import BROUGHT_BY_US
from slashservice.installer.plan.init_system import Site
from slashservice.installer.plan.source import Source, installer_launcher
from slashservice.supervise.chain.launchers import COMMANDS
from slashservice.supervise.version import VERSION

PYTHON = "/usr/bin/python3"

USUAL = "/usr"

INITS = {
    "deb": ("systemd", "initd"),
    "rpm": ("systemd",),
    "apk": ("openrc",),
    "pacman": ("systemd",),
    "pkg": ("freebsd",),
}
"""What the init systems of each kind's hosts get."""

ZSH = {"deb": "vendor-completions"}
"""Where a kind of hosts has zsh look for the completions of packages, if that is elsewhere."""

INNER = ("loghost",)
"""Commands that only our own code starts."""

LAUNCHED = {
    "command/slashservice": "start",
    "hook": "hook",
    "update-service": "update_service",
}
"""What starts a module of ``installer.cli``: the hook is for maintainer scripts."""

WRITTEN = "Written by `slashservice install`; `slashservice uninstall` takes it away."

BY_INIT = """\
start() {
    # What is linked for Debian's runit is not ours to start.
    if [ -L /etc/service ] && [ ! -e @taken@ ]; then
        return 0
    fi
    # Where init reads inittab it starts svscan itself, by a line that the package has put there.
    if [ -p /run/initctl ] && [ ! -e /run/openrc ] && grep -qs ':respawn:' /etc/inittab; then
        [ ! -d /var/lock/subsys ] || : >"$mark"
        return 0
    fi
"""
"""What the script of init.d says ahead of starting svscan itself."""
BY_INIT = BY_INIT.replace("@taken@", package.TAKEN)

NOT_RUNITS = f"""\
# Debian's runit has a link there to its own services, whether they are to run or not.
ConditionPathIsSymbolicLink=|!/etc/service
ConditionPathExists=|{package.TAKEN}
"""
"""What the unit says of that."""


def main() -> None:
    """Make the tree."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--by", choices=sorted(package.KINDS), default="deb")
    parser.add_argument("--vendor", default="/usr/lib/python3/dist-packages")
    parser.add_argument("--prefix", default=USUAL)
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("folder")
    Staged(**vars(parser.parse_args())).make()


class Staged:
    """The tree below ``folder``, for packages of the kind ``by``.

    ``vendor`` is where the distribution has the Python packages that the installer imports,
    ``prefix`` where packages go. The code runs on ``python``.
    """

    def __init__(
        self,
        folder: str,
        by: str,
        vendor: str,
        prefix: str = USUAL,
        python: str = PYTHON,
    ) -> None:
        self.folder = folder
        self.by = by
        self.prefix = prefix
        self.python = python
        name = f"{VERSION}-{self._source(VERSION, vendor).digest}"
        self.source = self._source(name, vendor)
        self.places = self._places(name)
        self.base = os.path.dirname(self.places.tree)

    def _below(self, path: str) -> str:
        """Return where a path of ``/usr`` is."""
        return self.prefix + path.removeprefix(USUAL)

    def _places(self, name: str) -> Layout:
        """Return the places, where the code is in the folder ``name``."""
        usual = layout("package", name)
        return dataclasses.replace(
            usual,
            tree=self._below(usual.tree),
            current=self._below(usual.current),
            commands=self._below(usual.commands),
        )

    def _source(self, name: str, vendor: str) -> Source:
        """Return the code that shall be in the folder ``name``, without others' packages."""
        places = self._places(name)
        code = collect(self.python, places.tree)
        files = {
            path: one
            for path, one in code.files.items()
            if not path.startswith(("vendor/", "man/"))
        }
        files.pop("LICENSE", None)
        for path, module in LAUNCHED.items():
            text = installer_launcher(self.python, places.tree, vendor, module)
            files[path] = (text.encode(), 0o755)
        return Source(files, code.commands).scanning(places.service_dir)

    def make(self) -> None:
        """Write all of it."""
        for name, (data, mode) in self.source.files.items():
            self.write(f"{self.places.tree}/{name}", data, mode)
        self.link(self.places.current, os.path.basename(self.places.tree))
        marker = json.dumps(package.KINDS[self.by].to_json(), indent=1, sort_keys=True) + "\n"
        self.write(self._below(package.MARKER), marker.encode())
        for name in ("slashservice", *(one for one in COMMANDS if one not in INNER)):
            target = f"../share/slashservice/current/command/{name}"
            self.link(self._below(f"/usr/bin/{name}"), target)
        folder = "sbin" if self.by == "deb" else "bin"
        update_service = self._below(f"/usr/{folder}/update-service")
        self.link(update_service, "../share/slashservice/current/update-service")
        self._wire()
        self._document()
        for directory in (
            self.places.service_dir,
            "/etc/slashservice",
            self._below(package.BROUGHT),
        ):
            os.makedirs(self.folder + directory, exist_ok=True)

    def _wire(self) -> None:
        """Write the unit or the scripts for the init systems of these hosts."""
        host = Host(self.folder, live=False)
        site = Site(host, self.places, Evidence(), Verdict("", (), ""), self.python)
        for init in INITS[self.by]:
            if init == "systemd":
                unit = site.render("systemd/svscan.service")
                unit = _replaced(
                    unit, "AssertPathIsDirectory=", f"{NOT_RUNITS}AssertPathIsDirectory="
                )
                unit = _replaced(unit, "[Unit]\n", "[Unit]\nDocumentation=man:slashservice(8)\n")
                self.write("/usr/lib/systemd/system/svscan.service", _brought(unit))
            elif init == "initd":
                script = _replaced(site.render("initd/svscan"), "start() {\n", BY_INIT)
                script = _replaced(script, "# Default-Stop:      0 1 6", "# Default-Stop:      0 6")
                self.write("/etc/init.d/svscan", _brought(script), 0o755)
            elif init == "openrc":
                self.write("/etc/init.d/svscan", _brought(site.render("openrc/svscan")), 0o755)
            elif init == "freebsd":
                script = site.render("freebsd/svscan")
                self.write(f"{self.prefix}/etc/rc.d/svscan", _brought(script), 0o555)

    def _document(self) -> None:
        """Put completions where the shells look for them."""
        inner = f"{CHECKOUT}/installer/cli/completion"
        for shell, place, others in (
            ("bash", "/usr/share/bash-completion/completions/{}", True),
            ("zsh", f"/usr/share/zsh/{ZSH.get(self.by, 'site-functions')}/_{{}}", False),
            ("fish", "/usr/share/fish/vendor_completions.d/{}.fish", True),
        ):
            place = self._below(place)
            for of in ("slashservice", "commands"):
                with open(f"{inner}/{of}.{shell}", "rb") as file:
                    data = file.read()
                name = of if of == "slashservice" else "slashservice_commands"
                self.write(place.format(name), data)
                if of == "commands" and others:
                    for command in (one for one in COMMANDS if one not in INNER):
                        self.link(place.format(command), os.path.basename(place.format(name)))

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file of the tree."""
        os.makedirs(os.path.dirname(self.folder + path), exist_ok=True)
        with open(self.folder + path, "wb") as file:
            file.write(data)
        os.chmod(self.folder + path, mode)

    def link(self, path: str, target: str) -> None:
        """Make a link of the tree."""
        os.makedirs(os.path.dirname(self.folder + path), exist_ok=True)
        os.symlink(target, self.folder + path)


def _replaced(text: str, old: str, new: str) -> str:
    """Return a text with a part of it replaced, which must be there."""
    assert old in text, f"the template is another one: {old!r}"
    return text.replace(old, new)


def _brought(text: str) -> bytes:
    """Return an artefact's text with a first line that says who brought it."""
    return _replaced(text, WRITTEN, BROUGHT_BY_US.decode()).encode()


if __name__ == "__main__":
    main()
