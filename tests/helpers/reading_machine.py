"""A machine on which a reader of the pages types what they say: as root, or as the account ada.

It is a host as people have it: an init system, an empty network, no daemontools but ours. A clone
of the repository is in ``slashservice`` in both homes.
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence

from helpers import standins
from helpers.administration import without_colour
from helpers.checkout import CHECKOUT, COMMAND
from helpers.pages import Block, Command, is_as_shown
from helpers.sandbox import Sandbox
from helpers.waiting import GENEROUS, until

CLONED = (
    *("install", "demo", "install-requirements.txt", "installer", "supervise", "init_templates"),
    "docs",
)
THEIR_COMMANDS = (
    *("envdir", "envuidgid", "fghack", "multilog", "pgrphack", "readproctitle", "setlock", "sv"),
    *("setuidgid", "softlimit", "supervise", "svc", "svok", "svscan", "svscanboot", "svstat"),
    *("tai64n", "tai64nlocal", "chpst", "runsv", "runsvdir", "svlogd"),
)
"""What this machine has of daemontools and runit, and a reader's has not."""

PATHS = {
    True: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    False: "/home/ada/.local/bin:/usr/local/bin:/usr/bin:/bin",
}
EDITOR = "/usr/local/bin/the-editor-of-the-tests"
PREPARE = f"""
for x in {" ".join(THEIR_COMMANDS)}; do rm -f root/usr/bin/$x; done
chroot root useradd -m -s /bin/sh ada
mkdir -p root/run/user
"""

LOOKING = (
    *("list", "logs", "why", "doctor", "status", "svstat", "svlog", "curl", "sv", "cat", "ps"),
    *("slashservice", "tail", "redis-cli", "ssh-keyscan"),
)
"""What only looks. It is typed again while it does not say yet what the page shows."""


class Reader:
    """Types what a page says."""

    def __init__(self, machine: Sandbox) -> None:
        self.machine = machine
        machine.run("ip", "link", "set", "lo", "up")
        for home in ("/root", "/home/ada"):
            parts = [f"{CHECKOUT}/{name}" for name in CLONED]
            machine.run("mkdir", "-p", f"{home}/slashservice")
            machine.run("cp", "-a", *parts, f"{home}/slashservice")
        machine.run("chown", "-R", "ada:ada", "/home/ada")
        if not shutil.which("crontab"):
            machine.run("install", "-d", "-m", "1777", "/var/spool/cron/crontabs")
            machine.put("/usr/bin/crontab", standins.CRONTAB)
        machine.put(EDITOR, '#!/bin/sh\nexec sed -i s/8000/8080/ "$1"\n')

    def has_vendor(self) -> None:
        """Have the packages that the installer needs in the clones: there is no network."""
        self.machine.run(COMMAND, "install", "--no-start")
        for home in ("/root", "/home/ada"):
            vendor = "/package/admin/slashservice/vendor"
            self.machine.run("cp", "-a", vendor, f"{home}/slashservice")
        self.machine.run("slashservice", "uninstall")
        self.machine.run("chown", "-R", "ada:ada", "/home/ada")

    def installs(self) -> None:
        """Install it, with svscan running."""
        self.machine.run(COMMAND, "install")
        until(lambda: self.machine.run("slashservice", "running", status=None).strip(), "svscan")

    def reads(self, block: Block) -> None:
        """Do what a block says: write the file, or type the commands."""
        if block.path:
            path = self.machine.path(block.path)
            assert path.parent.is_dir(), f"{block.path}: its folder is not there"
            path.write_text(block.text)
            return
        before: list[str] = []
        for command in block.commands():
            self.types(block, command, before)
            if command.text.split()[0] in ("cd", "export"):
                before.append(command.text)

    def types(self, block: Block, command: Command, before: Sequence[str]) -> None:
        """Type a command, in the directory and environment that the lines ``before`` have made."""
        script = "\n".join([*before, command.text])
        where = f"{block.page}, {block.section}: {command.text}"
        if command.key:
            self._shows(where, command, script)
            return
        deadline = time.monotonic() + GENEROUS
        while True:
            status, said = self.run(script, is_root=command.is_root)
            if is_as_shown(said, command.says) and (not status or command.says):
                return
            late = time.monotonic() > deadline
            assert not late and _only_looks(command.text), (
                f"{where}\nends with {status} and says\n{said}\nbut the page shows\n"
                + "\n".join(command.says)
            )

    def argv(self, script: str, *, is_root: bool) -> list[str]:
        """Return the words that run a script as a shell of that account does."""
        name, home = ("root", "/root") if is_root else ("ada", "/home/ada")
        account = [] if is_root else ["runuser", "-u", name, "--"]
        settings = {
            "HOME": home,
            "USER": name,
            "LOGNAME": name,
            "PATH": PATHS[is_root],
            "EDITOR": EDITOR,
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        words = [*account, "env", "-i", *(f"{key}={value}" for key, value in settings.items())]
        return self.machine.argv(*words, "sh", "-c", f"cd {home}\n{script}")

    def run(self, script: str, *, is_root: bool) -> tuple[int, str]:
        """Run a script, without waiting for what it leaves behind; return its status and words."""
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                self.argv(script, is_root=is_root),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=3 * GENEROUS,
                check=False,
            )
            said.seek(0)
            return done.returncode, said.read().decode(errors="replace")

    def _shows(self, where: str, command: Command, script: str) -> None:
        """Run a command in a terminal until it shows what it should, then type the key."""
        wanted = [line for line in command.says[:-1] if line.strip() != "..."]
        words = [
            "script",
            "-qec",
            shlex.join(self.argv(script, is_root=command.is_root)),
            "/dev/null",
        ]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert process.stdin and process.stdout
        said = b""
        deadline = time.monotonic() + GENEROUS
        try:
            while not _all_shown(said, wanted):
                assert time.monotonic() < deadline, f"{where}\nshows\n{said.decode()}"
                if select.select([process.stdout], [], [], 0.1)[0]:
                    part = os.read(process.stdout.fileno(), 65536)
                    assert part, f"{where}\nhas ended, and showed\n{said.decode()}"
                    said += part
            process.stdin.write(b"\x03" if command.key == "^C" else command.key.encode())
            process.wait(GENEROUS)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def _all_shown(said: bytes, wanted: Sequence[str]) -> bool:
    text = without_colour(said.decode(errors="replace")).replace("\r", "")
    if not wanted:
        return bool(text.strip())
    lines = text.splitlines()
    return all(any(is_as_shown(line, (one,)) for line in lines) for one in wanted)


def _only_looks(text: str) -> bool:
    words = text.split()
    words = words[1:] if words[0] == "slashservice" and len(words) > 1 else words
    return words[0] in LOOKING
