"""Have ``ansible-test sanity`` judge the Ansible collection: ``python -m helpers.sanity``.

It takes minutes, as each of its judges gets an environment of its own, for which packages are
fetched. It is run in a copy of the collection, for it leaves much there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.fleet import COLLECTION, FLEET, environment

GET_PIP = """\
# A stand-in for the script of that name, which is fetched from no registry: has pip install pip.
import subprocess, sys
words = [word for word in sys.argv[1:] if not word.startswith("--no-")]
command = [{pip!r}, "--python", sys.executable, "install", *words]
sys.exit(subprocess.run(command).returncode)
"""


def judged(
    words: Sequence[str | Path],
    cwd: Path,
    home: Path,
    seconds: float = 300,
    *,
    aloud: bool = False,
) -> None:
    """Run a command of Ansible's; fail with what it says if it does."""
    env = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{environment()}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(FLEET),
        "ANSIBLE_HOME": str(home / ".ansible"),
    }
    stdout = None if aloud else subprocess.PIPE
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout or "see above"


def main() -> None:
    """Have a copy of the collection judged, in a place of the form that is wanted."""
    with tempfile.TemporaryDirectory(prefix="slashservice-sanity-") as folder:
        home = Path(folder)
        copy = home / "ansible_collections/slashservice/slashservice"
        shutil.copytree(COLLECTION, copy, ignore=shutil.ignore_patterns("__pycache__"))
        cache = home / ".ansible/test/cache"
        cache.mkdir(parents=True)
        (cache / "get_pip_24_2.py").write_text(GET_PIP.format(pip=str(environment() / "pip")))
        version = "{}.{}".format(*sys.version_info)
        words: list[str | Path] = ["ansible-test", "sanity", "--venv", "--python", version]
        judged(words, copy, home, 1800, aloud=True)


if __name__ == "__main__":
    main()
