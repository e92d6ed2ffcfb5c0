"""Names, files and places that nobody expects: the verbs are right about them, and harmless."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest
from helpers.administration import Administrator, on_screen
from helpers.processes import kill, runs
from helpers.services import await_down, await_pid, is_supervised, pid_of, status_of, write_script
from helpers.tree import ENVIRONMENT, SLEEP, Tree
from helpers.waiting import GENEROUS, until

from slashservice.supervise.platform import processes

LOG = "#!/bin/sh\nexec multilog t ./main\n"
HOSTILE = ["st\x1b[31mub\nX", "-stub", "a b", "$(touch owned)", "*", "'\"\\", "\udcff\udcfe", "ünï"]
STUBBORN = "#!/bin/sh\ntrap '' TERM\n: >ready\nwhile :; do sleep 0.1; done\n"

VERBS = {
    "stop": ["-w", "0"],
    "restart": ["-w", "0"],
    "why": [],
    "disable": [],
    "enable": [],
    "env": [],
    "logs": [],
    "list": [],
    "wait": ["--down", "-t", "0"],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(tree: Tree, admin: Administrator, name: str) -> None:
    """All that is said is harmless to a terminal, and what is advised works as it stands."""
    path = tree.add(name, STUBBORN)
    tree.svscan()
    pid = await_pid(path)
    until(lambda: (path / "ready").exists(), "it is stubborn")
    advice = ""
    for verb, options in VERBS.items():
        said = subprocess.run(
            admin.words(verb, *options, "--", name), capture_output=True, env=ENVIRONMENT
        )
        for text in (said.stdout, said.stderr):
            assert text.decode().replace("\n", "").isprintable(), (verb, text)
            assert b"internal" not in text
        if verb == "stop":
            advice = said.stdout.decode().partition("is to end; ")[2].removesuffix(" ends it\n")
    assert advice.startswith("slashservice kill ")
    command = f'function slashservice {{ {admin.program} "$@"; }}; {advice}'
    subprocess.run(["bash", "-c", command], check=True, env=ENVIRONMENT, capture_output=True)
    assert not runs(pid)
    assert json.loads(admin.types("list", "--json", "--", name).out)["services"][0]["name"] == name


@pytest.mark.parametrize(
    "words",
    [
        ["--service-dir", "\x1b[31m"],
        ["--\x1b[31m"],
        ["\x1b[31m"],
        ["--color=\x1b"],
        ["-s", "\x1b[31m", "x"],
        ["-w", "\x1b", "x"],
    ],
)
@pytest.mark.parametrize("verb", ["list", "stop", "kill", "why", "wait", "env", "edit", "logs"])
def test_any_word(admin: Administrator, verb: str, words: list[str]) -> None:
    done = subprocess.run([admin.program, verb, *words], capture_output=True, env=ENVIRONMENT)
    assert done.returncode in (1, 100, 111)
    assert done.stdout + done.stderr
    assert (done.stdout + done.stderr).decode().replace("\n", "").isprintable()


@pytest.mark.parametrize("how", ["relative", "dot", "SVDIR", "trailing"])
def test_a_relative_scan_directory(tree: Tree, admin: Administrator, how: str) -> None:
    paths = [tree.add(name) for name in ("web", "app")]
    tree.svscan()
    before = [await_pid(path) for path in paths]
    where = {"relative": "services", "dot": ".", "trailing": f"{tree.scan}/", "SVDIR": "services"}
    words = [] if how == "SVDIR" else ["--service-dir", where[how]]
    done = subprocess.run(
        [admin.program, "restart", *words, "web", "app"],
        capture_output=True,
        text=True,
        cwd=tree.scan if how == "dot" else tree.root,
        env={**ENVIRONMENT, **({"SVDIR": where[how]} if how == "SVDIR" else {})},
        timeout=GENEROUS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    after = [pid_of(path) for path in paths]
    assert all(after) and not set(after) & set(before)
    assert all(
        f"(pid {new}, was {old})" in done.stdout for new, old in zip(after, before, strict=True)
    )


def test_by_path_and_by_name(tree: Tree, admin: Administrator) -> None:
    """A service is told once, however often it is named."""
    path = tree.add("web", log=LOG)
    tree.svscan()
    await_pid(path)
    until(lambda: admin.services("web")["web"]["log"]["state"] == "running", "its log runs")
    for word in ("web", str(path), str(tree.scan / "web"), f"{path}/"):
        assert list(admin.services(word)) == ["web"]
        assert admin.types("why", word).lines[0].startswith("web: running")
    for word in ("web/log", f"{path}/log"):
        assert list(admin.services(word)) == ["web/log"]
    said = admin.types("pause", "web", path, tree.scan / "web")
    assert said.lines == [f"web: paused (pid {pid_of(path)})"]
    assert admin.types("cont", path).status == 0


def test_an_unlinked_one_is_found_by_its_name(tree: Tree, admin: Administrator) -> None:
    path = tree.add("old")
    tree.svscan()
    pid = await_pid(path)
    (tree.scan / "old").unlink()
    until(lambda: admin.state("old") == "unlinked", "it is unlinked")
    assert admin.types("stop", "old").out.startswith("old: stopped")
    assert not runs(pid)
    assert admin.types("wait", "--down", "-t", "9", "old").status == 0
    tree.svc("-x", path)


@pytest.mark.parametrize("word", ["", ".", "..", "/tmp"])
@pytest.mark.parametrize("verb", ["disable", "enable", "env", "edit", "stop"])
def test_what_is_no_service_is_left_alone(
    admin: Administrator, tmp_path: Path, verb: str, word: str
) -> None:
    more = ["A=1"] if verb == "env" else []
    done = subprocess.run(
        admin.words(verb, word, *more), cwd=tmp_path, capture_output=True, env=ENVIRONMENT
    )
    assert done.returncode in (1, 100, 111) and done.stderr + done.stdout
    assert b"internal" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_work_is_done_where_nobody_can_be_told(tree: Tree, admin: Administrator) -> None:
    paths = [tree.add(name, down=True) for name in ("a", "b", "c")]
    tree.svscan()
    until(lambda: all(map(status_of, paths)), "they are there")
    with open("/dev/full", "wb") as full:
        for verb, more in (("enable", []), ("start", []), ("env", ["X=1"]), ("stop", [])):
            names = ["a"] if verb == "env" else ["a", "b", "c"]
            done = subprocess.run(
                admin.words(verb, *names, *more), stdout=full, stderr=-1, env=ENVIRONMENT
            )
            assert done.returncode == 0, done.stderr
            assert b"warning: unable to write output: out of disk space; " in done.stderr
        for verb in ("list", "why", "env"):
            done = subprocess.run(admin.words(verb, "a"), stdout=full, stderr=-1, env=ENVIRONMENT)
            assert done.returncode == 111, verb
    assert not any((path / "down").exists() for path in paths)
    assert (paths[0] / "env/X").read_text() == "1\n"
    assert all(pid_of(path) == 0 for path in paths)


def test_a_table_that_services_leave(tree: Tree, admin: Administrator) -> None:
    """They come and go, and their directories change or go as well."""
    kept = tree.add("kept")
    tree.svscan()
    await_pid(kept)
    with subprocess.Popen(
        admin.words("list", "--watch"), stdout=-1, stderr=subprocess.STDOUT, env=ENVIRONMENT
    ) as watch:
        assert watch.stdout
        os.set_blocking(watch.stdout.fileno(), False)
        seen = b""

        def last() -> bytes:
            nonlocal seen
            seen += watch.stdout.read() or b"" if watch.stdout else b""
            return seen.rpartition(b"NAME")[2]

        for turn in range(5):
            names = [f"guest{turn}-{number}" for number in range(8)]
            paths = [tree.add(name) for name in names]
            for path in paths:
                await_pid(path)
            until(lambda: all(os.fsencode(name) in last() for name in names), "they are shown")  # noqa: B023
            for number, path in enumerate(paths):
                (tree.scan / path.name).unlink()
                (path / "touched").touch()
                if number % 2:
                    tree.svc("-dx", path)
            for path in paths[1::2]:
                until(lambda: not is_supervised(path), "it is left alone")  # noqa: B023
                shutil.rmtree(path)
            until(lambda: os.fsencode(names[1]) not in last(), "one is gone", pause=0.1)  # noqa: B023
            for path in paths[::2]:
                tree.svc("-dx", path)
        until(lambda: b"guest" not in last(), "all are gone", pause=0.1)
        assert watch.poll() is None
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(GENEROUS) == 0
    assert b"internal" not in seen


HEALTHY = {
    "cd": "#!/bin/sh\ncd {0}/app\nexec ./server 1000\n",
    "env": "#!/bin/sh\ncd {0}/app\nexec envdir ./env ./server 1000\n",
    "PATH": "#!/bin/sh\nPATH={0}/app:$PATH\nexec server 1000\n",
    "env PATH": "#!/bin/sh\nexec env PATH={0}/app:$PATH server 1000\n",
    "empty": "#!/bin/sh\nexec env - PATH=/bin sleep 1000\n",
    "fallback": "#!/bin/sh\nif [ -x /opt/no ]; then exec /opt/no; else exec sleep 1000; fi\n",
    "case": "#!/bin/sh\ncase x in x) exec sleep 1000;; esac\nexec /opt/never\n",
    "here": "#!/bin/sh\ncat >text <<E\nexec /opt/text\nE\nsleep 1000\n",
    "perl": '#!/usr/bin/perl\nexec "/bin/sleep", "1000";\n',
    "python": '#!/usr/bin/python3\nimport os\nos.execvp("sleep", ["sleep", "1000"])\n',
    "shell": "#!/bin/sh\nsleep 1000\n",
}


def test_the_healthy_are_called_so(tree: Tree, admin: Administrator) -> None:
    app = tree.root / "app"
    (app / "env").mkdir(parents=True)
    shutil.copy("/bin/sleep", app / "server")
    paths = {}
    for name, script in HEALTHY.items():
        paths[name] = tree.add(name, script.format(tree.root))
    tree.svscan()
    for path in paths.values():
        await_pid(path)
    assert all(one["state"] == "running" for one in admin.services().values())
    said = admin.types("why", *paths)
    assert said.status == 0, said.out
    assert said.out.count("nothing is wrong with it that can be seen") == len(paths), said.out
    for _ in range(3):  # by hand, which is nobody's fault
        assert admin.types("restart", "shell", "perl").status == 0
    said = admin.types("why", *paths)
    assert said.status == 0 and "somebody" not in said.out


@pytest.mark.parametrize("supervisor", ["/usr/bin/svscan", "/usr/bin/runsvdir"])
def test_the_healthy_of_other_supervisors(
    tree: Tree, admin: Administrator, supervisor: str
) -> None:
    path = tree.add("web")
    tree.start([supervisor, str(tree.scan)])
    await_pid(path)
    said = admin.types("list")
    assert (said.status, said.errors) == (0, "")
    said = admin.types("why", "web")
    assert said.status == 0 and "another program does that" in said.out


SAYS = "#!/bin/sh\nexec 2>&1\necho '{}'\nexit 1\n"
LINES = [
    "2026-11-28 14:12:05 bind() to 0.0.0.0:{} failed (98: Address already in use)",
    "nginx: [emerg] bind() to [::1]:{} failed (98: Address already in use)",
    "bind to port {} on 127.0.0.1 failed: Address already in use.",
    "Error: listen EADDRINUSE: address already in use :::{}",
    "OSError: [Errno 98] Address already in use: localhost:{}",
    "12:00:01 cannot listen on *:{}, address in use",
]


@pytest.mark.parametrize("line", LINES)
def test_a_port_is_found_in_any_words(tree: Tree, admin: Administrator, line: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = tree.add("it", SAYS.format(line.format(port)), log=LOG)
        tree.svscan()
        current = path / "log/main/current"
        until(lambda: current.exists() and current.stat().st_size > 200, "it has said why")
        until(lambda: admin.state("it") == "failing", "it fails")
        said = admin.types("why", "it")
        held = [text for text in said.lines if " is held by " in text]
        assert len(held) == 1 and f"port {port} is held by" in held[0], said.out


def test_what_waits_for_its_check_is_not_to_be_killed(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    write_script(path / "check", "#!/bin/sh\nexit 1\n")
    tree.svscan()
    before = await_pid(path)
    said = admin.types("restart", "-w", "5", "web")  # it starts after a second, if not later
    assert said.status == 1 and "kill" not in said.out
    now = await_pid(path, other_than=before)
    still = rf"web: runs \(pid {now}\), but after \d+ s its check script still says no"
    assert re.search(still, said.out)


class TestVariables:
    """Whatever is in the folder ``env``."""

    def test_what_is_no_file(self, tree: Tree, admin: Administrator) -> None:
        path = tree.make("web")
        (tree.scan / "web").symlink_to(path)
        (path / "env").mkdir()
        (path / "env/A").write_text("1\n")
        (path / "env/EMPTY").touch()
        os.mkfifo(path / "env/PIPE")
        said = admin.types("env", "web")
        assert said.out == "A=1\n"
        (path / "env/DIR").mkdir()
        said = admin.types("env", "web")
        assert said.status == 111 and "unable to read " in said.errors
        assert said.errors.count(f"{path.name}/env/DIR: is a directory") == 1

    def test_no_service(self, admin: Administrator) -> None:
        said = admin.types("env", "nosuch")
        assert said.status == 111 and "there is no service directory" in said.errors


class TestEditing:
    """Whatever the editor does, and others meanwhile."""

    EDITORS: ClassVar = {
        "removes it": 'rm "$1"; true',
        "a directory": 'rm "$1"; mkdir "$1"; true',
        "empties it": ': >"$1"',
        "killed": 'echo x >>"$1"; kill -9 $$',
        "not there": "/no/such/editor",
        "nothing": "true",
    }

    @pytest.mark.parametrize("kind", EDITORS)
    def test_editors(self, tree: Tree, admin: Administrator, tmp_path: Path, kind: str) -> None:
        path = tree.make("web")
        (tree.scan / "web").symlink_to(path)
        write_script(tmp_path / "editor", f"#!/bin/sh\n{self.EDITORS[kind]}\n")
        editor = str(tmp_path / "editor") if kind != "not there" else self.EDITORS[kind]
        said = admin.types("edit", "web", VISUAL=editor, TMPDIR=str(tmp_path / "."))
        assert "internal" not in said.errors
        assert (path / "run").read_text() == SLEEP
        assert said.status == (0 if kind == "nothing" else 1)
        kept = [one for one in tmp_path.iterdir() if one.name.startswith("slashservice-edit-")]
        assert ("is kept" in said.errors) == bool(kept) == (kind == "killed")

    def test_somebody_else_was_faster(
        self, tree: Tree, admin: Administrator, tmp_path: Path
    ) -> None:
        path = tree.make("web")
        (tree.scan / "web").symlink_to(path)
        theirs = "#!/bin/sh\n# theirs\n"
        write_script(tmp_path / "theirs", theirs)
        write_script(
            tmp_path / "editor",
            f'#!/bin/sh\necho "# mine" >>"$1"\ncp {tmp_path}/theirs {path}/run\n',
        )
        said = admin.types("edit", "web", VISUAL=str(tmp_path / "editor"), TMPDIR=str(tmp_path))
        assert said.status == 1 and "somebody else has changed it meanwhile" in said.errors
        assert "is kept in " in said.errors
        assert (path / "run").read_text() == theirs

    def test_a_link_stays_one(self, tree: Tree, admin: Administrator, tmp_path: Path) -> None:
        path = tree.make("web")
        (tree.scan / "web").symlink_to(path)
        (path / "run").rename(tmp_path / "common")
        (path / "run").symlink_to(tmp_path / "common")
        write_script(tmp_path / "editor", '#!/bin/sh\necho "# mine" >>"$1"\n')
        assert admin.types("edit", "web", VISUAL=str(tmp_path / "editor")).status == 0
        assert (path / "run").is_symlink()
        assert (tmp_path / "common").read_text() == SLEEP + "# mine\n"

    @pytest.mark.parametrize(
        ("file", "mode"), [("env/KEY", 0o600), ("finish", 0o755), ("notes", 0o644)]
    )
    def test_modes(
        self, tree: Tree, admin: Administrator, tmp_path: Path, file: str, mode: int
    ) -> None:
        path = tree.make("web")
        (tree.scan / "web").symlink_to(path)
        (path / "env").mkdir()
        write_script(tmp_path / "editor", '#!/bin/sh\necho "#!/bin/sh" >>"$1"\n')
        assert admin.types("edit", "web", file, VISUAL=str(tmp_path / "editor")).status == 0
        assert (path / file).stat().st_mode & 0o777 == mode


def test_the_screen_has_harmless_names(tree: Tree, admin: Administrator) -> None:
    path = tree.add(HOSTILE[0])
    tree.svscan()
    pid = await_pid(path)
    shown = on_screen(admin.words("list"), 80)
    assert r"st\x1b[31mub\nX" in shown
    kill(pid, signal.SIGTERM)
    tree.svc("-d", path)
    await_down(path)


@pytest.mark.root
def test_what_nobody_may_know_is_not_waited_for(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    tree.svscan()
    await_pid(path)
    for folder in (tree.root, *tree.root.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            pytest.skip(f"{folder} is closed to other accounts")
    words = ["setpriv", "--reuid=65534", "--clear-groups", *admin.words("wait", "web")]
    done = subprocess.run(words, capture_output=True, env=ENVIRONMENT, timeout=GENEROUS, cwd="/")
    assert (done.returncode, done.stdout) == (111, b"")
    assert b"how web is can't be told: access denied" in done.stderr


def is_watching(pid: int) -> bool:
    """Tell whether a process is told of changes by the kernel."""
    return any(b"inotify" in one for one in processes.opened(pid) or ())


def test_what_is_gone_is_down(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    tree.svscan()
    await_pid(path)
    with subprocess.Popen(admin.words("wait", "--down", "web"), env=ENVIRONMENT) as waiting:
        until(lambda: is_watching(waiting.pid), "it waits")
        (tree.scan / "web").unlink()
        tree.svc("-dx", path)
        until(lambda: not is_supervised(path), "it is left alone")
        shutil.rmtree(path)
        assert waiting.wait(GENEROUS) == 0


def test_a_hosted_log_keeps_its_process(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web", log=f"#!/bin/sh\nexec {tree.commands}/multilog t ./main\n")
    tree.svscan()
    pid = await_pid(path / "log")
    assert b"loghost" in Path(f"/proc/{pid}/cmdline").read_bytes()
    said = admin.types("restart", "web/log")
    assert said.status == 0 and "was" not in said.out
    assert re.fullmatch(rf"web/log: restarted \(pid {pid}\) after \S+ s\n", said.out), said.out
    said = admin.types("stop", "web/log")
    assert said.status == 0 and "still run" not in said.out


def test_an_empty_tree(tree: Tree, admin: Administrator) -> None:
    tree.svscan()
    until(lambda: admin.types("list").status == 0, "svscan is there")
    assert admin.types("list").errors == f"slashservice: there are no services in {tree.scan}\n"


def test_a_script_of_the_future_was_not_changed(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    os.utime(path / "run", (2**32, 2**32))
    tree.svscan()
    await_pid(path)
    assert "changed" not in admin.types("why", "web").out
