"""What our files must be for SELinux, and what is done where labels can't be written."""

from __future__ import annotations

import errno
import os
import re
from itertools import combinations
from pathlib import Path

import pytest

from slashservice.installer.host import labels
from slashservice.installer.host.host import Host
from slashservice.installer.host.labels import ATTRIBUTE, RULES, SET_ONLY, give, is_right, wanted

PLACES = {
    "/command": "bin_t",
    "/command/svscan": "bin_t",
    "/package": "usr_t",
    "/package/admin": "usr_t",
    "/package/admin/slashservice": "bin_t",
    "/package/admin/slashservice-0.1.0": "lib_t",
    "/package/admin/slashservice-0.1.0{new}": "lib_t",
    "/package/admin/slashservice-0.1.0/supervise/svscan.py": "lib_t",
    "/package/admin/slashservice-0.1.0/vendor/plumbum/__init__.py": "lib_t",
    "/package/admin/slashservice-0.1.0/LICENSE": "lib_t",
    "/package/admin/slashservice-0.1.0/command": "bin_t",
    "/package/admin/slashservice-0.1.0{new}/command/svscan": "bin_t",
    "/usr/local/lib/slashservice/0.1.0/command/svscan": "bin_t",
    "/usr/local/lib/slashservice/0.1.0/supervise": "",
    "/usr/local/bin/svscan": "",
    "/service": "",
    "/package/host": "",
    "/package/admin/daemontools/command/svscan": "",
    "/commands": "",
    "/usr/bin/svscan": "",
}


@pytest.mark.parametrize(("path", "kind"), PLACES.items())
def test_a_place_has_one_type_or_the_policy_s(path: str, kind: str) -> None:
    assert wanted(path) == kind
    assert len([rule for rule in {**RULES, **SET_ONLY} if re.fullmatch(rule, path)]) <= 1


def test_no_rule_depends_on_the_order() -> None:
    for one, two in combinations({**RULES, **SET_ONLY}, 2):
        assert not [path for path in PLACES if re.fullmatch(one, path) and re.fullmatch(two, path)]


@pytest.mark.root
def test_only_the_type_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without SELinux keeps whatever label root gives."""
    folder = tmp_path / "command"
    folder.mkdir()
    (folder / "svscan").touch()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "unlabelled").touch()
    monkeypatch.setattr(labels, "RULES", {f"{re.escape(str(folder))}(/.*)?": "bin_t"})
    before = {"": b"system_u:object_r:default_t:s0\0", "svscan": b"u:object_r:default_t:s0:c1,c2\0"}
    before["link"] = b"system_u:object_r:etc_t\0"
    for name, label in before.items():
        os.setxattr(folder / name, ATTRIBUTE, label, follow_symlinks=False)
    assert not is_right(str(folder))
    give(str(folder), recursively=True)
    after = {name: os.getxattr(folder / name, ATTRIBUTE, follow_symlinks=False) for name in before}
    assert after == {
        "": b"system_u:object_r:bin_t:s0\0",
        "svscan": b"u:object_r:bin_t:s0:c1,c2\0",
        "link": b"system_u:object_r:bin_t\0",
    }
    with pytest.raises(OSError, match="No data available"):
        os.getxattr(folder / "unlabelled", ATTRIBUTE)
    assert is_right(str(folder))


def test_a_label_that_can_t_be_given_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(labels, "RULES", {".*": "bin_t"})
    monkeypatch.setattr(labels, "_label", lambda path: b"u:r:default_t:s0")
    monkeypatch.setattr(os, "setxattr", refuse)
    give(str(tmp_path))


def test_a_host_without_selinux_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "give", lambda *given: pytest.fail("labelled"))
    host = Host(str(tmp_path))
    assert not host.has_selinux()
    host.relabel("/command", recursively=True)
