"""What starts svscan for an ordinary account: which, and that all of it is undone."""

from __future__ import annotations

import os
import plistlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from helpers.images import Image, base
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer import starters, supervision
from slashservice.installer.detection.evidence import Verdict
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import trust
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.layout import layout
from slashservice.installer.plan.accounts import EditCrontab, Linger
from slashservice.installer.plan.init_system import STARTERS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import Plan, make_plan
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery, transaction
from slashservice.installer.record.theirs import respecting

GOOD = Outcome(0, "")
ANSWERS = {
    "systemd-user": {"systemctl --user": GOOD, "loginctl": GOOD},
    "openrc-user": {"rc-update --user": GOOD, "rc-service --user": GOOD, "sh -n": GOOD},
    "launchd-user": {"launchctl": GOOD, "plutil": GOOD},
    "cron": {"sh -c": GOOD},
    "none": {},
}
OURS = EditCrontab(lines="@reboot ours &\n")


class Ada(Home):
    """An account whose home is in an image, and whose crontab is in memory.

    A command ends as ``answers`` has it for the words that it begins with. The change with the
    number ``failing`` fails.
    """

    def __init__(
        self, root: Path, answers: Mapping[str, Outcome], crontab: bytes | None = None
    ) -> None:
        Host.__init__(self, str(root))
        self._live = True
        self.account, self.home = "ada", "/home/ada"
        self.data, self.config = "/home/ada/.local/share", "/home/ada/.config"
        self.receipts = "/home/ada/.local/share/slashservice"
        self.commands = "/home/ada/.local/bin"
        self.answers = {"/usr/bin/python3": Outcome(0, "3 11 /usr/lib/os.py"), **answers}
        self.crontab = crontab
        self.asked: list[str] = []
        self.failing = 0
        self._variables: Mapping[str, str] = {"XDG_RUNTIME_DIR": "/run/user/7"}

    def step(self, name: str, path: str) -> None:
        super().step(name, path)
        if self.changes == self.failing:
            raise OSError(28, "No space left on device", path)

    def run(self, argv: Sequence[str], timeout: float | None = 60) -> Outcome:
        words = list(argv)
        if words[0] == "env":  # checks get a home of their own by it
            words = [word for word in words[1:] if "=" not in word]
        line = " ".join(words)
        self.asked.append(line)
        found = (end for words, end in self.answers.items() if line.startswith(words))
        return next(found, Outcome(127, f"{argv[0]}: not found"))

    def converse(self, argv: Sequence[str], given: bytes = b"") -> tuple[int, bytes, bytes]:
        assert argv[0] == "crontab"
        if argv[1] == "-l":
            none = (1, b"", b"no crontab for ada\n")
            return none if self.crontab is None else (0, self.crontab, b"")
        self.crontab = None if argv[1] == "-r" else given
        return 0, b"", b""


