"""The command line: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import COMMAND
from helpers.images import MakeImage

from slashservice.installer.cli import overview, verb
from slashservice.installer.cli.main import Slashservice
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host


def slashservice(*words: str, status: int = 0, **environment: str) -> str:
    """Run the command; return what it says on either stream."""
    done = subprocess.run(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], **environment},
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


class TestUsage:
    def test_help(self) -> None:
        assert "install" in slashservice("--help")
        assert "--service-dir" in slashservice("install", "--help")

    def test_all_verbs_are_shown_in_groups(self) -> None:
        """Each once, where it belongs, on a screen of 80 columns; asked for in either way."""
        said = slashservice("--help")
        assert slashservice("help") == slashservice("-h") == said
        assert max(map(len, said.splitlines())) <= overview.CELLS
        shown = re.findall(r"^  (\w+)  +[A-Z]", said, re.M)
        assert shown == [verb for group in overview.GROUPS.values() for verb in group]
        assert sorted(shown) == sorted(Slashservice("slashservice")._subcommands)

    def test_a_verb_that_is_in_no_group_is_shown(self) -> None:
        lines = list(overview.lines({"list": "Show.", "new": "Do  what\nis new."}))
        assert "  new   Do what is new." in lines[lines.index("Others:") :]

    @pytest.mark.parametrize("verb", Slashservice("slashservice")._subcommands)
    def test_help_of_a_verb(self, verb: str) -> None:
        said = slashservice(verb, "--help")
        assert slashservice("help", verb) == slashservice(verb, "-h") == said
        assert re.search(rf"^ *slashservice {verb}\b", said, re.M)
        assert re.search(r"^Manual: man (slashservice|svlog)$", said, re.M)
        assert not re.search(r":str|:int|:\{|:\[|^ +Prints this help", said, re.M)

    def test_how_add_is_called(self) -> None:
        assert "slashservice add [OPTION]... NAME -- COMMAND..." in slashservice("help", "add")

    def test_version(self) -> None:
        assert slashservice("--version") == "slashservice 0.1.0\n"

    @pytest.mark.parametrize(
        "words",
        [
            ["nonsense"],
            ["install", "--nonsense"],
            ["install", "nonsense"],
            ["install", "--layout", "gobo"],
            ["install", "--root"],
            ["add"],
            ["remove"],
            ["commands"],
            ["completion", "tcsh"],
            ["add", "x", "--no-log", "--log", "/x", "--", "y"],
            ["add", "x", "--limit", "files", "--root", "/", "--", "y"],
            ["drain", "-x"],
            ["drain", "-t"],
            ["running", "a", "b"],
            ["running", "-s"],
            ["add", "x", "--env", "A", "--root", "/", "--", "y"],
        ],
    )
    def test_wrong_usage_is_one_line_and_100(self, words: list[str]) -> None:
        said = slashservice(*words, status=100)
        assert said.startswith("slashservice: usage: ")
        assert "Traceback" not in said

    def test_nothing_at_all_is_help_and_100(self) -> None:
        assert "uninstall" in slashservice(status=100)

    def test_a_refusal_is_111_with_advice(self, tmp_path: Path) -> None:
        said = slashservice("install", "--root", str(tmp_path), status=111)
        assert said.startswith("slashservice: fatal: no init system found")
        assert "\n    " in said

    def test_the_demo_ends_as_all_verbs_do(self, tmp_path: Path) -> None:
        assert slashservice("demo", "a", "b", status=100) == "demo: usage: demo [dir]\n"
        (tmp_path / "file").touch()
        said = slashservice("demo", str(tmp_path), status=111)
        assert said == f"demo: fatal: unable to make {tmp_path}: file already exists\n"

    def test_output_that_can_t_be_written_is_trouble(self) -> None:
        path = {"PATH": os.environ["PATH"]}
        with open("/dev/full", "w") as full:
            words = [COMMAND, "completion", "bash"]
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=path, check=False)
            assert done.returncode == 111
            assert done.stderr == b"slashservice: fatal: standard output: No space left on device\n"
            done = subprocess.run([COMMAND, "nonsense"], stderr=full, env=path, check=False)
            assert done.returncode == 100

    def test_no_directory(self) -> None:
        said = slashservice("detect", "--root", "/nowhere", status=111)
        assert said == "slashservice: fatal: /nowhere is no directory\n"


class TestImage:
    def test_dry_run_tells_by_its_status(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        before = image.snapshot()
        root = ("--root", str(image.root))
        said = slashservice("install", "-n", *root, status=2)
        assert "would write /etc/systemd/system/svscan.service" in said
        assert "    +ExecStart=/command/svscan /service" in said
        assert slashservice("plan", *root, status=2) == said
        assert image.snapshot() == before
        said = slashservice("install", *root)
        assert "installed\n" in said
        assert "nothing to do" in slashservice("install", "-n", *root)
        assert "would remove /etc/systemd" in slashservice("uninstall", "-n", *root, status=2)
        assert slashservice("uninstall", *root).endswith("uninstalled\n")
        assert slashservice("uninstall", *root) == "slashservice is not installed\n"
        assert image.snapshot() == before

    def test_an_image_has_byte_code_for_its_own_interpreter(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        image.path("/usr/bin/python3").unlink()
        own = f"python3.{sys.version_info.minor}"
        image.program(f"/usr/bin/{own}").link("/usr/bin/python3", own)
        before = image.snapshot()
        slashservice("install", "--root", str(image.root))
        tree = image.path("/package/admin/slashservice-0.1.0")
        assert list(tree.glob("supervise/commands/__pycache__/svscan.*.pyc"))
        slashservice("uninstall", "--root", str(image.root))
        assert image.snapshot() == before

    def test_dpkg_root_is_a_root(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        slashservice("install", DPKG_ROOT=str(image.root))
        assert image.path("/command/svscan").is_symlink()

    def test_detect_warns_and_explains(self, make_image: MakeImage) -> None:
        image = make_image("systemd").program("/usr/sbin/runit-init")
        said = slashservice("detect", "--explain", "--root", str(image.root))
        assert said.startswith("systemd, judged by its files\n")
        assert "\n  warning: also present: runit\n" in said
        evidence = json.loads(said[said.index("\n{") :])
        assert evidence["init_program"] == "/usr/lib/systemd/systemd"

    def test_the_doctor_says_what_is_wrong(self, make_image: MakeImage) -> None:
        root = ("--root", str(make_image("systemd").root))
        what, remedy = (
            "slashservice is not installed here",
            f"slashservice install {' '.join(root)}",
        )
        assert slashservice("doctor", *root, status=1) == f"{what}\n    {remedy}\n"
        found = json.loads(slashservice("doctor", "--json", *root, status=1))
        assert found == [{"what": what, "remedy": remedy, "note": False}]

    @pytest.mark.parametrize("phase", ["applying", "undoing"])
    def test_an_interrupted_run_is_finished(self, phase: str, make_image: MakeImage) -> None:
        image = make_image("systemd")
        root = ("--root", str(image.root))
        slashservice("install", *root)
        receipt = image.path("/var/lib/slashservice/receipt.json")
        complete = receipt.read_text()
        receipt.write_text(complete.replace('"phase": "installed"', f'"phase": "{phase}"'))
        said = slashservice("status", *root, status=1)
        assert f"an installer was interrupted: slashservice install --root {image.root} fin" in said
        said = slashservice("install", *root)
        goes_back = "\nput back what an interrupted uninstall has undone\n" in said
        assert goes_back == (phase == "undoing")
        assert '"phase": "installed"' in receipt.read_text()

    def test_what_undoes_nothing_of_its_own_is_not_told(self, make_image: MakeImage) -> None:
        root = ("--root", str(make_image("runit-void").root))
        slashservice("install", *root)
        said = slashservice("uninstall", "-n", *root, status=2).splitlines()
        assert "would remove /etc/sv/svscan/run" in said
        assert not [line for line in said if "end svscan" in line or "keeps in" in line]

    def test_leftovers_of_a_receipt_are_removed(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        before = image.snapshot()
        image.file("/var/lib/slashservice/.receipt.json{new}", "{")
        root = ("--root", str(image.root))
        assert slashservice("uninstall", "-n", *root) == "slashservice is not installed\n"
        assert image.path("/var/lib/slashservice").is_dir()
        assert slashservice("uninstall", *root) == "slashservice is not installed\n"
        assert image.snapshot() == before

    def test_what_was_chosen_is_remembered(self, make_image: MakeImage) -> None:
        image = make_image("sysvinit-debian")
        root = ("--root", str(image.root))
        chosen = ("--layout", "fhs", "--service-dir", "/var/service", "--init", "initd")
        slashservice("install", *root, *chosen)
        assert "nothing to do" in slashservice("install", *root)
        assert image.path("/var/service").is_dir()
        assert not image.path("/command").exists()

    def test_not_enabled(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        said = slashservice("install", "--root", str(image.root), "--no-enable")
        assert "not enabled" in said
        assert image.path("/etc/systemd/system/svscan.service").exists()
        wanted = image.path("/etc/systemd/system/multi-user.target.wants/svscan.service")
        assert not wanted.is_symlink()

    def test_detect_as_json_can_be_judged_again(self, make_image: MakeImage) -> None:
        from slashservice.installer.detection.detect import detect
        from slashservice.installer.detection.evidence import Evidence
        from slashservice.installer.init_systems import INIT_SYSTEMS

        image = make_image("openrc-alpine")
        plain = json.loads(slashservice("detect", "--json", "--root", str(image.root)))
        assert plain["verdict"]["name"] == "openrc"
        evidence = Evidence.from_json(plain["evidence"])
        assert detect(evidence, INIT_SYSTEMS).to_json() == {
            **plain["verdict"],
            **{key: tuple(plain["verdict"][key]) for key in ("reasons", "warnings", "advice")},
        }

    def test_status_as_json(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        root = ("--root", str(image.root))
        assert json.loads(slashservice("status", "--json", *root, status=1))["installed"] is False
        slashservice("install", *root)
        found = json.loads(slashservice("status", "--json", *root, status=1))
        assert (found["init"], found["phase"]) == ("systemd", "installed")
        assert {one["state"] for one in found["artefacts"]} == {"ok"}
        image.path("/etc/systemd/system/svscan.service").write_text("mine")
        image.path("/command/svscan").unlink()
        found = json.loads(slashservice("status", "--json", *root, status=1))
        states = {one["path"]: one["state"] for one in found["artefacts"]}
        assert states["/etc/systemd/system/svscan.service"] == "changed"
        assert states["/command/svscan"] == "missing"

    def test_services_of_an_image(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        root = ("--root", str(image.root))
        slashservice("install", *root)
        image.program("/usr/bin/httpd", "")
        before = image.snapshot()
        slashservice("add", *root, "web", "--env", "A=b c", "--", "httpd", "-f")
        assert os.readlink(image.path("/service/web")) == "/etc/slashservice/web"
        assert image.path("/etc/slashservice/web/run").stat().st_mode & 0o777 == 0o755
        assert image.path("/etc/slashservice/web/env/A").read_text() == "b c\n"
        image.folders("/var/log/slashservice/web")
        there = image.snapshot()
        said = slashservice("remove", "-n", *root, "web", status=2)
        assert said.endswith("/etc/slashservice/web would be removed\n")
        told = json.loads(slashservice("remove", "-n", "--json", *root, "web", status=2))
        going = ["/service/web", "/etc/slashservice/web"]
        assert told == {"name": "web", "changed": True, "removed": going}
        assert image.snapshot() == there
        said = slashservice("remove", *root, "web")
        assert "/etc/slashservice/web is removed" in said
        assert "logs are kept: /var/log/slashservice/web" in said
        assert before.keys() <= image.snapshot().keys()
        assert not image.path("/service/web").is_symlink()
        assert "no service web" in slashservice("remove", *root, "web", status=111)
        assert "no service web" in slashservice("remove", "-n", *root, "web", status=111)
        told = json.loads(slashservice("remove", "--json", *root, "web"))
        assert told == {"name": "web", "changed": False, "removed": []}

    def test_output_that_nobody_reads_is_no_trouble(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        command = f"{COMMAND} install --root {image.root} | true"
        subprocess.run(["sh", "-c", command], check=True)
        status = slashservice("status", "--root", str(image.root), status=1)
        assert "interrupted" not in status


def test_commands_can_be_had_without_installing(tmp_path: Path) -> None:
    said = slashservice("commands", str(tmp_path / "bin"))
    assert str(tmp_path / "bin" / "svstat") in said.splitlines()
    done = subprocess.run([tmp_path / "bin" / "svok"], capture_output=True, check=False)
    assert done.returncode == 100


@pytest.mark.root
def test_only_root_may_install(world_dir: Path) -> None:
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    done = subprocess.run(
        [*command, "/usr/bin/python3", "-c", "import os; print(os.geteuid())"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"65534\n"
    said = subprocess.run(
        [*command, COMMAND, "install"], capture_output=True, text=True, check=False
    )
    assert said.returncode in (111, 126)  # no account but root may reach some checkouts
    assert said.returncode == 126 or "only root" in said.stderr + said.stdout


def test_completions_are_printed() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "slashservice" in slashservice("completion", shell)


def test_a_damaged_receipt_tells_nothing_of_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(host: Host) -> None:
        raise Trouble("receipt.json", "it is damaged")

    monkeypatch.setattr("slashservice.installer.record.receipt.load", load)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert verb._asked_before(Host(), None) == ""


SECRET = "hunter2-secret"


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize(
    "words", [["add", "web", "--env", f"A={SECRET}", "--", "x"], ["detect"], ["running"]]
)
def test_no_traceback_and_no_secret_in_what_nobody_thought_of(
    words: list[str], debug: str, tmp_path: Path
) -> None:
    """All verbs end with one line; whoever looks for the fault can have more."""
    broken = f"""
import sys
from slashservice.installer import boot_verbs
from slashservice.installer.cli import start
from slashservice.installer.host import host
def fail(*given, **named):
    raise ValueError("{SECRET}" + repr(given))
host.Host.__init__ = boot_verbs.main = fail
sys.argv = ["slashservice", *{words!r}]
start.run()
"""
    done = subprocess.run(
        [sys.executable, "-c", broken],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "SLASHSERVICE_DEBUG": debug},
    )
    assert done.returncode == 111
    *more, last = [line for line in done.stderr.splitlines() if not line.startswith("    ")]
    assert last == "slashservice: fatal: internal error: ValueError in <string>, line 7"
    assert done.stdout == ""
    if not debug:
        assert not more
        assert SECRET not in done.stderr
