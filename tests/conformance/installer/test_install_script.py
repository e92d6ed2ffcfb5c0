"""``./install`` as root, in a directory and an environment that somebody else has made ready."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.images import KINDS, Image
from helpers.installer import Artefacts

from slashservice.installer.plan.source import VENDORED
from slashservice.supervise.chain.launchers import FLAGS

MODULES = (
    *("pip", "difflib", "importlib", "json", "shutil", "tarfile", "plumbum", "distro", "sys"),
    *("sitecustomize", "usercustomize", "encodings", "site", "os", "io", "slashservice", "re"),
)
COMMANDS = (
    *("python3", "python3.11", "dirname", "mktemp", "rm", "cat", "id", "apt-get", "dpkg-deb"),
    *("chmod", "cp", "mv", "sh", "env", "restorecon", "systemctl", "pwd"),
)
PINS = CHECKOUT / "install-requirements.txt"


class Hostile:
    """A directory of somebody else's, with modules and commands that leave a mark when run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = folder / "mark"
        self.home = folder / "home"
        version = f"python3.{sys.version_info.minor}"
        user_site = self.home / ".local/lib" / version / "site-packages"
        for place in (folder, folder / "modules", user_site):
            place.mkdir(parents=True, exist_ok=True)
            for name in MODULES:
                (place / f"{name}.py").write_text(
                    f"open({str(self.mark)!r}, 'a').write({name!r})\n"
                )
            (place / "usercustomize.py").write_text(
                f"open({str(self.mark)!r}, 'a').write('user')\n"
            )
        (user_site / "x.pth").write_text(f"import os; open({str(self.mark)!r}, 'a').write('pth')\n")
        for name in COMMANDS:
            self.script(folder / name)
        self.script(folder / "rc")
        (self.home / ".profile").write_text(f"echo profile >>{self.mark}\n")

    def leave(self, word: str) -> str:
        """Return the Python that leaves a mark."""
        return f"open({str(self.mark)!r}, 'a').write({word!r})"

    def script(self, path: Path) -> None:
        path.write_text(f"#!/bin/sh\necho {path.name} >>{self.mark}\nexit 0\n")
        path.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """Variables that have shells and interpreters run what is in it."""
        rc = str(self.folder / "rc")
        folder = str(self.folder)
        return {
            "PATH": f".:{folder}::{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}/modules:.",
            "PYTHONHOME": folder,
            "PYTHONSTARTUP": f"{folder}/pip.py",
            "PYTHONUSERBASE": f"{self.home}/.local",
            "PYTHONINSPECT": "1",
            "HOME": str(self.home),
            **dict.fromkeys(("ENV", "BASH_ENV"), rc),
            "IFS": "/",
            "CDPATH": f"{folder}:/",
            "GREP_OPTIONS": "-v",
            **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), folder),
        }

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command there, so that what it makes is everybody's."""
        return subprocess.run(
            words,
            cwd=self.folder,
            env={**self.environment(), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            umask=0,
        )

    def marks(self) -> str:
        """What has run, or been loaded."""
        return self.mark.read_text() if self.mark.exists() else ""


@pytest.fixture
def hostile(in_memory: Path) -> Hostile:
    """A directory of somebody else's."""
    return Hostile(in_memory / "hostile")


@pytest.fixture
def clone(in_memory: Path) -> Path:
    """A checkout that has the packages it needs."""
    made = in_memory / "clone"
    made.mkdir()
    for name in ("installer", "supervise", "init_templates", "docs"):
        (made / name).symlink_to(CHECKOUT / name)
    for name in ("install", PINS.name):
        shutil.copy(CHECKOUT / name, made)
    for name in VENDORED:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, made / "vendor" / name)
    return made


@pytest.mark.root
@pytest.mark.parametrize("shell", ["sh", "bash", "busybox"])
def test_nothing_of_others_runs(shell: str, hostile: Hostile, clone: Path, in_memory: Path) -> None:
    image = Image(in_memory / "root")
    KINDS["systemd"].make(image)
    start = in_memory / "sh"  # a shell that is called so reads less at its start
    start.symlink_to(shutil.which(shell) or shell)
    before = image.snapshot()
    done = hostile.run(str(start), str(clone / "install"), "-n", "--root", str(image.root))
    assert (done.returncode, hostile.marks()) == (2, ""), done.stderr
    assert image.snapshot() == before
    done = hostile.run(str(start), str(clone / "install"), "--root", str(image.root))
    assert (done.returncode, hostile.marks()) == (0, ""), done.stderr
    assert not (image.path("/package/admin/slashservice-0.1.0")).is_symlink()
    for path in image.root.rglob("*"):
        assert path.is_symlink() or not path.stat().st_mode & 0o022, path
    names = {path.name for path in hostile.folder.iterdir()}
    expected = {"home", "modules", "rc", *COMMANDS, *(f"{name}.py" for name in MODULES)}
    assert names == expected


