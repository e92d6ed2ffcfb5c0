"""What each reader refuses, and what it says is lost: with the file, the line and a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.installer import its_host, plain_image

from slashservice.installer.converters import kinds, unit_file
from slashservice.installer.converters.kinds import Choices
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.making import Drawn

image, host = plain_image, its_host


def read(
    host: Host, path: Path, text: str, choices: Choices | None = None
) -> tuple[list[Drawn], list[str]]:
    """Write a file and read it; return its services, and what is lost."""
    path.write_text(text)
    losses = Losses()
    found = kinds.drawn(host, [str(path)], choices or Choices(check=False), losses)
    return found, losses.lines


def text_of(one: Drawn, name: str = "run") -> str:
    """Return the text of a file of a service."""
    return one.contents[name].data.decode()


SERVICE = "[Service]\nExecStart=/bin/true\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[Service]\nType=forking\nExecStart=/bin/a\n",
            "x.service:2: Type=forking: it goes to the",
        ),
        ("[Service]\nType=odd\nExecStart=/bin/a\n", "x.service:2: Type=odd is no type"),
        ("[Service]\nUser=x\n", "x.service:2: there is no account x"),
        ("[Service]\nGroup=x\nExecStart=/bin/a\n", "x.service:2: there is no group x"),
        ("[Unit]\n", "x.service: there is no ExecStart= in it"),
        (
            "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n",
            "x.service:3: ExecStart= is there twice",
        ),
        ("[Service]\nExecStart=/bin/a 'b\n", "x.service:2: ExecStart= can't be read: a quote '"),
        ("[Service]\nExecStart=/bin/a %y\n", "x.service:2: ExecStart= can't be read: what %y"),
        ("[Service]\nExecStart=-\n", "x.service:2: ExecStart=- is no program"),
        ("[Service]\nExecStart=@/bin/a\n", "x.service:2: ExecStart=@ has no name"),
        (f"{SERVICE}EnvironmentFile=/no/such\n", "x.service:3: EnvironmentFile=/no/such is not"),
        (f"{SERVICE}LimitNOFILE=many\n", "x.service:3: LimitNOFILE= can't be read: 'many' is no"),
        (f"{SERVICE}KillSignal=SIGODD\n", "x.service:3: KillSignal= can't be read"),
        (
            f"{SERVICE}RestartSec=soon\n",
            "x.service:3: RestartSec= can't be read: 'soon' is no time",
        ),
        (f"{SERVICE}Restart=perhaps\n", "x.service:3: Restart=perhaps is not known"),
        (f"{SERVICE}KillMode=all\n", "x.service:3: KillMode=all is not known"),
        (f"{SERVICE}RootDirectory=/x\n", "x.service:3: RootDirectory= has another root"),
        (f"{SERVICE}DynamicUser=yes\n", "x.service:3: DynamicUser=yes is for an account"),
        (f"{SERVICE}Sockets=x.socket\n", "x.service:3: Sockets=x.socket: nobody hands it sockets"),
        (f"{SERVICE}StandardInput=socket\n", "x.service:3: StandardInput=socket: nobody hands"),
        (f"{SERVICE}RuntimeDirectory=../x\n", "x.service:3: RuntimeDirectory=../x is no name"),
        (f"{SERVICE}RuntimeDirectory=.\n", "x.service:3: RuntimeDirectory=. is no name"),
        (f"{SERVICE}WorkingDirectory=x\n", "x.service:3: WorkingDirectory=x is no absolute path"),
        (f"{SERVICE}UMask=9\n", "x.service:3: UMask=9 is no number for that"),
        (f"{SERVICE}Nice=1;rm\n", "x.service:3: Nice=1;rm is no number for that"),
        (f"{SERVICE}RemainAfterExit=maybe\n", "x.service:3: RemainAfterExit= can't be read"),
        ("[Service\n", "x.service:1: this begins as the name of a section"),
        ("[Service]\nodd\n", "x.service:2: this is neither a section nor an assignment"),
    ],
)
def test_units_that_are_refused(text: str, said: str, host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(host, tmp_path / "x.service", text)
    assert refusal.value.what.startswith(said)


@pytest.mark.parametrize("kind", ["socket", "timer", "target", "mount", "path"])
def test_units_that_are_no_services(kind: str, host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=rf"x\.{kind} is a"):
        read(host, tmp_path / f"x.{kind}", "[Unit]\n")


def test_a_template_without_an_instance(host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="is a template") as refusal:
        read(host, tmp_path / "x@.service", SERVICE)
    assert "x@INSTANCE.service" in refusal.value.advice[0]


def test_everything_that_is_lost_is_told(host: Host, tmp_path: Path) -> None:
    keys = ("ProtectHome", "MemoryMax", "WatchdogSec", "Odd", "PAMName", "LoadCredential")
    text = SERVICE + "".join(f"{key}=x\n" for key in keys)
    _, lost = read(host, tmp_path / "x.service", text)
    assert [line.split(" ")[:2] for line in lost] == [
        [f"x.service:{number}:", f"{key}="] for number, key in enumerate(keys, 3)
    ]
    assert all(" is left out: " in line for line in lost)


def test_what_systemd_passes_over_is_told(host: Host, tmp_path: Path) -> None:
    text = SERVICE + "Environment=A=1 b c=2\nEnvironment=D=3 E=\\q\nEnvironment=F=%z 'G=4\n"
    found, lost = read(host, tmp_path / "x.service", text)
    variables = {name for name in found[0].contents if name.startswith("env/")}
    assert variables == {"env/A", "env/c", "env/D"}
    assert [line.partition(":")[2].partition(" ")[0] for line in lost] == ["3:", "4:", "5:", "5:"]


def test_variables_that_it_shall_not_have(host: Host, tmp_path: Path) -> None:
    """They are empty files, whatever svscan has."""
    text = SERVICE + "Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=3 X\n"
    found, _ = read(host, tmp_path / "x.service", text)
    data = {name: one.data for name, one in found[0].contents.items() if name.startswith("env/")}
    assert data == {"env/A": b"", "env/X": b"", "env/B": b"2\n", "env/C": b"3\n"}


def test_what_says_nothing_is_passed_over(host: Host, tmp_path: Path) -> None:
    text = "[Unit]\nDescription=x\nDocumentation=man:x\n[Service]\nExecStart=/bin/true\n"
    text += "StandardOutput=journal\nSyslogIdentifier=x\nProtectHome=\n[Install]\nWantedBy=y\n"
    found, lost = read(host, tmp_path / "x.service", text)
    assert lost == []
    assert "# x\n" in text_of(found[0])


def test_comments_stay_comments(host: Host, tmp_path: Path) -> None:
    """A specifier or an escape can't make another line of one."""
    text = "[Unit]\nDescription=a\\\nb\x1b[31m\n" + SERVICE
    found, _ = read(host, tmp_path / "x.service", text)
    assert "# a b\\x1b[31m\n" in text_of(found[0])


