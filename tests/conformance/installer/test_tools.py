"""Every artefact is looked at by the real tool for it, where Debian has that."""

from __future__ import annotations

import plistlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import images, judges
from helpers.checkout import CHECKOUT
from helpers.dinit import DinitStandIn
from helpers.installer import Artefacts, plan_for
from helpers.keeping import ended
from helpers.sandbox import Sandbox
from helpers.waiting import until

from slashservice.installer.detection import inittab
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

COMPLETION = CHECKOUT / "installer" / "cli" / "completion"
SHELL_SCRIPTS = {
    "sysvinit-debian": ["/etc/init.d/svscan"],
    "initd": ["/etc/init.d/svscan"],
    "slackware": ["/etc/rc.d/rc.local_shutdown"],
    "openrc-gentoo": ["/etc/init.d/svscan"],
    "runit-void": [
        "/etc/sv/svscan/run",
        "/etc/sv/svscan/control/d",
        "/etc/runit/shutdown.d/05-svscan.sh",
    ],
    "s6": [
        "/etc/s6-linux-init/current/run-image/service/svscan/run",
        "/etc/s6-linux-init/current/scripts/rc.shutdown",
    ],
    "rclocal-systemd": ["/etc/rc.local"],
    "rclocal-sysvinit": ["/etc/rc.d/rc.local", "/etc/rc.d/init.d/svscan"],
    "openbsd": ["/etc/rc.d/svscan"],
    "openbsd-old": ["/etc/rc.local", "/etc/rc.shutdown"],
    "freebsd": ["/usr/local/etc/rc.d/svscan", "/etc/rc.conf.d/svscan"],
    "netbsd": ["/etc/rc.d/svscan", "/etc/rc.conf.d/svscan"],
    "procd": ["/etc/init.d/svscan"],
}
SHELLS = {
    "sh": ["sh"],
    "bash": ["bash", "--posix"],
    "ash": ["busybox", "ash"],
    "mksh": ["mksh"],
}

META = ("help", "help-all", "version", "completions")
"""plumbum's own switches, of whichever version."""


def passes(*command: str) -> str:
    """Run a tool, check that it is content, and return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.mark.parametrize("which", SHELL_SCRIPTS)
@pytest.mark.parametrize("shell", ["sh", "bash", "ash", "mksh"])
def test_shells_can_read_them(which: str, shell: str, artefacts: Artefacts, tmp_path: Path) -> None:
    made = artefacts(which)
    for path in SHELL_SCRIPTS[which]:
        script = tmp_path / "script"
        script.write_text(made[path])
        assert passes(*SHELLS[shell], "-n", str(script)) == ""


def test_systemd_finds_no_fault(artefacts: Artefacts, tmp_path: Path) -> None:
    unit = artefacts("systemd")["/etc/systemd/system/svscan.service"]
    path = tmp_path / "svscan.service"
    path.write_text(unit.replace("/command/svscan", "/bin/true"))
    assert passes("systemd-analyze", "--man=no", "verify", str(path)) == ""


def test_systemd_would_find_one(tmp_path: Path) -> None:
    """The tool complains on standard error and may exit 0 all the same."""
    path = tmp_path / "svscan.service"
    path.write_text("[Service]\nExecStart=/nowhere\nKillMood=process\n")
    command = ["systemd-analyze", "--man=no", "verify", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "KillMood" in done.stderr


def test_launchd_knows_every_key(artefacts: Artefacts) -> None:
    plist = judges.launchd_plist(
        artefacts("macos")["/Library/LaunchDaemons/slashservice.svscan.plist"]
    )
    assert plist["ProgramArguments"] == ["/usr/local/bin/svscanboot", "/etc/service"]
    assert plist["RunAtLoad"] is plist["KeepAlive"] is True


def test_inittabs_are_whole(artefacts: Artefacts) -> None:
    inittab.check(artefacts("sysvinit-debian")["/etc/inittab"].encode())
    inittab.check(artefacts("busybox")["/etc/inittab"].encode(), "busybox")


def test_upstart_knows_every_stanza(artefacts: Artefacts) -> None:
    job = judges.upstart_job(artefacts("upstart")["/etc/init/svscan.conf"], judges.INIT_5)
    assert job["exec"] == ["/command/svscanboot"]
    assert job["start on"] == ["runlevel [2345]"]
    assert "respawn" in job


def test_old_upstart_knows_every_stanza(artefacts: Artefacts) -> None:
    job = judges.upstart_job(artefacts("upstart-event.d")["/etc/event.d/svscan"], judges.EVENT_D)
    assert job["exec"] == ["/command/svscanboot"]
    assert len(job["start on"]) == 4
    assert "respawn" in job


DINIT_ORDERS = {
    "dinit-chimera": {"depends-on": "login.target", "waits-for": "network.target"},
    "dinit-artix": {"depends-on": "loginready"},
}


@pytest.mark.parametrize("which", DINIT_ORDERS)
def test_dinit_knows_every_property(which: str, artefacts: Artefacts) -> None:
    service = judges.dinit_service(artefacts(which)["/etc/dinit.d/svscan"])
    assert (service["type"], service["restart"]) == ("process", "true")
    order = {name: service[name] for name in judges.DINIT_DEPENDENCIES if name in service}
    assert order == DINIT_ORDERS[which]


EVENT = """\
#!/bin/sh -e
echo "$1" >>{log}
"""
DAEMON = """\
#!/usr/bin/python3 -IS
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
def say(what):
    with open({log!r}, "a") as log:
        log.write(what + chr(10))
