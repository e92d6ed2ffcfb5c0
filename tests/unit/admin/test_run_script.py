"""What is known of a run script: only what is certain."""

from __future__ import annotations

import pytest

from slashservice.supervise.admin.run_script import RunScript

PLAIN = {
    "exec /opt/daemon -f": "/opt/daemon",
    "exec 2>&1\nexec daemon": "daemon",
    "# exec other\nexec daemon  # not -x": "daemon",
    "exec envdir ./env setuidgid www daemon": "daemon",
    "exec chpst -u www -o 64 ./daemon": "./daemon",
    "exec env A=b daemon": "daemon",
    "exec nice -n 5 daemon >/dev/null": "daemon",
    "exec \\\n  softlimit -o 64 \\\n  daemon": "daemon",
    "sv start other || exit 1\nexec daemon": "daemon",
    "set -e\nmkdir -p /run/x\nexec daemon": "daemon",
    "if test -e x; then\n  exit 1\nfi\nexec daemon": "daemon",
    "exec daemon 'a\nexec other\n# it'": "daemon",
    "exec daemon \"a\\\"\nexec other\n\" x'y'\\'z": "daemon",
    "exec envdir ./env setuidgid www sh -c 'a\nb'": "sh",
    "# it's\n#\nexec daemon #'\n": "daemon",
    "exec daemon a#b'\n'": "daemon",
    "exec dae\\\nmon": "daemon",
}
UNCLEAR = [
    "cd /app\nexec ./server",
    "cd /app && exec ./server",
    "  cd /app\nexec envdir ./env ./server",
    "PATH=/opt/x:$PATH\nexec mysrv",
    "export PATH=/opt/x\nexec mysrv",
    ". /etc/default/x\nexec mysrv",
    "source ./x\nexec mysrv",
    "exec env PATH=/opt/x mysrv",
    "exec env - mysrv",
    "exec env -i mysrv",
    "exec env -C /app ./server",
    "exec chpst -C /app ./server",
    "exec chpst -/ /jail /server",
    "exec -a name daemon",
    "exec -c daemon",
    "if test -e a; then exec a; else exec /fallback; fi",
    "if test -e a; then\n  exec a\nelse\n  exec b\nfi",
    "case x in\nx) exec a;;\nesac\nexec b",
    "test -x a && exec a\nexec b",
    "cat <<E\nexec nothing\nE\nsleep 1",
    "exec daemon\necho never",
    "sh -c 'a\nexec other\nb'\nexec daemon",
    "exec daemon 'a\nb",
    'exec daemon "a\n',
    "echo 'a\nexec daemon'",
    "echo 'a\nexec daemon\n'",
    "exec daemon\necho 'a\nexec other'",
    "exec $DAEMON",
    "exec `which daemon`",
    "daemon",
    "while :; do\nexec a\ndone",
]
"""Scripts of which it can't be told, from outside, what they start."""


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/sh -e", "/usr/bin/env bash", "/bin/dash"])
@pytest.mark.parametrize("text", PLAIN)
def test_plain(text: str, shell: str) -> None:
    assert RunScript("run", f"#!{shell}\n{text}\n".encode()).program == PLAIN[text]


@pytest.mark.parametrize("text", UNCLEAR)
def test_unclear(text: str) -> None:
    found = RunScript("run", f"#!/bin/sh\n{text}\n".encode())
    assert (found.program, found.accounts, found.folders) == ("", [], [])


@pytest.mark.parametrize(
    "shell", ["/usr/bin/perl", "/usr/bin/env python3", "/usr/bin/execlineb -P"]
)
def test_no_shell(shell: str) -> None:
    text = f'#!{shell}\nexec "/bin/sleep", "1";\nexec {{ $a }}\n'
    assert RunScript("run", text.encode()).program == ""
