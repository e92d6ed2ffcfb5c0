"""Whatever is installed, upgraded, removed and purged in whatever order: what must be so, is so.

Another package brings a service meanwhile, and the administrator takes its link away.
``SLASHSERVICE_ORDERS`` is how many orders are tried.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from helpers.boots import trees
from helpers.dpkg import NAMES, NEW, OLD, Bringer, System, built

pytestmark = [pytest.mark.root, pytest.mark.slow]

BASE = NAMES[0]
COMMANDS = {NAMES[1]: "/usr/bin/svc", NAMES[2]: "/usr/bin/sv"}
STEPS = 9
ORDERS = int(os.environ.get("SLASHSERVICE_ORDERS", "1"))

PROBE = """\
dpkg --audit
for one in /usr/share/slashservice/*/; do [ -L "${one%/}" ] || echo "tree $one"; done
for one in /usr/bin/svc /usr/bin/sv /usr/bin/slashservice; do ! [ -e $one ] || echo "is $one"; done
for one in /etc/service/*; do ! [ -L "$one" ] || echo "link $one $(readlink $one)"; done
for one in /etc/service/.*; do [ ! -L "$one" ] || echo "stray $one"; done
[ ! -L /etc/systemd/system/multi-user.target.wants/svscan.service ] || echo wanted
[ ! -e /etc/slashservice/mine/run ] || echo mine
[ ! -x /usr/bin/slashservice ] || slashservice doctor 2>&1 | sed 's/^/doctor /'
"""
"""Tells, in one go, what is there."""


@dataclass
class Model:
    """What should be there: versions of our packages; of the service's, and whether it is off."""

    versions: dict[str, str] = field(default_factory=dict)
    brings: bool = False
    off: bool = False
    wanted: bool = False
    """Whether systemd's link is there: Debian has it stay until the purge."""

    def choices(self) -> list[str]:
        """Return what can be done now, as words."""
        found = [f"install {version}" for version in (OLD, NEW)]
        found += [f"both {version}" for version in (OLD, NEW)]
        found += ["remove", "purge", "purge-all"] if self.versions else []
        found += ["drop"] if self.brings else ["bring"]
        found += ["unlink"] if self.linked else []
        return found

    @property
    def linked(self) -> bool:
        return self.brings and BASE in self.versions and not self.off

    def do(self, word: str) -> str:
        """Do it here; return the command that does it there."""
        verb, _, version = word.partition(" ")
        if verb in ("install", "both"):
            names = [BASE] if verb == "install" else [*NAMES]
            names = [*dict.fromkeys((*names, *self.versions))]  # they ask for one version of all
            self.versions = dict.fromkeys(names, version)
            self.wanted = True
            return "dpkg -i " + " ".join(f"/debs/{name}_{version}_all.deb" for name in names)
        if verb in ("remove", "purge", "purge-all"):
            names = [name for name in self.versions if name != BASE]
            if verb == "purge-all" or not names:
                names = [*self.versions]
            for name in names:
                del self.versions[name]
            if verb != "remove" and not self.versions:
                self.off = self.wanted = False  # what was noted is gone, too
            option = "-r" if verb == "remove" else "-P"
            return f"dpkg {option} {' '.join(reversed(names))}"
        if verb == "unlink":
            self.off = True
            return "rm /etc/service/web"
        self.brings = verb == "bring"
        return "dpkg -i /debs/web_1.deb" if self.brings else "dpkg -P web"


def check(system: System, model: Model) -> None:
    said = system.run(PROBE).splitlines()
    installed = BASE in model.versions
    rest = [line for line in said if not line.startswith(("tree ", "is ", "link ", "doctor "))]
    assert sorted(rest) == sorted(["mine", *(["wanted"] if model.wanted else [])])
    found = [line.split()[1] for line in said if line.startswith("tree ")]
    if installed:
        [tree] = found
        assert f"/{model.versions[BASE]}-" in tree
        assert "doctor nothing found wrong" in said
    else:
        assert found in ([], ["/usr/share/slashservice/*/"])
    commands = {path for name, path in COMMANDS.items() if name in model.versions}
    commands |= {"/usr/bin/slashservice"} if installed else set()
    assert {line.split()[1] for line in said if line.startswith("is ")} == commands
    links = {"link /etc/service/mine /etc/slashservice/mine"}
    links |= {f"link /etc/service/web {Bringer('web').home}"} if model.linked else set()
    assert {line for line in said if line.startswith("link ")} == links


@pytest.mark.parametrize("seed", range(1, ORDERS + 1))
def test_any_order_of_packages_leaves_what_it_should(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    system = System(tmp_path / "system", built())
    try:
        system.put(Bringer("web").make(tmp_path))
        system.run(
            "mkdir -p /etc/service /etc/slashservice/mine; echo '#!/bin/sh' "
            ">/etc/slashservice/mine/run; chmod 755 /etc/slashservice/mine/run; "
            "ln -s /etc/slashservice/mine /etc/service/mine"
        )
        model, done = Model(), []
        for _ in range(STEPS):
            done.append(chance.choice(model.choices()))
            said = system.run(model.do(done[-1]))
            assert "Traceback" not in said, done
            try:
                check(system, model)
            except AssertionError as wrong:
                raise AssertionError(f"after {done}:\n{said}\n{wrong}") from wrong
    finally:
        trees.remove(tmp_path / "system")
