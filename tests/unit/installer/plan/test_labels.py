"""The rules that SELinux is given, and that it is rid of afterwards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import Running, plan_for

from slashservice.installer.host import labels
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.labels import RULES
from slashservice.installer.plan.kinds import action_from_json
from slashservice.installer.plan.labels import LabelRules
from slashservice.installer.plan.source import Source

THEIRS = "/srv/x(/.*)?"


class Labelling(Running):
    """A fake of ``semanage``: it keeps rules, and does all lines of a file or none."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.rules = {THEIRS: "etc_t"}
        self.works = True

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        self.asked.append(" ".join(argv))
        if argv[0] == "restorecon":
            return Outcome(0, "")
        assert argv[0] == "semanage"
        if list(argv[1:]) == ["fcontext", "-l", "-C", "-n"]:
            lines = [
                f"{rule:50} all files          system_u:object_r:{kind}:s0 "
                for rule, kind in self.rules.items()
            ]
            return Outcome(0, "\n".join(lines))
        assert list(argv[1:3]) == ["import", "-f"]
        rules = dict(self.rules)
        for line in Path(argv[3]).read_text().splitlines():
            words = line.split()
            rule = words[-1].strip("'")
            if not self.works or words[1] not in ("-a", "-d"):
                return Outcome(1, "ValueError: it does not work")
            if (words[1] == "-a") == (rule in rules):
                return Outcome(1, "ValueError: it is there already, or not there")
            if words[1] == "-a":
                assert words[2] == "-t"
                rules[rule] = words[3]
            else:
                del rules[rule]
        self.rules = rules
        return Outcome(0, "")


@pytest.fixture
def host(tmp_path: Path) -> Labelling:
    """A host that has SELinux, and the program."""
    image = Image(tmp_path / "root").folders("/sys/fs/selinux/booleans")
    image.program("/usr/sbin/semanage").program("/usr/sbin/restorecon")
    return Labelling(image.root)


def test_rules_come_and_go(host: Labelling) -> None:
    action = LabelRules()
    assert host.has_selinux()
    assert not action.done(host)
    before = action.capture(host)
    action.apply(host)
    assert host.rules == {THEIRS: "etc_t", **RULES}
    assert action.done(host)
    told = len([line for line in host.asked if "import" in line])
    assert told == 1  # it compiles the policy each time
    action.apply(host)
    assert len([line for line in host.asked if "import" in line]) == told
    again = action_from_json(action.to_json())
    assert again == action
    assert again.undo(host, before, "") == []
    assert host.rules == {THEIRS: "etc_t"}
    assert again.undo(host, before, "") == []


def test_a_rule_of_the_administrator_s_stays(host: Labelling) -> None:
    mine = next(iter(RULES))
    host.rules[mine] = "usr_t"
    action = LabelRules()
    before = action.capture(host)
    action.apply(host)
    assert host.rules == {**RULES, THEIRS: "etc_t", mine: "usr_t"}
    action.undo(host, before, "")
    assert host.rules == {THEIRS: "etc_t", mine: "usr_t"}


def test_where_it_can_t_be_taken_back_that_is_told(host: Labelling) -> None:
    action = LabelRules()
    before = action.capture(host)
    action.apply(host)
    host.works = False
    notes = action.undo(host, before, "")
    assert len(notes) == len(RULES)
    assert notes[0].startswith("SELinux still has a rule for /command(/.*)?: semanage fcontext -d")


def test_without_the_program_labels_are_set_all_the_same(
    host: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.unlink(os.path.join(host.root, "usr/sbin/semanage"))
    given: list[str] = []
    monkeypatch.setattr(labels, "give", lambda path, recursively=False: given.append(path))
    os.makedirs(os.path.join(host.root, "command"))
    action = LabelRules()
    assert action.done(host)
    monkeypatch.setattr(labels, "is_right", lambda path: False)
    assert not action.done(host)
    action.apply(host)
    assert given == [os.path.join(host.root, "command")]
    assert not [line for line in host.asked if "import" in line]
    host.relabel("/command/svscan")
    assert host.asked[-1] == "restorecon -F /command/svscan"


def test_they_are_in_the_plan_only_where_there_is_selinux(
    make_image: MakeImage, small_source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image is labelled when it boots for the first time."""
    image = make_image("systemd").folders("/sys/fs/selinux/booleans")
    host = Host(str(image.root))
    assert "label-rules" not in [one.kind for one in plan_for(host).actions]
    monkeypatch.setattr(Host, "has_selinux", lambda self: True)
    kinds = [one.kind for one in plan_for(host).actions]
    assert kinds.index("label-rules") < kinds.index("tree")
