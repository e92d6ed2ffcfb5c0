"""rc.local and its like: who reads it, what the doctor says of it, and other languages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import images
from helpers.images import Image, MakeImage
from helpers.installer import Running, look_at, plan_for

from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import TIMED_OUT, Host, Outcome
from slashservice.installer.host.marks import BEGIN
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.init_systems.rclocal_readers import readers
from slashservice.installer.plan import proof, scripts
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction

UNIT = "/usr/lib/systemd/system/rc-local.service"
GENERATOR = "/usr/lib/systemd/system-generators/systemd-rc-local-generator"
ENABLED = "/etc/systemd/system/multi-user.target.wants/rc-local.service"


def quiet(line: str) -> None:
    """Take no notice of progress."""


def found(image: Image) -> list[tuple[str, str]]:
    """Who runs rc.local on a host, and how."""
    host = Host(str(image.root))
    return [(one.name, one.how) for one in readers(host, look_at(host).evidence)]


def why(image: Image, **options: object) -> str:
    """Why rc.local can't be wired."""
    with pytest.raises(Refusal) as refusal:
        plan_for(Host(str(image.root)), init="rclocal", **options)
    return refusal.value.what


class TestReaders:
    def test_systemd_s_own_unit(self, make_image: MakeImage) -> None:
        assert found(make_image("systemd")) == [("rc-local.service", "exec")]

    def test_a_unit_that_is_enabled_without_a_generator(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        image.path(GENERATOR).unlink()
        assert found(image) == []
        assert "rc-local.service is not enabled: systemctl enable" in why(image)
        image.link(ENABLED, UNIT)
        assert found(image) == [("rc-local.service", "exec")]

    @pytest.mark.parametrize(
        ("command", "how"),
        [
            *(("/etc/rc.local start", "exec"), ("-/etc/rc.d/rc.local", "exec")),
            *(("/bin/sh /etc/rc.local", "shell"), ("/bin/bash -c /etc/rc.local", "shell")),
        ],
    )
    def test_a_unit_of_somebody_s(self, command: str, how: str, make_image: MakeImage) -> None:
        image = make_image("systemd")
        text = images.RC_LOCAL_SERVICE.replace("/etc/rc.local start", command)
        image.file("/etc/systemd/system/rc-local.service", text)
        assert found(image) == [("rc-local.service", how)]

    def test_a_systemd_without_it(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("rclocal-systemd")
        image.path(UNIT).unlink()
        assert why(image) == (
            "nobody runs rc.local at boot here: "
            "this systemd has no rc-local.service that would run it"
        )

    def test_a_unit_that_is_masked(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("rclocal-systemd")
        image.link("/etc/systemd/system/rc-local.service", "/dev/null")
        assert "rc-local.service is masked: systemctl unmask" in why(image)

    def test_a_unit_that_runs_something_else(self, make_image: MakeImage) -> None:
        image = make_image("rclocal-systemd").file(UNIT, "[Service]\nExecStart=/etc/boot.local\n")
        assert f"{UNIT} runs something else" in why(image)

    def test_a_script_in_runlevels(self, make_image: MakeImage) -> None:
        image = make_image("initd")
        assert found(image) == [("/etc/init.d/rc.local", "shell")]
        image.path("/etc/rc2.d/S20rc.local").unlink()
        assert found(image) == []
        assert why(image).endswith("none of the boot scripts here runs it")

    def test_a_link_to_itself_in_runlevels(self, make_image: MakeImage) -> None:
        (one,) = found(make_image("rclocal-sysvinit"))
        assert one == ("/etc/rc3.d/S99local", "shell")

    @pytest.mark.parametrize(
        ("kind", "script", "text", "how"),
        [
            (
                "slackware",
                "/etc/rc.d/rc.M",
                "if [ -x /etc/rc.d/rc.local ]; then\n  sh /etc/rc.d/rc.local\nfi\n",
                "shell",
            ),
            ("busybox", "/etc/init.d/rcS", "sh /etc/rc.local\n", "read"),
            ("busybox", "/etc/init.d/rcS", "[ -f /etc/rc.local ] && . /etc/rc.local\n", "read"),
            ("busybox", "/etc/init.d/rcS", "/etc/rc.local &\n", "shell"),
            ("runit-void", "/etc/runit/2", "[ -x /etc/rc.local ] && /etc/rc.local\n", "shell"),
            ("sysvinit-debian", "/etc/inittab", "lo:2:once:/etc/rc.local\n", "exec"),
            ("sysvinit-debian", "/etc/inittab", "lo:2:once:/bin/sh /etc/rc.local\n", "read"),
            ("dinit", "/etc/dinit.d/rclocal", "command = /etc/rc.local\n", "exec"),
        ],
    )
    def test_a_boot_script(
        self, kind: str, script: str, text: str, how: str, make_image: MakeImage
    ) -> None:
        image = make_image(kind)
        assert found(image) == []
        old = image.path(script).read_text() if image.path(script).exists() else "#!/bin/sh\n"
        image.program(script, old + text)
        assert found(image) == [(script, how)]
        commented = old + "".join(f"# {line}\n" for line in text.splitlines())
        image.program(script, commented)
        assert found(image) == []

    def test_openrc_and_procd_go_by_links(self, make_image: MakeImage) -> None:
        image = make_image("openrc-alpine").program("/etc/init.d/done", "sh /etc/rc.local\n")
        assert found(image) == []
        image.link("/etc/runlevels/default/done", "/etc/init.d/done")
        assert found(image) == [("/etc/init.d/done", "read")]
        image.path("/etc/runlevels/default/done").unlink()
        image.link("/etc/rc.d/S95done", "../init.d/done")
        assert found(image) == [("/etc/init.d/done", "read")]

    def test_a_program_that_has_it_built_in(self, make_image: MakeImage) -> None:
        image = make_image("finit")
        assert found(image) == []
        image.program("/usr/sbin/finit", b"\x7fELF\0/etc/rc.local\0")
        assert found(image) == [("/usr/sbin/finit", "exec")]

    @pytest.mark.parametrize("kind", ["openbsd", "freebsd", "netbsd"])
    def test_the_bsds_read_it(self, kind: str, make_image: MakeImage) -> None:
        assert found(make_image(kind)) == [("/etc/rc", "read")]

    def test_nothing_drains_where_no_script_runs_at_shutdown(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("busybox").program("/etc/init.d/rcS", "#!/bin/sh\nsh /etc/rc.local\n")
        notes = plan_for(Host(str(image.root)), init="rclocal").notes
        assert any("nothing was found that could stop svscan" in note for note in notes)

    def test_macos_does_not(self, make_image: MakeImage) -> None:
        assert found(make_image("macos")) == []

    def test_the_one_that_is_read_is_edited(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        """Though there is another."""
        image = make_image("rclocal-systemd").program("/etc/rc.d/rc.local")
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, init="rclocal"), quiet)
        assert BEGIN in image.path("/etc/rc.local").read_bytes()
        assert BEGIN not in image.path("/etc/rc.d/rc.local").read_bytes()


@pytest.fixture
def patient(make_image: MakeImage, small_source: Source) -> Callable[..., Image]:
    """Return what makes an image with slashservice in the given rc.local, wherever it is put."""

    def make(text: str, kind: str = "rclocal-systemd", mode: int = 0o755) -> Image:
        image = make_image(kind)
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, init="rclocal"), quiet)
        return image.file("/etc/rc.local", text, mode)

    return make


def findings(image: Image) -> str:
    """What the doctor finds in an image, and says what to do."""
    seen = look_at(Host(str(image.root)), "rclocal")
    return "\n".join(f"{one.what}: {one.remedy}" for one in examine(seen, INIT_SYSTEMS))


OURS = """\
# begin slashservice
/command/pgrphack /command/svscanboot </dev/null >/dev/null 2>&1 &
# end slashservice
"""


class TestDoctor:
    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("for i in 0 1; do echo $i; done > x\nexit 0\n" + OURS, "behind the end of the script"),
            ("exec /sbin/daemon\n" + OURS, "behind the end of the script"),
            ("return 0\n" + OURS, "behind the end of the script"),
            ("die() { # why\n" + OURS + "exit 1\n}\n", "inside a command that begins above it"),
            ("su pi -c '\n" + OURS + "'\n", "inside a command that begins above it"),
            ("docker \\\n" + OURS + "  run\n", "inside a command that begins above it"),
            ("cat <<E\n" + OURS + "E\n", "inside a command that begins above it"),
            ("echo x; exit 0\n" + OURS, "below other commands"),
            ("sleep 1\n" + OURS + "exit 0\n", "below other commands"),
            ("[ -e x ] && {\nexit 0\n}\n" + OURS, "below other commands"),
            ("exec >/dev/null\n" + OURS, "below other commands"),
        ],
    )
    def test_a_block_of_an_older_version(
        self, text: str, where: str, patient: Callable[..., Image]
    ) -> None:
        said = findings(patient("#!/bin/sh\n" + text))
        assert f"what starts svscan in /etc/rc.local lies {where}" in said
        assert "slashservice install moves it up" in said

    @pytest.mark.parametrize("head", ["", "# why\n", "\n# why \\\n\n", "  # in\n"])
    def test_a_block_that_is_reached(self, head: str, patient: Callable[..., Image]) -> None:
        assert "lies" not in findings(patient(f"#!/bin/sh\n{head}{OURS}exit 0\n"))

    @pytest.mark.parametrize(
        ("text", "mode", "said"),
        [
            (OURS, 0o755, "its first line is no #! line"),
            ("#!/bin/sh\n" + OURS, 0o644, "it is not executable"),
            ("#!/opt/bash\n" + OURS, 0o755, "there is no /opt/bash"),
            ("#!/bin/csh\n" + OURS, 0o755, "is no shell script"),
            ("#!/bin/sh\r\n" + OURS, 0o755, "its lines end in carriage returns"),
            ("\ufeff#!/bin/sh\n" + OURS, 0o755, "byte order mark"),
        ],
    )
    def test_one_that_does_not_run(
        self, text: str, mode: int, said: str, patient: Callable[..., Image]
    ) -> None:
        assert said in findings(patient(text, mode=mode))

    @pytest.mark.parametrize(
        ("text", "mode", "said"),
        [("#!/bin/sh\n" + OURS, 0o644, True), (OURS, 0o755, False)],
    )
    def test_mode_alone_on_sysvinit(
        self, text: str, mode: int, said: bool, patient: Callable[..., Image]
    ) -> None:
        assert ("never runs" in findings(patient(text, "initd", mode))) is said

    def test_nobody_runs_it_any_more(self, patient: Callable[..., Image]) -> None:
        image = patient("#!/bin/sh\n" + OURS)
        image.path(UNIT).unlink()
        said = findings(image)
        assert "/etc/rc.local never runs: this systemd has no rc-local.service" in said

    @pytest.mark.parametrize(
        ("before", "ends"),
        [("exit 0\n", True), ("if a; then\nexit 0\nfi\n", False), ("cat <<E\nexit 0\nE\n", False)],
    )
    def test_another_svscan_behind_an_exit(
        self, before: str, ends: bool, patient: Callable[..., Image]
    ) -> None:
        """Only an exit that is certain counts: a shell is asked where it is."""
        said = findings(patient(f"#!/bin/sh\n{before}/usr/bin/svscanboot &\n"))
        assert ("/etc/rc.local ends before it starts /usr/bin/svscanboot" in said) is ends