@pytest.mark.root
def test_no_interpreter_by_a_relative_name(hostile: Hostile, clone: Path) -> None:
    done = hostile.run("/bin/sh", str(clone / "install"), "-n", PYTHON="python3")
    assert done.returncode == 111
    assert done.stderr == "install: fatal: PYTHON must be an absolute path\n"
    assert hostile.marks() == ""


@pytest.mark.root
def test_the_installed_command_does_not_run_it_either(
    hostile: Hostile, clone: Path, in_memory: Path
) -> None:
    image = Image(in_memory / "root")
    KINDS["systemd"].make(image)
    subprocess.run([clone / "install", "--root", image.root], check=True, capture_output=True)
    command = image.path("/package/admin/slashservice-0.1.0/command/slashservice")
    tree = image.path("/package/admin/slashservice-0.1.0")
    text = command.read_text().replace("/package/admin/slashservice-0.1.0", str(tree))
    command.write_text(f"#!{sys.executable} {FLAGS}\n" + text.split("\n", 1)[1])
    for words in (["--version"], ["status", "--root", str(image.root)], ["running"]):
        done = hostile.run(str(command), *words)
        assert "Traceback" not in done.stderr
        assert hostile.marks() == ""


def wheel(folder: Path, name: str, version: str, text: str) -> None:
    """Write a package that pip would install."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        made.writestr(f"{name}/__init__.py", text)
        made.writestr(f"{name}/cli.py", "")
        made.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        made.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{about}/RECORD", "")


def pins() -> dict[str, tuple[str, str]]:
    """Return the version and the hash of each package that pip may fetch."""
    lines = [line for line in PINS.read_text().splitlines() if line and line[0] != "#"]
    found = [re.fullmatch(r"(\w+)==([0-9.]+) --hash=sha256:([0-9a-f]{64})", line) for line in lines]
    assert all(found)
    return {one[1]: (one[2], one[3]) for one in found if one}


@pytest.mark.root
@pytest.mark.slow
def test_a_package_that_is_not_the_pinned_one_is_refused(
    hostile: Hostile, clone: Path, in_memory: Path
) -> None:
    """The right name and version, from a place that sends something else; apt-get fails."""
    shutil.rmtree(clone / "vendor")
    bare = in_memory / "bare"
    venv.create(bare, with_pip=True, symlinks=True)
    sent = in_memory / "sent"
    sent.mkdir()
    for name, (version, _) in pins().items():
        wheel(sent, name, version, f"{hostile.leave(name)}\n")
    script = "mount --bind /bin/false /usr/bin/apt-get && exec /bin/sh $0/install -n"
    done = hostile.run(
        *("/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, str(clone)),
        PYTHON=str(bare / "bin/python"),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(sent),
        PIP_REQUIREMENT=str(hostile.folder / "rc"),
    )
    assert done.returncode == 111
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert hostile.marks() == ""


def test_the_pins_are_what_the_project_allows() -> None:
    project = (CHECKOUT / "pyproject.toml").read_text()
    found = pins()
    assert found.keys() == set(VENDORED)
    (line,) = re.findall(r"^dependencies = \[(.*)\]$", project, re.MULTILINE)
    for text in re.findall(r'"([^"]+)"', line):
        words = re.split(r"([<>=]+)", text.replace(",", ""))
        version = [int(part) for part in found[words[0]][0].split(".")]
        for how, limit in zip(words[1::2], words[2::2], strict=True):
            bound = [int(part) for part in limit.split(".")]
            assert version >= bound if how == ">=" else version < bound


STARTED = re.compile(r"""(?:(?<![-\w])python[0-9.]*|\$\{?python\}?|@python@)["']?,?\s+["']?-""")


def test_every_interpreter_that_a_script_starts_is_isolated() -> None:
    """Before anything else is said to it."""
    scripts = [CHECKOUT / "install", *(CHECKOUT / "init_templates").rglob("*")]
    scripts += (CHECKOUT / "installer").rglob("*.py")
    seen = 0
    for path in scripts:
        if not path.is_file() or path.suffix == ".pyc":
            continue
        for line in path.read_text().splitlines():
            for match in STARTED.finditer(line):
                seen += 1
                assert line[match.end() - 1 :].startswith(("-I", "-ISXutf8")), f"{path}: {line}"
    assert seen >= 6
    for path in (CHECKOUT / "installer/cli/completion").iterdir():
        assert "python3" not in path.read_text()


def test_every_interpreter_that_an_init_system_starts_is_isolated(
    kind_name: str, artefacts: Artefacts
) -> None:
    for path, text in artefacts(kind_name).items():
        for line in text.splitlines():
            if re.search(r"python3?(\.\d+)?\s", line) and not line.lstrip().startswith("#"):
                assert FLAGS in line or FLAGS.replace("-I", r"-I") in line, f"{path}: {line}"
