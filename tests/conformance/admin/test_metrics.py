"""``slashservice metrics`` over live services, as Prometheus' own programs read it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.administration import Administrator
from helpers.processes import kill
from helpers.services import await_pid, status_of
from helpers.tree import Tree
from helpers.waiting import GENEROUS, until
from prometheus_client.parser import text_string_to_metric_families

LOG = "#!/bin/sh\nexec multilog t ./main\n"
PREFIX = "slashservice_"


def read(text: str) -> dict[tuple[str, str], float]:
    """Return the samples by name and service; of the states the one that is true."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            if name != "service_state":
                found[name, sample.labels.get("service", "")] = sample.value
            elif sample.value:
                found[sample.labels["state"], sample.labels["service"]] = 1
    return found


def metrics(admin: Administrator) -> dict[tuple[str, str], float]:
    """Ask for them."""
    said = admin.types("metrics")
    assert (said.status, said.errors) == (0, "")
    return read(said.out)


@pytest.mark.parametrize("supervisor", ["", "/usr/bin/svscan", "/usr/bin/runsvdir"])
def test_under_any_supervisor(tree: Tree, admin: Administrator, supervisor: str) -> None:
    web = tree.add("web", log=LOG)
    tree.add("idle", down=True)
    (tree.scan / "gone").symlink_to("/nowhere")
    if supervisor:
        tree.start([supervisor, str(tree.scan)])
    else:
        tree.svscan()
    pid = await_pid(web)
    await_pid(web / "log")
    until(lambda: (web / "log/main/current").exists(), "its log")
    until(lambda: status_of(tree.real / "idle") is not None, "the other")
    until(lambda: metrics(admin).get(("down", "idle")), "the other")
    found = metrics(admin)
    assert found["services", ""] == 3 and found["missing", "gone"] == 1
    assert found["service_up", "web"] == found["service_up", "web/log"] == 1
    assert found["running", "web"] == 1 and found["service_wanted_up", "web"] == 1
    assert found["service_up", "idle"] == 0 and found["service_normally_down", "idle"] == 1
    assert found["log_bytes", "web"] == 0 and found["log_trouble", "web"] == 0
    assert found["service_attention", "web"] == 0 and found["service_attention", "gone"] == 1
    kill(pid, signal.SIGKILL)
    await_pid(web, pid)
    found = metrics(admin)
    deaths = None if supervisor else 1
    assert found.get(("service_restarts_total", "web")) == deaths
    assert found.get(("service_last_exit_signal", "web")) == (
        None if supervisor else signal.SIGKILL
    )
    assert found["service_uptime_seconds", "web"] >= 0


def test_counters_outlive_svscan(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web")
    svscan = tree.svscan()
    seen = []
    for number in range(1, 4):
        pid = await_pid(web)
        kill(pid, signal.SIGKILL)
        await_pid(web, pid)
        until(lambda n=number: metrics(admin)["service_ends_total", "web"] == n, "its end")  # type: ignore[misc]
        svscan.kill()
        svscan.wait()
        found = metrics(admin)
        seen.append(found["service_restarts_total", "web"])
        assert found["svscan_up", ""] == 0 and found["not supervised", "web"] == 1
        svscan = tree.svscan()
        until(lambda: metrics(admin).get(("running", "web")), "it is adopted")
        seen.append(metrics(admin)["service_restarts_total", "web"])
    assert seen == [1, 1, 2, 2, 3, 3]


@pytest.mark.root
def test_what_is_closed_is_counted(tree: Tree, admin: Administrator) -> None:
    tree.add("web", log=LOG)
    tree.svscan()
    await_pid(tree.real / "web/log")
    words = ["setpriv", "--reuid=nobody", "--clear-groups", *admin.words("metrics")]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=GENEROUS)
    found = read(said.stdout)
    assert found["services_unreadable", ""] == 2 and found["closed", "web"] == 1
    assert ("service_up", "web") not in found and said.stderr == ""


def test_promtool_finds_no_fault(tree: Tree, admin: Administrator) -> None:
    """The linter of Prometheus, whose word on names counts."""
    for name in ("web", 'q"uote', "back\\slash", "ü\udcff", "line\nbreak"):
        path = tree.real / name
        path.mkdir()
        (path / "run").write_text("#!/bin/sh\nexit 1\n")
        (path / "run").chmod(0o755)
        (tree.scan / name).symlink_to(path)
    tree.add("logged", log=LOG)
    tree.svscan()
    until(lambda: metrics(admin).get(("service_ends_total", "web"), 0) > 1, "it died twice")
    said = admin.types("metrics").out
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=said, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reader_never_sees_half_of_a_file(
    tree: Tree, admin: Administrator, tmp_path: Path
) -> None:
    tree.add("web", log=LOG)
    tree.svscan()
    file = tmp_path / "slashservice.prom"
    admin.types("metrics", "--write", file)
    whole = set[bool]()
    over = threading.Event()

    def look() -> None:
        """Read it over and over."""
        while not over.is_set():
            whole.add(b"slashservice_service_attention{" in file.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for _ in range(10):
            assert admin.types("metrics", "--write", file).status == 0
    finally:
        over.set()
        reader.join()
    assert whole == {True} and os.listdir(tmp_path) == ["slashservice.prom"]


@contextmanager
def node_exporter(folder: Path) -> Iterator[str]:
    """Run Debian's node exporter over a folder; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words = [
        "prometheus-node-exporter",
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.kill()
        process.wait()


def fetched(address: str) -> str:
    """Return what an address answers; nothing as long as it doesn't."""
    try:
        with urllib.request.urlopen(address, timeout=GENEROUS) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_node_exporter_hands_it_on(tree: Tree, admin: Administrator, tmp_path: Path) -> None:
    tree.add('q"uote')
    tree.add("web", log=LOG)
    tree.svscan()
    await_pid(tree.real / "web")
    admin.types("metrics", "--write", tmp_path / "slashservice.prom")
    ours = read((tmp_path / "slashservice.prom").read_text())
    with node_exporter(tmp_path) as address:
        until(lambda: "slashservice_service_up" in fetched(address), "its answer")
        text = fetched(address)
    found = read(text)
    assert found["node_textfile_scrape_error", ""] == 0
    assert {key: found.get(key) for key in ours} == pytest.approx(ours)