def test_later_settings_take_the_place_of_earlier_ones(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "x.service.d"
    folder.mkdir()
    (folder / "b.conf").write_text("[Service]\nExecStart=\nExecStart=/bin/second\nNice=\n")
    (folder / "a.conf").write_text("[Service]\nNice=3\nEnvironment=A=2\n")
    found, lost = read(host, tmp_path / "x.service", SERVICE + "Environment=A=1\n")
    assert "/bin/second\n" in text_of(found[0]) and " -n " not in text_of(found[0])
    assert found[0].contents["env/A"].data == b"2\n"
    assert lost == []


SECTION = "[program:x]\ncommand=/bin/true\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[supervisord]\n", "there is no|has no [program:NAME]"),
        ("[program:x]\nuser=root\n", "x.conf:1: [program:x] has no command="),
        ("[program:x]\ncommand='a\n", "x.conf:2: command= can't be taken apart"),
        (f"{SECTION}user=nosuch\n", "x.conf:3: there is no account nosuch"),
        (f"{SECTION}stopsignal=ODD\n", "x.conf:3: stopsignal='ODD' is no signal"),
        (f"{SECTION}autorestart=perhaps\n", "x.conf:3: autorestart=perhaps is not known"),
        (f"{SECTION}autostart=perhaps\n", "x.conf:3: autostart=perhaps is neither"),
        (f"{SECTION}numprocs=2\n", "x.conf:1: process_name=all 2 are called x"),
        (f"{SECTION}numprocs=100000\n", "x.conf:3: numprocs=100000 is not from 1"),
        (f"{SECTION}environment=A\n", "x.conf:3: environment= can't be read"),
        (f"{SECTION}directory=%(ENV_NO_SUCH)s\n", "x.conf:3: directory= has %(ENV_NO_SUCH)s"),
        (f"{SECTION}directory=/100%\n", "x.conf:3: directory= has a % that begins nothing"),
        ("[program:x]\ncommand=/bin/date +%s\n", "x.conf:2: command= has a % that begins nothing"),
        (f"{SECTION}umask=rw\n", "x.conf:3: umask=rw is no umask"),
        (f"{SECTION}exitcodes=a\n", "x.conf:3: exitcodes=a are no exit statuses"),
        ("[program:a b]\ncommand=/bin/true\n", "'a b' is no name for a service"),
        ("[program:x]\ncommand\n", "x.conf:2: this is neither"),
    ],
)
def test_configurations_that_are_refused(text: str, said: str, host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(host, tmp_path / "x.conf", text, Choices("supervisord", check=False))
    assert any(one in refusal.value.what for one in said.split("|"))


def test_lines_that_are_none_of_a_procfile(host: Host, tmp_path: Path) -> None:
    _, lost = read(host, tmp_path / "Procfile", "# x\n\nweb: a\nodd\n")
    assert lost == ["Procfile:4: this is no line NAME: COMMAND, and is left out"]
    with pytest.raises(Refusal, match="Procfile:2: there is a second web"):
        read(host, tmp_path / "Procfile", "web: a\nweb: b\n")
    with pytest.raises(Refusal, match="has no line NAME: COMMAND"):
        read(host, tmp_path / "Procfile", "odd\n")
    with pytest.raises(Refusal, match="--formation worker=2"):
        read(host, tmp_path / "Procfile", "web: a\n", Choices(formation="worker=2", check=False))


def test_a_formation(host: Host, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=3000\nA='b'\n")
    choices = Choices(formation="all=2,worker=0", check=False)
    found, _ = read(host, tmp_path / "Procfile", "worker: a\nweb: b\n", choices)
    ports = {one.name: one.contents["env/PORT"].data for one in found}
    assert ports == {"web-1": b"3100\n", "web-2": b"3101\n"}
    assert found[0].contents["env/A"].data == b"b\n"
    assert found[0].contents["env/A"].mode == 0o600


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("puma -C x", "exec puma -C x"),
        ("exec puma", "exec puma"),
        ("A=1 B='x y' puma", "exec env A=1 B='x y' puma"),
        ("A=$(id) puma", "A=$(id) puma"),
        ("cd x && puma", "cd x && puma"),
        ("puma | tee log", "puma | tee log"),
        ("if true; then puma; fi", "if true; then puma; fi"),
        ("puma 2>&1", "exec puma 2>&1"),
        ("echo 'a; b'", "exec echo 'a; b'"),
        ('A=b python3 -c "import x; x.y(3)"', 'exec env A=b python3 -c "import x; x.y(3)"'),
        ('echo "it\'s $A; b" c', 'exec echo "it\'s $A; b" c'),
        ('echo "$(a; b)"', 'echo "$(a; b)"'),
        ('echo "`a; b`"', 'echo "`a; b`"'),
        ('echo "a" ; echo "b"', 'echo "a" ; echo "b"'),
        (r"echo it\'s; echo \'", r"echo it\'s; echo \'"),
        ("A=1", "A=1"),
        ("puma 'unclosed", "puma 'unclosed"),
    ],
)
def test_a_shell_that_can_be_replaced(line: str, run: str) -> None:
    from slashservice.installer.converters.shell import replaced

    assert replaced(line) == (run, run.startswith("exec "))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {}\n", "has no services: in it"),
        ("", "is empty"),
        (
            "services:\n  web:\n    command: x\n",
            "compose.yaml:3: web has neither image: nor build:",
        ),
        ("services:\n  web: [\n", "this is no YAML"),
        ("services:\n  web:\n    image: a\n    image: b\n", "compose.yaml:4: image is there twice"),
        ("include: [x]\nservices: {a: {image: b}}\n", "compose.yaml:1: include: other files"),
        ("services:\n  a:\n    extends: b\n    image: c\n", "compose.yaml:3: a: extends: is not"),
        ("services:\n  a:\n    image: ${B\n", "compose.yaml:3: ${B is no variable"),
        (
            "services:\n  a:\n    image: ${B:?say which}\n",
            "compose.yaml:3: B is not set: say which",
        ),
        ("services:\n  a:\n    image: b$\n", "compose.yaml:3: '$' is no variable; $$ is"),
        ("services:\n  a:\n    image: b\n    stop_signal: ODD\n", "compose.yaml:4: a: 'ODD' is no"),
        (
            "services:\n  a:\n    image: b\n    restart: never\n",
            "compose.yaml:4: a: restart: never",
        ),
        ("services:\n  a:\n    image: b\n    env_file: no\n", "compose.yaml:4: a: "),
        ("services:\n  a:\n    image: b\n    secrets: [x]\n", "compose.yaml:4: a: x of secrets"),
        ("a: &a [*a]\nservices: {}\n", "compose.yaml:1: there is too much in it"),
        ("&a : *a\n", "compose.yaml"),
    ],
)
def test_compose_files_that_are_refused(text: str, said: str, host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(host, tmp_path / "compose.yaml", text, Choices(engine="docker", check=False))
    assert said in refusal.value.what


def test_anchors_that_make_much_of_little(host: Host, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(Refusal, match="there is too much in it"):
        read(host, tmp_path / "compose.yaml", "\n".join(lines), Choices(engine="docker"))


def test_no_engine(host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="there is neither podman nor docker"):
        read(host, tmp_path / "compose.yaml", "services: {a: {image: b}}\n")


@pytest.mark.parametrize("text", ["", "odd", "\x7fELF"])
def test_what_can_not_be_told(text: str, host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="what this is can't be told") as refusal:
        read(host, tmp_path / "x", text)
    assert "--from" in refusal.value.advice[0]


def test_files_that_are_none(host: Host, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "x.service")
    (tmp_path / "folder").mkdir()
    (tmp_path / "y.service").write_bytes(b"[Service]\nExecStart=/bin/\xff\n")
    (tmp_path / "z.service").write_bytes(b"#" * (2 << 20))
    for name, said in {
        "x.service": "is no plain file",
        "y.service": "y.service:2: it is no UTF-8",
        "z.service": "has more than 1 MiB",
        "folder": "there is no run in it",
        "nosuch": "No such file",
    }.items():
        with pytest.raises(Refusal, match=said):
            kinds.drawn(host, [str(tmp_path / name)], Choices(), Losses())


def test_two_of_one_name(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x.service").write_text(SERVICE)
    with pytest.raises(Refusal, match="two of these services are called x"):
        kinds.drawn(host, [str(tmp_path / "x.service")] * 2, Choices(check=False), Losses())


def test_a_comment_refuses_nothing(host: Host, tmp_path: Path) -> None:
    text = "[Unit]\nDescription=uses 100% x and %y\nAfter=%!.target %n\n" + SERVICE
    found, lost = read(host, tmp_path / "x.service", text)
    assert "# uses 100% x and %y\n# After: %!.target x.service\n" in text_of(found[0])
    assert lost == []


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("CPUWeight MemoryMax IOWeight TasksMax IOAccounting Slice StartupCPUWeight", "no control"),
        (
            "CPUSchedulingPolicy IOSchedulingClass IOSchedulingPriority CPUAffinity NUMAPolicy",
            "it stays as svscan has it",
        ),
        ("CPUSchedulingPriority MemoryKSM CoredumpFilter TimerSlackNSec", "stays as svscan"),
        ("MemoryDenyWriteExecute ProtectHome MountFlags", "nothing here restricts"),
        ("RestartSteps RestartMaxDelaySec", "the time between two starts stays"),
        ("ReloadSignal", "reload sends HUP"),
        ("LogLevelMax", "all that it says is logged"),
        ("OOMPolicy", "the kernel kills"),
    ],
)
def test_the_reason_is_the_right_one(keys: str, why: str, host: Host, tmp_path: Path) -> None:
    text = SERVICE + "".join(f"{key}=1\n" for key in keys.split())
    _, lost = read(host, tmp_path / "x.service", text)
    assert len(lost) == len(keys.split()) and all(why in line for line in lost), lost


def test_what_reads_its_input(host: Host, tmp_path: Path) -> None:
    """It is a pipe that stays empty there, and is at its end here."""
    text = "".join(
        f"[program:{name}]\ncommand={command}\n"
        for name, command in {"a": "/bin/cat", "b": "cat file", "c": "sh -s", "d": "x"}.items()
    )
    _, lost = read(host, tmp_path / "x.conf", text, Choices("supervisord", check=False))
    assert [line.partition(" ")[0] for line in lost] == ["x.conf:2:", "x.conf:6:"]


@pytest.mark.parametrize(
    ("line", "name", "value", "told"),
    [
        ('D="a\\nb"', "D", "a\nb", ""),
        ('D="a\\\\nb \\"c\\""', "D", 'a\\nb "c"', ""),
        ("D='a\\nb'", "D", "a\\nb", ""),
        ("D=val # c", "D", "val # c", "belong to the value; honcho and foreman differ"),
        ('D="x" # c', "D", '"x" # c', "belong to the value; honcho and foreman differ"),
        ("D=a#b", "D", "a#b", ""),
        ("D = value", "D", "value", "blanks around = do not count"),
        ("D= value", "D", "value", "blanks around = do not count"),
        ("  D=value", "D", "value", "blanks around it do not count"),
        ("D=value  ", "D", "value", "blanks around it do not count"),
        ('D="value  "', "D", "value  ", ""),
        ('export D="x"', "D", None, "this is no line NAME=VALUE, and is left out"),
        ("D", "D", None, "this is no line NAME=VALUE, and is left out"),
        ("D-E=x", "D-E", None, "this is no line NAME=VALUE, and is left out"),
        ("# D=x", "D", None, ""),
        ("   ", "D", None, ""),
    ],
)
def test_variables_beside_a_procfile(
    line: str, name: str, value: str | None, told: str, host: Host, tmp_path: Path
) -> None:
    """What is read otherwise by foreman or honcho is told, and what is left out is, too."""
    (tmp_path / ".env").write_text(f"A=b\n{line}\nC=d\n")
    (found,), lost = read(host, tmp_path / "Procfile", "web: puma\n")
    held = {one: state.data.decode() for one, state in found.contents.items()}
    assert (held["env/A"], held["env/C"]) == ("b\n", "d\n")
    if value is None:
        assert f"env/{name}" not in held
    elif value.endswith(" "):
        assert held["variables"] == f"export {name}='{value}'\n"
    else:
        assert held[f"env/{name}"] == value.replace("\n", "\0") + "\n"
    assert [one for one in lost if not one.startswith(".env:2: ")] == []
    assert len(lost) == bool(told) and all(told in one for one in lost)


def test_a_blank_at_the_end_of_an_odd_variable(host: Host, tmp_path: Path) -> None:
    """Neither envdir nor a shell could hand it on: the engine does, and nothing else can."""
    tree = "services: {a: {image: b, environment: {a.b: 'x ', c: 'y '}}}\n"
    (found,), _ = read(host, tmp_path / "compose.yaml", tree, Choices(engine="docker", check=False))
    assert "'--env=a.b=x ' --env=c " in text_of(found)
    assert text_of(found, "variables") == "export c='y '\n"
    with pytest.raises(Refusal, match=r"x.conf: a.b ends in blanks"):
        read(
            host,
            tmp_path / "x.conf",
            f'{SECTION}environment=a.b="x "\n',
            Choices("supervisord", check=False),
        )


def test_what_is_split_over_files(host: Host, tmp_path: Path) -> None:
    """``%(here)s`` is where the line is that says it; later lines count, wherever they stand."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "1.ini").write_text("[program:a]\ndirectory=%(here)s\numask=002\n[group:g]\n")
    more = "[program:a]\numask=027\nstartsecs=3\n[program:b]\ncommand=%(here)s/b\n"
    (folder / "2.ini").write_text(f"{more}[group:g]\nprograms=a\npriority=3\n[odd:x]\ny=z\n")
    text = "[program:a]\ncommand=%(here)s/a\n[include]\nfiles=%(here)s/conf.d/*.ini\n"
    text += "[supervisord]\nlogfile=/x\nstrip_ansi=true\n[supervisorctl]\nserverurl=x\n"
    choices = Choices("supervisord", check=False)
    found, lost = read(host, tmp_path / "x.conf", text, choices)
    assert [one.name for one in found] == ["a", "b"]
    assert f"exec chpst -C {folder} -M 027 {tmp_path}/a\n" in text_of(found[0])
    assert "# Group: g\n" in text_of(found[0])
    assert f"{folder}/b\n" in text_of(found[1])
    assert [line.partition(" is")[0] for line in lost] == [
        "2.ini:3: startsecs=",
        "x.conf:7: strip_ansi=",
        "2.ini:8: priority=",
        "2.ini:9: [odd:x]",
    ]
    (folder / "2.ini").write_text("[program:a]\nuser=nosuch\n")
    with pytest.raises(Refusal, match=r"^2.ini:2: there is no account nosuch"):
        read(host, tmp_path / "x.conf", text, choices)


def test_units_that_are_masked(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hidden is named; and what hides it, where that is imported itself."""
    folders = [tmp_path / name for name in ("etc", "run", "usr")]
    for one in folders:
        one.mkdir()
    monkeypatch.setattr(unit_file, "FOLDERS", tuple(map(str, folders)))
    etc, run, usr = (one / "x.service" for one in folders)
    etc.symlink_to("/dev/null")
    with pytest.raises(Refusal, match="is masked: systemd starts no such") as refusal:
        kinds.drawn(host, [str(etc)], Choices(), Losses())
    assert refusal.value.advice == ()
    run.touch()
    found, lost = read(host, usr, SERVICE)
    assert found and lost == [f"x.service: systemd has {etc} instead of {usr}, which is masked"]
    for masked in (etc, run):
        with pytest.raises(Refusal, match="is masked") as refusal:
            kinds.drawn(host, [str(masked)], Choices(), Losses())
        assert refusal.value.advice == (f"What it hides: slashservice import {usr}",)
    etc.unlink()
    etc.write_text(SERVICE)
    assert read(host, usr, SERVICE)[1] == [
        f"x.service: systemd has {etc} instead of {usr}, which is not read"
    ]
    assert read(host, etc, SERVICE)[1] == []
