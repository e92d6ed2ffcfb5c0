"""The action that tells SELinux how our files are labelled, so that they stay so.

A host can be labelled anew at any time, by ``restorecon`` or at its next boot. It then goes by
the rules it has. ``semanage`` adds ours; where a host lacks it, labels are only set, and are lost
when all is labelled anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer.host import labels, scratch
from slashservice.installer.host.host import Host
from slashservice.installer.host.labels import RULES
from slashservice.installer.plan.actions import Action

FHS = "/usr/local/lib/slashservice"
PACKAGES = "/package/admin"
CONFIG = "/etc/selinux/config"
ALIASES = ("file_contexts.subs", "file_contexts.subs_dist")
"""Where a policy has second names of folders: the administrator's, and its own."""

SECONDS = 300
"""For ``semanage``: it compiles the whole policy."""


@dataclass(frozen=True)
class LabelRules(Action):
    """Have the labels of our files written down. ``rules`` are expressions for paths."""

    kind: ClassVar[str] = "label-rules"
    rules: tuple[str, ...] = tuple(RULES)

    @property
    def key(self) -> str:
        """There is one of these."""
        return self.kind

    def describe(self) -> str:
        """Say it in one line."""
        return "tell SELinux what our files are"

    def describe_undo(self, before: dict[str, Any]) -> str:
        """Say it in one line."""
        return "take that back from SELinux"

    def done(self, host: Host) -> bool:
        """Tell whether there are rules, where they can be, and what is there goes by them."""
        ruled = host.which("semanage") is None or bool(set(self.rules) & _local(host))
        return ruled and not any(_wrong(host))

    def capture(self, host: Host) -> dict[str, Any]:
        """Return the rules that are there already: an administrator's, which stay."""
        return {"there": sorted(set(self.rules) & _local(host))}

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: rules for these paths were made by us."""
        return {"there": []}

    def apply(self, host: Host) -> None:
        """Add what is missing, and label what is there already."""
        there, kinds = _local(host), rules(host)
        missing = [rule for rule in self.rules if rule not in there and rule in kinds]
        _change(host, [f"fcontext -a -t {kinds[rule]} '{rule}'" for rule in missing])
        for path in _places(host):
            labels.give(host.real(path), recursively=True)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Delete what was added."""
        there = _local(host)
        ours = [rule for rule in self.rules if rule in there and rule not in before["there"]]
        _change(host, [f"fcontext -d '{rule}'" for rule in ours])
        left = sorted(set(ours) & _local(host))
        return [f"SELinux still has a rule for {rule}: semanage fcontext -d" for rule in left]


def rules(host: Host) -> dict[str, str]:
    """Return the types of our files by the expressions that this host's policy knows them by."""
    kept = re.search(rb"^\s*SELINUXTYPE\s*=\s*(\S+)", host.read(CONFIG) or b"", re.M)
    folder = f"/etc/selinux/{os.fsdecode(kept[1]) if kept else ''}/contexts/files"
    aliases = []
    for name in ALIASES:
        lines = (host.read(f"{folder}/{name}") or b"").decode("utf-8", "surrogateescape")
        words = [line.split() for line in lines.splitlines() if not line.lstrip().startswith("#")]
        aliases += [(found[0], found[1]) for found in words if len(found) == 2]
    return {labels.named(rule, aliases): kind for rule, kind in RULES.items()}


def faults(host: Host) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the labels of our files, and what to do about it."""
    if not host.has_selinux():
        return
    wrong = list(_wrong(host))
    if wrong:
        path, kind = wrong[0], labels.present(host.real(wrong[0]))
        more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
        what = f"SELinux has {path} labelled {kind}, and not {labels.wanted(path)}{more}"
        yield what, "slashservice install labels it anew"
    if _places(host) and host.which("semanage") and not set(rules(host)) & _local(host):
        what = "SELinux has no rules for our files: their labels go when all is labelled anew"
        yield what, "slashservice install adds them"


def _wrong(host: Host) -> Iterator[str]:
    """Yield what of ours has another label than it should have."""
    for path in _places(host):
        real = host.real(path)
        for one in (real, *([] if os.path.islink(real) else labels.below(real))):
            name = path + one[len(real) :]
            if not labels.is_right(one, name):
                yield name


def _places(host: Host) -> list[str]:
    """List what there is of ours that has labels of its own, and with it what is below."""
    trees = [f"{FHS}/{name}" for name in host.list(FHS)]
    names = [name for name in host.list(PACKAGES) if name.startswith("slashservice")]
    trees += [f"{PACKAGES}/{name}" for name in names]
    return [path for path in ("/command", *trees) if host.lstat(path)]


def _change(host: Host, lines: list[str]) -> None:
    """Have ``semanage`` do all of the lines, or none of them."""
    if lines and host.which("semanage"):
        host.step("label rules", "semanage fcontext")
        with scratch.folder() as folder:
            path = os.path.join(folder, "rules")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            host.run(["semanage", "import", "-f", path], timeout=SECONDS)


def _local(host: Host) -> set[str]:
    """Return the expressions for which the host has rules that its policy did not bring."""
    told = host.run(["semanage", "fcontext", "-l", "-C", "-n"], timeout=SECONDS)
    lines = told.output.splitlines() if told.good else []
    return {line.split(" ", 1)[0] for line in lines if line}
