"""The action that tells SELinux how our files are labelled, so that they stay so.

A host can be labelled anew at any time, by ``restorecon`` or at its next boot. It then goes by
the rules it has. ``semanage`` adds ours; where a host lacks it, labels are only set, and are lost
when all is labelled anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar

from slashservice.installer.host import labels, scratch
from slashservice.installer.host.host import Host
from slashservice.installer.host.labels import RULES
from slashservice.installer.plan.actions import Action

FHS = "/usr/local/lib/slashservice"

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
        return ruled and all(labels.is_right(host.real(path)) for path in _places(host))

    def capture(self, host: Host) -> dict[str, Any]:
        """Return the rules that are there already: an administrator's, which stay."""
        return {"there": sorted(set(self.rules) & _local(host))}

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: rules for these paths were made by us."""
        return {"there": []}

    def apply(self, host: Host) -> None:
        """Add what is missing, and label what is there already."""
        there = _local(host)
        missing = [rule for rule in self.rules if rule not in there and rule in RULES]
        _change(host, [f"fcontext -a -t {RULES[rule]} '{rule}'" for rule in missing])
        for path in _places(host):
            labels.give(host.real(path), recursively=True)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Delete what was added."""
        there = _local(host)
        ours = [rule for rule in self.rules if rule in there and rule not in before["there"]]
        _change(host, [f"fcontext -d '{rule}'" for rule in ours])
        left = sorted(set(ours) & _local(host))
        return [f"SELinux still has a rule for {rule}: semanage fcontext -d" for rule in left]


def _places(host: Host) -> list[str]:
    """List what there is of ours that has labels of its own, but for what is below it."""
    trees = [f"/package/admin/{name}" for name in host.list("/package/admin")]
    trees += [f"/usr/local/lib/slashservice/{name}" for name in host.list(FHS)]
    found = [path for tree in trees for path in (tree, f"{tree}/command", f"{tree}/command/svscan")]
    return [path for path in ("/command", "/command/svscan", *found) if host.lstat(path)]


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