class TestTrust:
    """Root runs rc.local: nobody else may change it."""

    @staticmethod
    def given(image: Image, to: int, mode: int, path: str = "/etc/rc.local") -> None:
        image.path(path).chmod(mode)
        os.chown(image.path(path), to, to)

    @pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
    @pytest.mark.parametrize(
        ("uid", "mode", "why"),
        [
            (0, 0o777, "can be written by everybody"),
            (0, 0o757, "can be written by everybody"),
            (1234, 0o755, "belongs to user 1234"),
            (1234, 0o700, "belongs to user 1234"),
            (0, 0o755, ""),
            (0, 0o775, ""),
        ],
    )
    def test_one_that_others_can_change(
        self, uid: int, mode: int, why: str, patient: Callable[..., Image]
    ) -> None:
        image = patient("#!/bin/sh\n" + OURS)
        self.given(image, uid, mode)
        what = "root runs /etc/rc.local at boot, and somebody else can change it: "
        what += f"/etc/rc.local {why}"
        remedy = "if that is not meant to be: chown root /etc/rc.local; chmod go-w /etc/rc.local"
        assert (f"{what}: {remedy}" in findings(image)) is bool(why)
        image.program("/etc/rc.local", "#!/bin/sh\n")
        self.given(image, uid, mode)
        if not why:
            plan_for(Host(str(image.root)), init="rclocal")
            return
        with pytest.raises(Refusal) as refusal:
            plan_for(Host(str(image.root)), init="rclocal")
        assert (refusal.value.what, refusal.value.advice) == (what, (remedy,))

    @pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
    def test_another_script_that_root_runs(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        path = "/etc/rc.d/rc.local_shutdown"
        image = make_image("slackware").program(path, "#!/bin/sh\n")
        self.given(image, 1234, 0o755, path)
        with pytest.raises(Refusal, match=f"root runs {path} at boot, and somebody else"):
            plan_for(Host(str(image.root)))


class TestDoctorOfShutdown:
    """The scripts that run at shutdown are looked at as well."""

    PATH = "/etc/rc.d/rc.local_shutdown"
    LINE = "# begin slashservice\n/command/slashservice drain /service || :\n# end slashservice\n"

    @pytest.mark.parametrize(
        ("text", "mode", "said"),
        [
            ("#!/usr/bin/perl\n" + LINE, 0o755, f"{PATH} is no shell script"),
            ("#!/bin/sh\n" + LINE, 0o644, f"{PATH} never runs: it is not executable"),
            ("#!/bin/sh\nexit 0\n" + LINE, 0o755, f"line in {PATH} lies behind the end"),
            ("#!/bin/sh\n# ours\n" + LINE, 0o755, ""),
        ],
    )
    def test_slackware(
        self, text: str, mode: int, said: str, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("slackware")
        host = Host(str(image.root))
        transaction.install(host, plan_for(host), quiet)
        image.file(self.PATH, text, mode)
        found = examine(look_at(host), INIT_SYSTEMS)
        ours = [one.what for one in found if self.PATH in one.what and "changed" not in one.what]
        assert len(ours) == bool(said)
        assert not said or said in ours[0]


def test_the_doctor_says_it_once(make_image: MakeImage, small_source: Source) -> None:
    """Two edits of one file, or two scanners in it, are one finding."""
    image = make_image("rclocal-systemd").program("/usr/bin/svscanboot")
    image.program("/etc/rc.local", "#!/bin/sh\nsvscanboot &\n")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init="rclocal", replace=True), quiet)
    assert findings(image).count("/etc/rc.local") == 0
    text = "#!/bin/sh\n# begin slashservice\n: mine\n# end slashservice\nsvscan /x &\nsvscan /y &\n"
    image.file("/etc/rc.local", text, 0o644)
    said = findings(image)
    assert said.count("/etc/rc.local is changed") == 1
    assert said.count("/etc/rc.local never runs") == 1


