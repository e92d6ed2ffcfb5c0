"""A host's own tools judge what is about to be written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Running

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.judge import HOMES, judge

VERIFY = ("systemd-analyze", "verify")
UNIT = "/etc/systemd/system/svscan.service"


def test_a_script_that_the_shell_can_t_read_is_refused() -> None:
    judge(Host(), ("sh", "-n"), "/etc/init.d/svscan", b"exit 1\n")
    with pytest.raises(Refusal, match="sh finds fault with ") as refusal:
        judge(Host(), ("sh", "-n"), "/etc/init.d/svscan", b"if true\n")
    assert "svscan: 2: Syntax error" in refusal.value.advice[0]


def test_a_judge_that_the_host_lacks_is_not_asked() -> None:
    judge(Host(), ("no-such-judge",), UNIT, b"")


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (f"{UNIT}:3: Unknown key name 'ExecStrat' in section 'Service'", True),
        (f"{UNIT}:3: Unknown key name 'OOMPolicy' in section 'Service', ignoring.", False),
        ("/usr/lib/systemd/system/other.service:1: Missing '='.", False),
        ("", False),
    ],
)
def test_systemd_s_complaints_count(said: str, refused: bool, tmp_path: Path) -> None:
    """Its status is 0 all the same. What an older one ignores does no harm."""
    Image(tmp_path).program("/usr/bin/systemd-analyze")
    host = Running(tmp_path, {"env HOME=": Outcome(0, said)})
    if refused:
        with pytest.raises(Refusal, match=f"systemd-analyze finds fault with {UNIT}") as refusal:
            judge(host, VERIFY, UNIT, b"[Service]\n")
        assert refusal.value.advice == (said,)
    else:
        judge(host, VERIFY, UNIT, b"[Service]\n")
    assert host.asked[0].endswith("/svscan.service")


CHECK = """\
#!/bin/sh -e
for folder in "$HOME" "$XDG_CACHE_HOME" "$XDG_CONFIG_HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"; do
    mkdir -p "$folder/.cache/upstart"
    touch "$folder/.cache/upstart/x"
    echo "$folder" >>"{log}"
done
chmod 0 "$HOME/.cache"
cp "$1" "{log}.checked"
"""


def test_a_check_has_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As init-checkconf does, it leaves folders in it."""
    home = tmp_path / "home"
    home.mkdir()
    for name in HOMES:
        monkeypatch.setenv(name, str(home))
    check, log = tmp_path / "check", tmp_path / "log"
    check.write_text(CHECK.format(log=log))
    check.chmod(0o755)
    judge(Host(), (str(check),), "/etc/init/svscan.conf", b"exec true\n")
    homes = set(log.read_text().split())
    assert (tmp_path / "log.checked").read_bytes() == b"exec true\n"
    assert str(home) not in homes
    assert not [one for one in homes if Path(one).exists()]
    assert not list(home.iterdir())