@pytest.fixture
def image(in_memory: Path) -> Image:
    """A machine with the home of an account."""
    made = base(Image(in_memory / "root")).folders("/home/ada", "/usr/share/man")
    return made.file("/home/ada/.profile").program("/usr/bin/crontab")


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take svscan for running once it was started, and for stopped once it was told to."""
    monkeypatch.setattr(supervision, "running", lambda directory: 0)
    monkeypatch.setattr(supervision, "drain", lambda directory, **options: True)


def quiet(line: str) -> None:
    """Take no notice of progress."""


def plan_of(host: Ada, starter: str, start: bool = False) -> Plan:
    """Make the plan for a starter."""
    seen = starters.look(host, before=starter)
    return make_plan(seen, STARTERS, Options(start=start, python="/usr/bin/python3"))


class TestWhich:
    """The first that can be used."""

    @pytest.mark.parametrize(
        ("files", "answers", "name"),
        [
            (["/run/systemd/system/x"], {"systemctl --user": GOOD}, "systemd-user"),
            (["/run/systemd/system/x"], {}, "cron"),
            (["/x"], {"systemctl --user": GOOD}, "cron"),
            (["/run/openrc/softlevel", "/run/user/7/x"], {"rc-update --user": GOOD}, "openrc-user"),
            (["/run/openrc/softlevel"], {"rc-update --user": GOOD}, "cron"),
            (["/run/openrc/softlevel", "/run/user/7/x"], {}, "cron"),
        ],
    )
    def test_it_is(
        self, files: list[str], answers: dict[str, Outcome], name: str, image: Image
    ) -> None:
        for file in files:
            image.file(file)
        host = Ada(image.root, answers)
        host.which = lambda name: f"/usr/bin/{name}"  # type: ignore[method-assign]
        assert starters.look(host).verdict.name == name

    def test_there_is_none(self, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
        image.path("/usr/bin/crontab").unlink()
        host = Ada(image.root, {})
        seen = starters.look(host)
        with pytest.raises(Refusal, match="nothing here starts programs of ada") as refusal:
            make_plan(seen, STARTERS, Options())
        by_hand = "/home/ada/.local/bin/svscan /home/ada/service"
        assert refusal.value.advice[-1] == f"With --init none you start it yourself: {by_hand}"

    def test_one_that_is_asked_for_must_be_there(self, image: Image) -> None:
        host = Ada(image.root, {})
        with pytest.raises(Refusal, match="systemd's user manager can't be used by ada here"):
            starters.look(host, asked="systemd")
        with pytest.raises(Refusal, match="nothing called 'x'"):
            starters.look(host, asked="x")
        assert starters.look(host, asked="none").verdict.asked

    def test_a_crontab_that_is_forbidden_is_none(self, image: Image) -> None:
        host = Ada(image.root, {})
        told = (1, b"", b"You (ada) are not allowed to use this program (crontab)\n")
        host.converse = lambda argv, given=b"": told  # type: ignore[method-assign]
        assert starters.look(host).verdict.name == ""


@pytest.mark.parametrize("starter", ANSWERS)
class TestInstalled:
    """What each of them is given, and that it is taken away again."""

    def test_all_is_undone(self, starter: str, image: Image, small_source: Source) -> None:
        host = Ada(image.root, ANSWERS[starter], b"@daily x\n")
        before = image.snapshot()
        assert transaction.install(host, plan_of(host, starter), quiet)
        receipt = receipts.load(host)
        assert receipt is not None and receipt.init == starter
        assert not transaction.install(host, plan_of(host, starter), quiet)
        outside = {path for path in image.snapshot() if path not in before}
        assert all(path.startswith("home/ada/") for path in outside)
        assert (host.crontab != b"@daily x\n") == (starter == "cron")
        assert transaction.uninstall(host, quiet) == []
        assert image.snapshot() == before
        assert host.crontab == b"@daily x\n"

    def test_a_failure_at_any_step_leaves_nothing(
        self, starter: str, image: Image, small_source: Source
    ) -> None:
        before = image.snapshot()
        failing = 0
        while True:
            failing += 1
            host = Ada(image.root, ANSWERS[starter])
            plan = plan_of(host, starter)
            host.failing = failing
            try:
                transaction.install(host, plan, quiet)
            except (OSError, Trouble):
                host.failing = 0
                if receipts.load(host):
                    transaction.uninstall(host, quiet)
                assert image.snapshot() == before
                assert host.crontab is None
            else:
                break
        assert failing > 10

    def test_a_home_that_others_can_write_to(
        self, starter: str, image: Image, small_source: Source
    ) -> None:
        image.path("/home/ada").chmod(0o777)
        with pytest.raises(Refusal, match="/home/ada can be written by everybody"):
            plan_of(Ada(image.root, ANSWERS[starter]), starter)


class TestTexts:
    """What is written can be read by whom it is for."""

    def text(self, image: Image, starter: str, ending: str) -> bytes:
        """Install, and return the text of a file."""
        host = Ada(image.root, ANSWERS[starter])
        transaction.install(host, plan_of(host, starter), quiet)
        path = next(path for path in image.snapshot() if path.endswith(ending))
        return image.path(path).read_bytes()

    def test_unit(self, image: Image, small_source: Source) -> None:
        text = self.text(image, "systemd-user", "user/svscan.service").decode()
        assert "ExecStart=/home/ada/.local/bin/svscan /home/ada/service\n" in text
        assert "Environment=PATH=/home/ada/.local/bin:/command:" in text
        link = image.path("/home/ada/.config/systemd/user/default.target.wants/svscan.service")
        assert os.readlink(link) == "/home/ada/.config/systemd/user/svscan.service"

    def test_script(self, image: Image, small_source: Source, tmp_path: Path) -> None:
        text = self.text(image, "openrc-user", "rc/init.d/svscan")
        subprocess.run(["sh", "-n"], input=text, check=True)
        assert b'command_args="/home/ada/service"\n' in text

    def test_agent(self, image: Image, small_source: Source) -> None:
        plist = plistlib.loads(self.text(image, "launchd-user", "slashservice.svscan.plist"))
        program = ["/home/ada/.local/bin/svscanboot", "/home/ada/service"]
        assert plist["ProgramArguments"] == program
        assert plist["AbandonProcessGroup"]


LINE = st.sampled_from(["@daily x", "# c", "0 * * * * y", "MAILTO=z", "", "@reboot other &"])
CRONTAB = st.one_of(st.none(), st.lists(LINE, min_size=1).map(lambda all_: "\n".join(all_) + "\n"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=CRONTAB, later=st.lists(LINE), upgraded=st.booleans())
def test_crontabs_come_back(
    text: str | None, later: list[str], upgraded: bool, tmp_path: Path
) -> None:
    """To the byte; and what was added meanwhile stays."""
    before = None if text is None else text.encode()
    host = Ada(tmp_path, {}, before)
    captured = OURS.capture(host)
    OURS.apply(host)
    assert OURS.done(host)
    assert host.crontab is not None and host.crontab.startswith(before or b"")
    assert OURS.original(host) == captured
    latest = OURS
    if upgraded:
        latest = EditCrontab(lines="@reboot newer &\n")
        assert not latest.done(host)
        latest.apply(host)
        assert host.crontab.count(b"# begin slashservice") == 1
    added = "".join(f"{line}\n" for line in later).encode()
    host.crontab += added
    notes = latest.undo(host, captured, "")
    if added:
        assert host.crontab == (before or b"") + added
        assert len(notes) == 1
    else:
        assert host.crontab == before
        assert notes == []
    assert latest.undo(host, captured, "") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(others=st.lists(LINE), place=st.integers(0, 9), newer=st.booleans())
def test_what_was_made_of_our_lines_in_a_crontab_is_never_lost(
    others: list[str], place: int, newer: bool, tmp_path: Path
) -> None:
    """It is left, or kept aside; and named."""
    mine = b"# MINE"
    host = Ada(tmp_path, {}, "".join(f"{line}\n" for line in others).encode())
    before = OURS.capture(host)
    OURS.apply(host)
    assert host.crontab is not None
    lines = host.crontab.splitlines(keepends=True)
    begin = next(at for at, line in enumerate(lines) if line.startswith(b"# begin"))
    lines.insert(begin + 1 + place % (len(lines) - begin - 1), mine + b"\n")
    host.crontab = b"".join(lines)
    action = EditCrontab(lines="@reboot newer &\n") if newer else OURS
    entry = receipts.Entry(OURS, before, before)
    old = receipts.Receipt("1", "cron", "user", "/s", "/p", "installed", (entry,))
    verdict = Verdict("cron", (), "cron")
    plan = Plan(verdict, layout("user", "1", "", "/h", "/d"), "/p", (action,), (), {})
    made = respecting(host, plan, old)
    (acting,) = made.actions
    (note,) = made.notes
    acting.apply(host)
    kept = sorted(path for path in tmp_path.rglob("crontab*") if mine in path.read_bytes())
    assert (mine in host.crontab) != newer == bool(kept)
    assert ("crontab" in note) and (not kept or str(kept[0])[len(str(tmp_path)) :] in note)
    assert acting.done(host)
    notes = acting.undo(host, before, "")
    kept = sorted(path for path in tmp_path.rglob("crontab*") if mine in path.read_bytes())
    assert kept and (newer or "what it said is in" in notes[0])
    for path in kept:
        path.unlink()


@pytest.mark.parametrize("lingered", [True, False])
def test_lingering_is_as_before(lingered: bool, image: Image) -> None:
    mark = "/var/lib/systemd/linger/ada"
    if lingered:
        image.file(mark)
    host = Ada(image.root, {"loginctl": GOOD})
    linger = Linger(do=("loginctl", "on"), undo_=("loginctl", "off"), account="ada")
    before = linger.capture(host)
    linger.apply(host)
    assert host.asked == ([] if lingered else ["loginctl on"])
    host.asked.clear()
    if not lingered:
        image.file(mark)
    linger.undo(host, before, "")
    assert host.asked == ([] if lingered else ["loginctl off"])


def test_refused_lingering_is_told(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    host = Ada(image.root, {"loginctl": Outcome(1, "Access denied")})
    Linger(do=("loginctl", "enable-linger", "ada"), account="ada").apply(host)
    said = capsys.readouterr().err
    assert said.startswith("slashservice: warning: loginctl enable-linger ada: Access denied\n")
    assert "until root says: loginctl enable-linger ada" in said


class TestHome:
    """Whose home it is, and what is where in it."""

    @pytest.fixture(autouse=True)
    def ordinary(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Be no root."""
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
        if os.getuid() == 0:
            os.chown(tmp_path, 65534, 65534)
        else:
            monkeypatch.setattr(os, "geteuid", os.getuid)

    def test_base_directories(self, tmp_path: Path) -> None:
        home = str(tmp_path.resolve())
        usual = Home({"HOME": home, "XDG_CONFIG_HOME": "relative"})
        assert usual.data == f"{home}/.local/share"
        assert usual.config == f"{home}/.config"
        assert usual.kept_logs == f"{home}/.local/state/slashservice"
        variables = {f"XDG_{name}_HOME": f"{home}/{name}" for name in ("DATA", "CONFIG", "STATE")}
        asked = Home({"HOME": home, **variables})
        assert asked.data == f"{home}/DATA"
        assert asked.receipts == f"{home}/DATA/slashservice"
        assert asked.config == f"{home}/CONFIG"
        assert asked.kept_logs == f"{home}/STATE/slashservice"
        environment = asked.environment()
        assert environment["HOME"] == home
        assert environment["XDG_DATA_HOME"] == f"{home}/DATA"

    def test_of_somebody_else(self) -> None:
        with pytest.raises(Refusal, match="is no home of"):
            Home({"HOME": "/etc"})

    def test_with_characters_that_others_take_out(self, tmp_path: Path) -> None:
        blank = tmp_path / "a b"
        blank.mkdir()
        os.chown(blank, os.geteuid(), -1) if os.getuid() == 0 else None
        with pytest.raises(Refusal, match="has characters in it"):
            Home({"HOME": str(blank)})