say("svscan starts")
signal.sigwait([signal.SIGTERM])
say("svscan was told to end")
time.sleep(0.2)
say("svscan has ended")
"""


def dinit_graph(folder: Path, which: str) -> None:
    """Make the services of a distribution in miniature: file systems are slow, login is last."""
    event = folder / "event"
    event.write_text(EVENT.format(log=folder / "log"))
    event.chmod(0o755)
    slow = f"sh -c 'sleep 0.3; {event} mounted'"
    services = {
        "file-systems": f"type = scripted\ncommand = {slow}\nstop-command = {event} unmounting\n",
        **(
            {
                "local.target": "type = internal\ndepends-on: file-systems\n",
                "network.target": "type = internal\ndepends-on: local.target\n",
                "login.target": "type = internal\ndepends-on: local.target\n",
                "system": "type = internal\ndepends-on: login.target\ndepends-on: network.target\n",
                "boot": "type = internal\ndepends-on: system\nwaits-for.d: boot.d\n",
            }
            if which == "dinit-chimera"
            else {
                "loginready": "type = internal\ndepends-on: file-systems\n",
                "boot": "type = internal\nwaits-for: loginready\nwaits-for.d: boot.d\n",
            }
        ),
    }
    for name, text in services.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("which", DINIT_ORDERS)
def test_dinit_starts_and_stops_it_in_its_place(
    which: str, artefacts: Artefacts, tmp_path: Path
) -> None:
    """Over a stand-in for dinit, which goes by dependencies alone."""
    dinit_graph(tmp_path, which)
    daemon = tmp_path / "daemon"
    daemon.write_text(DAEMON.format(log=str(tmp_path / "log")))
    daemon.chmod(0o755)
    text = artefacts(which)["/etc/dinit.d/svscan"]
    assert "command = /command/svscanboot\n" in text
    (tmp_path / "svscan").write_text(text.replace("/command/svscanboot", str(daemon)))
    (tmp_path / "boot.d").mkdir()
    (tmp_path / "boot.d/svscan").symlink_to("../svscan")
    stand_in = DinitStandIn([tmp_path])
    stand_in.boot()
    until(lambda: "svscan starts" in (tmp_path / "log").read_text(), "svscan starts")
    stand_in.shut_down()
    assert (tmp_path / "log").read_text().splitlines() == [
        "mounted",
        "svscan starts",
        "svscan was told to end",
        "svscan has ended",
        "unmounting",
    ]


def test_shepherd_knows_every_keyword(artefacts: Artefacts) -> None:
    made = artefacts("shepherd")
    define, register, start = judges.shepherd_configuration(made["/etc/shepherd/svscan.scm"])
    assert isinstance(define, list) and define[:2] == ["define", "svscan"]
    assert register == ["register-services", ["list", "svscan"]]
    assert start == ["start-in-the-background", ["quote", "svscan"]]
    service = define[2]
    words = ["quote", '"/command/svscanboot"']
    assert service[service.index("#:start") + 1] == ["make-forkexec-constructor", words]
    grace = ["make-kill-destructor", "#:grace-period", "120"]
    assert service[service.index("#:stop") + 1] == grace
    *_, load = judges.shepherd_configuration(made["/etc/shepherd.scm"])
    assert load == ["load", '"/etc/shepherd/svscan.scm"']


def test_smf_knows_a_small_manifest() -> None:
    judges.smf_manifest(SMF % ("<single_instance/>", NAMED))


def test_smf_knows_every_element(in_memory: Path, small_source: object) -> None:
    image = images.Image(in_memory / "root")
    images.smf(image)
    with pytest.raises(Refusal) as refusal:
        plan_for(Host(str(image.root)))
    manifest = judges.smf_manifest("\n".join(refusal.value.advice[1:]))
    methods = {one.get("name"): one.get("exec") for one in manifest.iter("exec_method")}
    assert methods == {
        "start": "/command/svscanboot",
        "stop": "/command/slashservice drain /service",
    }
    values = {one.get("name"): one.get("value") for one in manifest.iter("propval")}
    assert values == {"duration": "child", "ignore_error": "core,signal"}


@pytest.mark.parametrize("which", ["freebsd", "netbsd"])
def test_rcorder_can_place_the_script(which: str, artefacts: Artefacts) -> None:
    (path,) = (one for one in artefacts(which) if one.endswith("rc.d/svscan"))
    facts = judges.rc_order(artefacts(which)[path])
    assert facts["PROVIDE"] == ["svscan"]
    assert facts["KEYWORD"] == ["shutdown"]


NAMED = '<template><common_name><loctext xml:lang="C">x</loctext></common_name></template>'
SMF = """\
<!DOCTYPE service_bundle SYSTEM "x">
<service_bundle type="manifest" name="x">
<service name="x" type="service" version="1">%s<method_context/>%s</service>
</service_bundle>
"""
SMF_FAULTS = [
    "<service_bundle/>",
    SMF % ("<single_instance>", NAMED),
    SMF % ("", ""),
    SMF % ("", NAMED + NAMED),
    SMF % ("", "<stop/>" + NAMED),
    SMF % ('<single_instance/><create_default_instance enabled="true"/>', NAMED),
    SMF % ('<create_default_instance enabled="yes"/>', NAMED),
    SMF % ("", '<exec_method type="method" name="start" exec="x"/>' + NAMED),
]
FAULTS = [
    ("upstart_job", "exec /bin/true\nrespawns\n"),
    ("upstart_job", "exec /bin/true\nkill timeout soon\n"),
    ("upstart_job", "exec /bin/true\nrespawn limit\n"),
    ("upstart_job", "start runlevel 2\nexec /bin/true\n"),
    ("upstart_job", "exec /bin/true\nexpect demon\n"),
    ("upstart_job", "script\n:\n"),
    ("upstart_job", "start on runlevel 2\n"),
    ("dinit_service", "type = process\ncommand = /bin/true\nrestart = perhaps\n"),
    ("dinit_service", "type = process\ncommand = /bin/true\nsmooth = true\n"),
    ("dinit_service", "type = process\n"),
    ("dinit_service", "type = process\ncommand = /bin/true\n"),
    ("dinit_service", "type = process\ncommand = /bin/true\nwaits-for: login.target\n"),
    ("dinit_service", "type = process\ncommand = /bin/true\ndepends-on = login.target\n"),
    ("dinit_service", "type: process\ncommand = /bin/true\ndepends-on: login.target\n"),
    ("rc_order", "# PROVIDES: svscan\n"),
    ("shepherd_configuration", "(register-services (list x)"),
    ("shepherd_configuration", "(register-services (list x)))"),
    ("shepherd_configuration", "(service '(x) #:respawn #t)"),
    ("shepherd_configuration", "(start-service 'x)"),
    *(("smf_manifest", text) for text in SMF_FAULTS),
]


@pytest.mark.parametrize(("judge", "text"), FAULTS)
def test_judges_would_find_a_fault(judge: str, text: str) -> None:
    arguments = [judges.INIT_5] if judge == "upstart_job" else []
    with pytest.raises(judges.UnknownError):
        getattr(judges, judge)(text, *arguments)


@pytest.mark.parametrize("facts", [{"Labels": "x"}, {"RunAtLoad": 1}, {"Label": "x"}])
def test_the_judge_of_launchd_would_find_a_fault(facts: dict[str, int] | dict[str, str]) -> None:
    text = plistlib.dumps({"Label": "x", **facts}).decode()
    with pytest.raises(judges.UnknownError):
        judges.launchd_plist(text)


@pytest.mark.parametrize("which", ["sysvinit-debian", "initd", "rclocal-sysvinit"])
def test_init_scripts_have_complete_headers(which: str, artefacts: Artefacts) -> None:
    path = "/etc/rc.d/init.d/svscan" if "rclocal" in which else "/etc/init.d/svscan"
    text = artefacts(which)[path]
    block = re.search(r"^### BEGIN INIT INFO\n(.*)^### END INIT INFO$", text, re.M | re.S)
    assert block is not None
    fields = dict(re.findall(r"^# ([\w-]+): +(\S.*)$", block[1], re.M))
    assert fields["Provides"] == "svscan"
    assert {"Required-Start", "Required-Stop", "Default-Start", "Default-Stop"} <= fields.keys()
    assert re.search(r"^# chkconfig: 2345 \d\d \d\d$", text, re.M)
    assert re.search(r"^# description: \S", text, re.M)


@pytest.mark.root
def test_openrc_reads_its_script(artefacts: Artefacts) -> None:
    machine = Sandbox(["sleep", "1000"])
    with ended(machine.close, machine):
        machine.put("/etc/init.d/svscan", artefacts("openrc-gentoo")["/etc/init.d/svscan"])
        machine.run("mkdir", "-p", "/run/openrc/started")
        said = machine.run("/etc/init.d/svscan", "describe")
        assert "svscan: the services in /service" in said
        machine.run("rc-update", "add", "svscan", "default")
        assert "svscan | default" in " ".join(machine.run("rc-update", "show").split())


def test_insserv_accepts_the_script(artefacts: Artefacts, tmp_path: Path) -> None:
    """The real insserv, on a folder of its own: it links, and orders by the headers."""
    folder = tmp_path / "etc" / "init.d"
    folder.mkdir(parents=True)
    for level in "0123456S":
        (tmp_path / "etc" / f"rc{level}.d").mkdir()
    for name, text in (
        ("svscan", artefacts("sysvinit-debian")["/etc/init.d/svscan"]),
        ("sendsigs", LAST),
    ):
        script = folder / name
        script.write_text(text)
        script.chmod(0o755)
    conf = tmp_path / "insserv.conf"
    conf.write_text("$local_fs\n$remote_fs +sendsigs\n$network\n$syslog\n$named\n$time\n$portmap\n")
    passes("/usr/sbin/insserv", "-c", str(conf), "-p", str(folder), "svscan", "sendsigs")
    links = {path.name for path in (tmp_path / "etc" / "rc6.d").iterdir()}
    assert {"K01svscan", "K02sendsigs"} <= links


LAST = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides: sendsigs
# Required-Start:
# Required-Stop:
# Default-Start:
# Default-Stop: 0 6
# Short-Description: kill all
### END INIT INFO
"""


