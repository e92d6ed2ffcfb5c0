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
from slashservice.installer.plan import labels as plan_labels
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
    monkeypatch.setattr(labels, "is_right", lambda real, path: False)
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


SUBS = "# aliased original\n/usr/local/lib64 /usr/lib\n\n/usr/local/lib /usr/lib\n"


@pytest.mark.parametrize("name", ["file_contexts.subs", "file_contexts.subs_dist"])
def test_a_policy_that_has_second_names_is_told_the_first(name: str, host: Labelling) -> None:
    image = Image(Path(host.root)).file("/etc/selinux/config", "SELINUX=x\nSELINUXTYPE=strict\n")
    assert plan_labels.rules(host) == RULES
    image.file(f"/etc/selinux/strict/contexts/files/{name}", SUBS)
    rules = plan_labels.rules(host)
    told = {rule.replace("/usr/local/lib/", "/usr/lib/"): kind for rule, kind in RULES.items()}
    assert rules == told != RULES
    action = LabelRules(rules=tuple(rules))
    before = action.capture(host)
    action.apply(host)
    assert host.rules == {THEIRS: "etc_t", **told}
    assert action.done(host)
    assert action.undo(host, before, "") == []
    assert host.rules == {THEIRS: "etc_t"}


@pytest.mark.root
def test_the_doctor_sees_wrong_labels(host: Labelling) -> None:
    image = Image(Path(host.root))
    fhs = "/usr/local/lib/slashservice/1"
    for path in (f"{fhs}/command/svscan", f"{fhs}/supervise/x.py", "/command/svc"):
        image.program(path)
    image.link("/usr/local/lib/slashservice/current", "1").program("/package/admin/other/command/x")
    LabelRules().apply(host)
    assert list(plan_labels.faults(host)) == []  # what has no label at all, the kernel keeps none
    for path, kind in (
        (f"{fhs}/command/svscan", "lib_t"),
        (f"{fhs}/supervise/x.py", "lib_t"),
        ("/command/svc", "bin_t"),
        ("/package/admin/other/command/x", "default_t"),
    ):
        label = f"system_u:object_r:{kind}:s0\0".encode()
        os.setxattr(image.path(path), labels.ATTRIBUTE, label, follow_symlinks=False)
    ((what, remedy),) = plan_labels.faults(host)
    assert what == f"SELinux has {fhs}/command/svscan labelled lib_t, and not bin_t"
    assert remedy == "slashservice install labels it anew"
    action = LabelRules()
    assert not action.done(host)
    label = b"system_u:object_r:default_t:s0\0"
    os.setxattr(image.path("/command/svc"), labels.ATTRIBUTE, label, follow_symlinks=False)
    ((what, _),) = plan_labels.faults(host)
    assert what == "SELinux has /command/svc labelled default_t, and not bin_t, and 1 more"
    host.rules = {}
    assert [what.split(":")[0] for what, _ in plan_labels.faults(host)] == [
        what,
        "SELinux has no rules for our files",
    ]


def test_without_selinux_the_doctor_asks_nothing(tmp_path: Path) -> None:
    host = Labelling(Image(tmp_path / "root").root)
    assert list(plan_labels.faults(host)) == []
    assert host.asked == []