@pytest.mark.root
def test_root_has_none() -> None:
    with pytest.raises(Refusal, match="--user is for ordinary accounts"):
        Home({"HOME": "/root"})


def test_the_layout_is_in_the_home() -> None:
    places = layout("user", "7", "", "/home/ada", "/home/ada/.local/share")
    assert places.tree == "/home/ada/.local/share/slashservice/7"
    assert places.command("svc") == "/home/ada/.local/bin/svc"
    assert places.service_dir == "/home/ada/service"
    with pytest.raises(Refusal, match="there is no layout 'user'"):
        layout("user", "7")


@pytest.mark.root
@pytest.mark.parametrize(
    ("group", "members", "others"),
    [(7, "", False), (7, "ada", False), (7, "ada,eve", True), (8, "", True), (9, "ada", False)],
)
def test_a_group_of_one_is_nobody_else(
    group: int, members: str, others: bool, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A umask of 002 has a home's folders belong to the account's own group."""
    users = "root:x:0:0:::\nada:x:7:7:::\neve:x:8:8:::\n"
    image.file("/etc/passwd", users)
    image.file("/etc/group", f"root:x:0:\nada:x:7:{members}\neve:x:8:\nnew:x:9:{members}\n")
    for folder in ("/home/ada", "/home/ada/.local"):
        image.folders(folder)
        os.chown(image.path(folder), 7, group)
    image.path("/home/ada/.local").chmod(0o775)
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    host = Ada(image.root, {})
    why = trust.distrust(host, "/home/ada/.local/bin")
    assert why == (f"/home/ada/.local can be written by group {group}" if others else "")


@pytest.mark.parametrize("starter", list(ANSWERS))
def test_a_lost_receipt_is_made_anew(starter: str, image: Image, small_source: Source) -> None:
    before = image.snapshot()
    host = Ada(image.root, ANSWERS[starter], b"# mine\n")
    transaction.install(host, plan_of(host, starter), quiet)
    was = receipts.load(host)
    image.path(f"{host.receipts}/receipt.json").unlink()
    assert starters.is_installed(host)
    look = starters.look(host, before=starter)
    found = recovery.recover(look, STARTERS, Options())
    assert found is not None and was is not None
    made = found.receipt
    assert (made.init, made.layout, made.service_dir) == (starter, "user", "/home/ada/service")
    assert list(recovery.twice(look, STARTERS, made)) == []
    assert "receipt is gone" in next(recovery.lost(look, STARTERS))
    assert transaction.uninstall(host, quiet, made) == []
    assert host.crontab == b"# mine\n"
    left = set(image.snapshot()) - set(before)
    assert not any("slashservice" in path or "svscan" in path for path in left), left