class TestCompletion:
    def test_bash(self) -> None:
        script = f"source {COMPLETION}/slashservice.bash\n"
        script += "COMP_WORDS=(slashservice install --lay); COMP_CWORD=2\n"
        script += "_slashservice; echo ${COMPREPLY[@]}\n"
        script += "COMP_WORDS=(slashservice un); COMP_CWORD=1\n"
        script += "_slashservice; echo ${COMPREPLY[@]}\n"
        script += "COMP_WORDS=(slashservice --root / install --init openr); COMP_CWORD=5\n"
        script += "_slashservice; echo ${COMPREPLY[@]}\n"
        assert passes("bash", "-c", script) == "--layout\nuninstall\nopenrc\n"

    def test_fish(self) -> None:
        source = f"source {COMPLETION}/slashservice.fish; "
        said = passes("fish", "-c", source + 'complete -C "slashservice inst"')
        assert said.startswith("install\t")
        said = passes("fish", "-c", source + 'complete -C "slashservice install --layout "')
        assert said.split("\n")[0].startswith("fhs")

    def test_zsh(self) -> None:
        passes("zsh", "-n", str(COMPLETION / "slashservice.zsh"))
        script = (
            "compdef() { :; }; _arguments() { print -l -- $@; }; words=(slashservice plan --x)\n"
        )
        script += f"CURRENT=3; source {COMPLETION}/slashservice.zsh\n"
        assert "--layout[where the code goes]" in passes("zsh", "-fc", script)

    @pytest.mark.parametrize(
        "words",
        ["stop", "list", "remove", "drain", "commands", "import", "plan --root", "export -o"],
    )
    def test_what_things_are_called_is_no_program(self, words: str, tmp_path: Path) -> None:
        """Names of services, and of files here, are neither expanded nor split nor executed."""
        names = ["$(touch owned)", "`touch owned`", "*", "a b", "$HOME", "'", '"', "\\"]
        for name in names:
            (tmp_path / name).mkdir()
        program = Path(sys.executable).parent / "slashservice"
        command = f'slashservice() {{ {program} "$@"; }}\nexport SVDIR={tmp_path}\n'
        script = f"{command}source {COMPLETION}/slashservice.bash\ncd {tmp_path}\n"
        script += f"COMP_WORDS=(slashservice {words} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        script += "_slashservice; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        offered = passes("bash", "-c", script).splitlines()
        if words in ("stop", "list", "remove"):
            again = "".join(f"printf '%s\\n' {one}\n" for one in offered)
            offered = passes("bash", "-c", again).splitlines()
        assert sorted(offered) == sorted(names)
        assert sorted(one.name for one in tmp_path.iterdir()) == sorted(names)

    def test_every_verb_and_switch_is_completed(self) -> None:
        from slashservice.installer.cli.main import Slashservice

        app = Slashservice("slashservice")
        texts = [path.read_text() for path in COMPLETION.glob("slashservice.*")]
        assert len(texts) == 3
        for verb, sub in app._subcommands.items():
            assert all(re.search(rf"(?<![\w-]){verb}\b", text) for text in texts), verb
            for name in sub.get()("slashservice")._switches_by_name:
                if len(name) > 1 and name not in META:
                    assert all(re.search(rf"\b{name}\b", text) for text in texts), (verb, name)


def test_man_page_tells_every_verb_and_switch() -> None:
    from slashservice.installer.cli.main import Slashservice

    page = (COMPLETION.parents[2] / "docs" / "man" / "slashservice.8").read_text()
    page = page.replace("\\-", "-")
    app = Slashservice("slashservice")
    for verb, sub in app._subcommands.items():
        assert re.search(rf"\bCm ([a-z]+ [|,] (Cm )?)*{verb}\b", page), verb
        for name in sub.get()("slashservice")._switches_by_name:
            if len(name) > 1 and name not in (
                "help",
                "help-all",
                "version",
                "completions",
                "dry-run",
            ):
                assert f"-{name}" in page, (verb, name)
