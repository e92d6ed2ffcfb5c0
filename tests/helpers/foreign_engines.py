"""Engines of others that steer services, the real ones: Ansible, Puppet and Salt.

Puppet is a Debian package. Ansible and Salt are Python packages with environments of their own,
made once, below ``.venv``. Each runs a list of steps in a machine, in one process, and returns
for each step what it told, and how the service was afterwards.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from helpers.checkout import CHECKOUT
from helpers.sandbox import Sandbox

FOLDER = CHECKOUT / ".venv/foreign"
DONE = "complete"
"""The file in an environment that is written last."""

VENV = ("venv",)
"""The words that make an environment."""

LONG = 600
"""Seconds after which an installation, or what begins the steps, has gone wrong."""

STEP = 60
"""Seconds after which a step has."""

LOOK = "/srv/look"
"""The command of a machine that tells how a service is."""

COLLECTION = "ansible_collections/community/general/"
SALT = "salt>=3006,<3008"
"""3008 has the two modules no more."""


class Step(NamedTuple):
    """What an engine is told to do; first these control letters are written to the service."""

    before: str
    what: dict[str, Any]


class Told(NamedTuple):
    """What an engine told of a step, and how the service was behind it."""

    said: Any
    state: dict[str, Any]


def _run(*words: str | Path, timeout: float = LONG) -> None:
    """Run what installs; fail, with what it says, where it does."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def made(name: str, fill: Callable[[Path, Path], None]) -> Path:
    """Return the interpreter of an environment; make it, also where one was left half made."""
    folder = FOLDER / name
    complete = f"{sys.version}\n"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "bin/python"
        if not (folder / DONE).exists() or (folder / DONE).read_text() != complete:
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", *VENV, folder)
            fill(folder, python)
            (folder / DONE).write_text(complete)
    return python


def _fill_ansible(folder: Path, python: Path) -> None:
    """Install ansible-core, and of the package ansible the one collection: 10 MB, not 500."""
    wheels = folder / "wheels"
    _run(python, "-m", "pip", "download", "-q", "-d", wheels, "--only-binary=:all:", "ansible")
    _run(python, "-m", "pip", "install", "-q", "--no-index", "-f", wheels, "ansible-core")
    (site,) = folder.glob("lib/python*/site-packages")
    (whole,) = wheels.glob("ansible-[0-9]*.whl")
    with zipfile.ZipFile(whole) as opened:
        opened.extractall(site, [one for one in opened.namelist() if one.startswith(COLLECTION)])
    shutil.rmtree(wheels)


def _fill_salt(_folder: Path, python: Path) -> None:
    _run(python, "-m", "pip", "install", "-q", SALT)


def ansible() -> Path:
    """Return the folder of Ansible's commands."""
    return made("ansible", _fill_ansible).parent


def salt() -> Path:
    """Return the folder of Salt's commands."""
    return made("salt", _fill_salt).parent


def _told(answers: Iterable[Any], steps: list[Step]) -> list[Told]:
    told = [Told(said, state) for said, state in answers]
    assert len(told) == len(steps)
    return told


def play(machine: Sandbox, module: str, steps: list[Step]) -> list[Told]:
    """Have ``ansible-playbook`` run a module, a task for each step, and look behind each."""
    tasks: list[dict[str, Any]] = [{"ansible.builtin.raw": "true"}]
    for number, step in enumerate(steps):
        if step.before:  # in one task with the look before
            tasks[-1]["ansible.builtin.raw"] += f"; {LOOK} {step.what['name']} {step.before} >&2"
        tasks.append({module: step.what, "register": f"said_{number}", "ignore_errors": True})
        look = f"{LOOK} {step.what['name']}"
        tasks.append({"ansible.builtin.raw": look, "register": f"state_{number}"})
    pairs = [f"[said_{number}, state_{number}.stdout]" for number in range(len(steps))]
    content = "{{ [" + ", ".join(pairs) + "] | to_json }}"
    tasks.append({"ansible.builtin.copy": {"dest": "/srv/told", "content": content}})
    book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    machine.path("/srv/book.yml").write_text(json.dumps(book))
    words = [
        "env",
        "ANSIBLE_LOCALHOST_WARNING=0",
        "ANSIBLE_PIPELINING=1",
        f"{ansible()}/ansible-playbook",
    ]
    machine.run(*words, "-i", "localhost,", "/srv/book.yml", timeout=LONG + STEP * len(steps))
    answers = json.loads(machine.path("/srv/told").read_text())
    return _told(((said, json.loads(state)) for said, state in answers), steps)


