"""What our files must be for SELinux, and what is done where labels can't be written."""

from __future__ import annotations

import errno
import os
import re
from itertools import combinations
from pathlib import Path

import pytest
from helpers.labels import OURS, POLICY_S

from slashservice.installer.host import labels
from slashservice.installer.host.host import Host
from slashservice.installer.host.labels import ATTRIBUTE, RULES, give, is_right, named, wanted

PLACES = OURS | dict.fromkeys(POLICY_S, "")


@pytest.mark.parametrize(("path", "kind"), PLACES.items())
def test_a_place_has_one_type_or_the_policy_s(path: str, kind: str) -> None:
    assert wanted(path) == kind
    assert len([rule for rule in RULES if re.fullmatch(rule, path)]) <= 1


def test_no_rule_depends_on_the_order() -> None:
    for one, two in combinations(RULES, 2):
        assert not [path for path in PLACES if re.fullmatch(one, path) and re.fullmatch(two, path)]


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        ([], "/usr/local/lib/x/[^/]+(/.*)?"),
        (
            [("/usr/local/lib64", "/usr/lib"), ("/usr/local/li", "/x")],
            "/usr/local/lib/x/[^/]+(/.*)?",
        ),
        ([("/usr/local/lib", "/usr/lib")], "/usr/lib/x/[^/]+(/.*)?"),
        ([("/usr/local", "/usr"), ("/usr/local/lib", "/y")], "/usr/lib/x/[^/]+(/.*)?"),
    ],
)
def test_a_policy_s_second_names(aliases: list[tuple[str, str]], told: str) -> None:
    assert named("/usr/local/lib/x/[^/]+(/.*)?", aliases) == told


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
