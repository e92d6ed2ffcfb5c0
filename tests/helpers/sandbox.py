"""A second machine made of this one: its own processes, mounts and network, and a root
directory that is this one's with all changes kept apart, to be looked at and thrown away.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from helpers.checkout import CHECKOUT, PACKAGES
from helpers.processes import kill
from helpers.waiting import GENEROUS, until

SEEN = {CHECKOUT, PACKAGES}
"""What a machine needs of ours."""

LINES = 20
CLOSER = f"""#!/bin/sh
trap 'i=0; while [ $i -lt {LINES} ]; do echo "closing $i"; i=$((i+1)); PAUSE; done; exit 0' TERM
echo up
while :; do sleep 0.05; done
"""
LOG = "#!/bin/sh\nexec cat >>/srv/closer.log\n"
SETUP = """\
set -e
cd "$1"
shift
mkdir upper work root
mount -t overlay -o lowerdir="$LOWER",upperdir=upper,workdir=work none root
mount -t proc none root/proc
mount -t tmpfs -o mode=755 none root/run
mount -t tmpfs -o mode=1777 none root/tmp
mount --rbind /dev root/dev
IFS=:
for folder in $KEEP; do mkdir -p "root$folder"; mount --rbind "$folder" "root$folder"; done
unset IFS
rm -f root/.dockerenv
eval "$PREPARE"
exec chroot root "$@"
"""

CHANGES = """\
# A file of a container, which we have removed ourselves, is no change.
import os, stat, sys
upper = sys.argv[1]
def same(a, b):
    one, two = os.lstat(a), os.lstat(b)
    if (one.st_mode, one.st_uid, one.st_gid) != (two.st_mode, two.st_uid, two.st_gid):
        return False
    if stat.S_ISLNK(one.st_mode):
        return os.readlink(a) == os.readlink(b)
    return not stat.S_ISREG(one.st_mode) or open(a, "rb").read() == open(b, "rb").read()
for folder, folders, files in os.walk(upper):
    for name in folders + files:
        path = os.path.join(folder, name)
        lower = "/" + os.path.relpath(path, upper)
        if lower != "/.dockerenv" and not (os.path.lexists(lower) and same(path, lower)):
            sys.stdout.write(lower + chr(0))
"""


class Sandbox:
    """A machine whose PID 1 is ``first``, started after the shell commands of ``prepare``.

    With ``checkout`` it sees this checkout, even if that is where it has nothing of ours; and
    ``seen``, which are folders below ``/tmp`` or ``/run``. It is made of another tree than this
    machine's, if that is ``lower``.
    """

    closing: ClassVar = [f"closing {number}" for number in range(LINES)]
    """What the service of :meth:`make_closer` says when it is told to stop."""

    def __init__(
        self,
        first: Sequence[str],
        prepare: str = "",
        network: bool = False,
        checkout: bool = True,
        seen: Sequence[Path] = (),
        lower: Path = Path("/"),
    ) -> None:
        keep = [str(path) for path in SEEN if str(path).startswith(("/tmp/", "/run/")) and checkout]
        keep += map(str, seen)
        self.folder = Path(tempfile.mkdtemp(prefix="slashservice-sandbox-"))
        options = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc"]
        if network:
            options.append("--net")
        self.process = subprocess.Popen(
            ["unshare", *options, "sh", "-c", SETUP, "sh", str(self.folder), *first],
            env={
                "PATH": os.environ["PATH"],
                "PREPARE": prepare,
                "KEEP": ":".join(keep),
                "LOWER": str(lower),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        until(self.ready, "the sandbox")

    def ready(self) -> bool:
        """Tell whether PID 1 is there, with its root directory."""
        if self.process.poll() is not None:
            assert self.process.stdout is not None
            raise AssertionError(self.process.stdout.read().decode())
        try:
            return bool(self.pid) and not os.path.samestat(os.stat(self.root), os.stat("/"))
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """PID 1 as seen from here: the only child of unshare."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = path.read_text().split()
        return int(children[0]) if children else 0

    @property
    def root(self) -> Path:
        """The root directory of the sandbox, seen from here."""
        return Path(f"/proc/{self.pid}/root")

    def path(self, name: str) -> Path:
        """A path of the sandbox, seen from here."""
        return self.root / name.lstrip("/")

    def put(self, name: str, text: str) -> None:
        """Write a script."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def make_closer(self, pause: str = ":", log: str = LOG) -> None:
        """Have a service, in ``/service``, that says much as it closes, and a log of that."""
        self.put("/srv/closer/run", CLOSER.replace("PAUSE", pause))
        self.put("/srv/closer/log/run", log)
        self.path("/service/closer").symlink_to("/srv/closer")

    def closer_said(self) -> list[str]:
        """What the service has said, as its log has it."""
        log = self.path("/srv/closer.log")
        return log.read_text().splitlines() if log.exists() else []

    def argv(self, *command: str) -> list[str]:
        """The command line that runs ``command`` inside."""
        options = ["--target", str(self.pid), "--mount", "--pid", "--net", "--uts", "--ipc"]
        path = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        words = ["env", "-i", f"PATH={path}", "HOME=/root", *command]
        return ["nsenter", *options, "--root", "--wd", *words]

    def beside(self, *command: str) -> list[str]:
        """The command line that runs a program of this machine, which sees our root directory.

        It is there as :attr:`tree`. A program that resolves links would take ``root`` for its own.
        """
        return ["nsenter", "--target", str(self.process.pid), "--mount", *command]

    @property
    def tree(self) -> str:
        """The root directory, for programs that are run :meth:`beside`."""
        return f"{self.folder}/root"

    def __str__(self) -> str:
        return f"the sandbox in {self.folder}"

    def way_in(self) -> str:
        """Return the command that gets one into it."""
        if self.process.poll() is None:
            return shlex.join(self.argv("sh"))
        return "its PID 1 has ended, and all of it with that"

    def way_out(self) -> str:
        """Return the command that is rid of it."""
        return f"kill -9 {self.process.pid}; rm -rf {self.folder}"

    def run(self, *command: str, status: int | None = 0) -> str:
        """Run a command inside; return what it says, standard error included."""
        done = subprocess.run(
            self.argv(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        said = done.stdout.decode(errors="replace")
        assert status is None or done.returncode == status, f"{command}: {done.returncode}\n{said}"
        return said

    def changes(self) -> list[str]:
        """The paths at which this differs from the machine it was made of, sorted.

        What Python compiles in our checkout belongs to the tests, which run from there.
        """
        words = ["nsenter", "--target", str(self.process.pid), "--mount"]
        words += ["/usr/bin/python3", "-I", "-c", CHANGES, f"{self.folder}/upper"]
        done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
        found = done.stdout.decode().split("\0")[:-1]
        return sorted(
            one for one in found if not (one.startswith(f"{CHECKOUT}/") and "__pycache__" in one)
        )

    def close(self) -> None:
        """End PID 1, and with it all of the sandbox."""
        if self.process.poll() is None:
            try:
                kill(self.pid or self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(GENEROUS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