class TestUpgrade:
    """An installation of an older version has its block elsewhere."""

    TEXT = "#!/bin/sh -e\n# why\necho one\n%sexit 0\n"

    def test_moves_the_block_up_and_takes_it_out(
        self, make_image: MakeImage, small_source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image = make_image("rclocal-systemd").program("/etc/rc.local", self.TEXT % "")
        before = image.snapshot()
        host = Host(str(image.root))
        with monkeypatch.context() as patch:
            patch.setattr(scripts, "head_end", lambda text: text.index(b"exit"))
            patch.setattr("slashservice.installer.plan.edits.head_end", scripts.head_end)
            patch.setattr(proof, "prove", lambda *about: None)
            transaction.install(host, plan_for(host, init="rclocal"), quiet)
        where = image.path("/etc/rc.local").read_bytes().index(BEGIN)
        assert where > len("#!/bin/sh -e\n# why\n")
        assert "lies below other commands" in findings(image)
        assert transaction.install(host, plan_for(host, init="rclocal"), quiet)
        assert image.path("/etc/rc.local").read_bytes().startswith(b"#!/bin/sh -e\n# why\n" + BEGIN)
        assert not transaction.install(host, plan_for(host, init="rclocal"), quiet)
        assert transaction.uninstall(host, quiet) == []
        assert image.snapshot() == before


class TestOtherLanguages:
    def test_execline(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("s6").program("/usr/bin/execlineb")
        path = "/etc/s6-linux-init/current/scripts/rc.shutdown"
        text = "#!/bin/execlineb -P\n# all down\ns6-rc -bda change\n"
        image.program(path, text)
        host = Host(str(image.root))
        transaction.install(host, plan_for(host), quiet)
        assert image.path(path).read_text() == (
            "#!/bin/execlineb -P\n# all down\n"
            "# begin slashservice\n"
            "foreground { /command/slashservice drain /service }\n"
            "# end slashservice\n"
            "s6-rc -bda change\n"
        )
        transaction.uninstall(host, quiet)
        assert image.path(path).read_text() == text

    @pytest.mark.parametrize(
        ("kind", "path"),
        [
            ("s6", "/etc/s6-linux-init/current/scripts/rc.shutdown"),
            ("slackware", "/etc/rc.d/rc.local_shutdown"),
        ],
    )
    def test_perl_is_refused_until_it_calls_us(
        self, kind: str, path: str, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image(kind).program("/usr/bin/perl").program(path, "#!/usr/bin/perl\n")
        host = Host(str(image.root))
        with pytest.raises(Refusal) as refusal:
            plan_for(host)
        assert refusal.value.what == f"{path} is no shell script: #!/usr/bin/perl"
        assert refusal.value.advice == (
            "Have it run this, before all else: /command/slashservice drain /service",
        )
        text = '#!/usr/bin/perl\nsystem("/command/slashservice drain /service");\n'
        image.program(path, text)
        transaction.install(host, plan_for(host), quiet)
        assert image.path(path).read_text() == text


class TestUnwire:
    """Another svscan's line in rc.local is put out of force, and nothing else with it."""

    def replaced(self, image: Image, text: str) -> str:
        """Install in the place of the svscan of an rc.local; return what that says then."""
        image.program("/etc/rc.local", "#!/bin/sh\n" + text).program("/usr/bin/svscanboot")
        before = image.snapshot()
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, replace=True), quiet)
        made = image.path("/etc/rc.local").read_text().removeprefix("#!/bin/sh\n")
        transaction.uninstall(host, quiet)
        assert image.snapshot() == before
        return made

    @pytest.mark.parametrize(
        "line",
        [
            *(
                "/usr/bin/svscanboot &",
                "csh -cf '/usr/bin/svscanboot &'",
                "  /usr/bin/svscanboot &",
            ),
            *("(cd / && /usr/bin/svscanboot) &", "[ -x /usr/bin/svscanboot ] && svscanboot &"),
        ],
    )
    def test_a_line_of_its_own(
        self, line: str, make_image: MakeImage, small_source: Source
    ) -> None:
        made = self.replaced(make_image("systemd"), f"mount /srv\n{line}\nexit 0\n")
        assert made == f"mount /srv\n#slashservice# {line}\nexit 0\n"

    def test_alone_in_an_if(self, make_image: MakeImage, small_source: Source) -> None:
        text = "if true; then\n    %s/usr/bin/svscanboot &\nfi\necho\n"
        made = self.replaced(make_image("systemd"), text % "")
        assert made == "if true; then\n:\n#slashservice#     /usr/bin/svscanboot &\nfi\necho\n"

    @pytest.mark.parametrize(
        "line", ["mount /srv; /usr/bin/svscanboot &", "/usr/bin/svscanboot \\\n  /service &"]
    )
    def test_a_line_that_does_more(
        self, line: str, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("systemd").program("/usr/bin/svscanboot")
        image.program("/etc/rc.local", f"#!/bin/sh\n{line}\n")
        with pytest.raises(Refusal, match=r"does more than to start|can't be put out of force"):
            plan_for(Host(str(image.root)), replace=True)


class TestProof:
    """What is asked of a host that runs."""

    def proved(self, root: Path, **answers: Outcome) -> str:
        """Prove a script there; return why it is refused."""
        Image(root).program("/bin/sh")
        words = {"reads": "/bin/sh -n", "runs": "/bin/sh /"}
        host = Running(root, {words[name]: end for name, end in answers.items()})
        text = b"#!/bin/sh\n" + OURS.encode() + b"exit 0\n"
        try:
            proof.prove(host, "/etc/rc.local", text, "exec")
        except Refusal as refusal:
            return refusal.what
        return ""

    def test_an_interpreter_that_does_not_come_to_it(self, tmp_path: Path) -> None:
        why = "/etc/rc.local would not run slashservice's lines: "
        why += "its interpreter does not come to them"
        assert self.proved(tmp_path, runs=Outcome(0, "")) == why
        assert self.proved(tmp_path, runs=Outcome(0, f"x\n{proof.MARK}\n{proof.MARK}")) == why
        assert self.proved(tmp_path, runs=Outcome(0, f"+ echo\n{proof.MARK}")) == ""

    def test_a_shell_that_finds_it_unfinished(self, tmp_path: Path) -> None:
        assert "a shell finds no place" in self.proved(tmp_path, reads=Outcome(2, "fault"))

    def test_one_that_cannot_be_asked(self, tmp_path: Path) -> None:
        assert self.proved(tmp_path) == ""

    def test_one_that_does_not_answer_in_time(self, tmp_path: Path) -> None:
        late = Outcome(TIMED_OUT, "")
        assert self.proved(tmp_path, reads=late) == ""
        assert "does not come to them" in self.proved(tmp_path, reads=late, runs=late)

    def test_a_block_that_is_not_the_first_command(self) -> None:
        text = b"#!/bin/sh\necho\n" + OURS.encode()
        with pytest.raises(Refusal, match="there is more than comments above them"):
            proof.prove(Host(), "rc.local", text, "exec")

    def test_a_block_above_the_first_line(self) -> None:
        text = OURS.encode() + b"#!/bin/sh\necho\n"
        with pytest.raises(Refusal, match="its first line is not the first any more"):
            proof.prove(Host(), "rc.local", text, "exec")

    def test_a_fault_that_we_made(self) -> None:
        text = b"#!/bin/sh\n" + OURS.encode().replace(b"&\n", b"&\nfi\n")
        with pytest.raises(Refusal, match="a shell does not find them complete"):
            proof.prove(Host(), "rc.local", text, "exec")