CALLER = """\
import json, subprocess, sys
import salt.client, salt.config
steps, look = json.load(open("/srv/steps")), sys.argv[1:]
options = salt.config.minion_config("/srv/salt/minion")
caller = salt.client.Caller(mopts=options)
def seen(name, *letters):
    return json.loads(subprocess.check_output([*look, name, *letters]))
told = []
for before, what in steps:
    if before:
        seen(what["on"], before)
    try:
        said = caller.cmd(what["call"], *what["words"], **what["options"])
    except Exception as error:
        said = [type(error).__name__, str(error)]
    told.append([said, seen(what["on"])])
json.dump(told, open("/srv/told", "w"))
"""
MINION = """\
file_client: local
root_dir: /srv/salt
enable_fqdns_grains: False
enable_gpu_grains: False
grains_cache: True
master_type: disable
id: here
"""


def call(machine: Sandbox, provider: str, steps: list[Step]) -> list[Told]:
    """Have Salt's own caller, which ``salt-call --local`` is, call functions of its modules."""
    machine.put("/srv/salt/minion", f"{MINION}providers:\n  service: {provider}\n")
    machine.put("/srv/caller", CALLER)
    machine.path("/srv/steps").write_text(json.dumps(steps))
    machine.run(f"{salt()}/python", "/srv/caller", LOOK, timeout=LONG + STEP * len(steps))
    return _told(json.loads(machine.path("/srv/told").read_text()), steps)


APPLIER = """\
require 'json'
require 'open3'
require 'puppet'
Puppet.initialize_settings(['--confdir', '/srv/puppet', '--vardir', '/srv/puppet'])
look = ARGV
seen = lambda do |*words|
  out, done = Open3.capture2(*look, *words)
  raise "no look: #{words}" unless done.success?
  JSON.parse(out)
end
told = JSON.parse(File.read('/srv/steps')).map do |before, what|
  seen.call(what['name'], before) unless before.empty?
  catalog = Puppet::Resource::Catalog.new
  refresh = what.delete('refresh')
  service = Puppet::Type.type(:service).new(what.transform_keys(&:to_sym))
  catalog.add_resource(service)
  if refresh
    cause = Puppet::Type.type(:exec).new(:name => '/bin/true')
    cause[:notify] = service
    catalog.add_resource(cause)
  end
  status = catalog.apply.report.resource_statuses[service.ref]
  events = status.events.map { |one| [one.property, one.status, one.message] }
  said = { 'changed' => status.changed, 'failed' => status.failed, 'events' => events,
           'restarted' => status.restarted }
  [said, seen.call(what['name'])]
end
File.write('/srv/told', JSON.generate(told))
"""


def apply(machine: Sandbox, steps: list[Step]) -> list[Told]:
    """Have Puppet apply a catalogue for each step, with a service, as ``puppet apply`` does."""
    assert shutil.which("puppet"), "puppet is missing: install tests/packages"
    machine.put("/srv/applier", APPLIER)
    machine.path("/srv/puppet").mkdir(exist_ok=True)
    machine.path("/srv/steps").write_text(json.dumps(steps))
    machine.run("ruby", "/srv/applier", LOOK, timeout=LONG + STEP * len(steps))
    return _told(json.loads(machine.path("/srv/told").read_text()), steps)
