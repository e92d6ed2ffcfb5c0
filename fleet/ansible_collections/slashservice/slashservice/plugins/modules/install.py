#!/usr/bin/python
# Copyright: the slashservice developers
# SPDX-License-Identifier: 0BSD
"""Install slashservice on a host, or take it away: by its own installer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: install
short_description: Install slashservice, or take it away
description:
  - Has the installer of slashservice put the code in place and wire C(svscan) into the init system
    that runs the host, or undo that.
  - The installer finds out what is to be done and does it. If any step fails, all before it are
    undone. A run that was interrupted is finished by the next one.
  - Another version replaces the code, and no service restarts.
version_added: 0.1.0
author:
  - The slashservice developers (!UNKNOWN)
options:
  state:
    description:
      - V(present) installs it, brings it to the version of the O(source), or finds nothing to do.
      - V(absent) stops the services and brings the host back to what it was. The services and their
        logs are kept.
    type: str
    choices: [present, absent]
    default: present
  source:
    description:
      - What to install from, a path on the host. A directory is a tree of slashservice, with its
        script C(install); a file is the zipapp C(slashservice.pyz).
      - Without it, what is installed on the host already is put in order.
    type: path
  init:
    description: The init system, where the installer is not to find that out, such as V(systemd).
    type: str
  layout:
    description:
      - Where the code goes. V(slashpackage) is C(/package), and V(fhs) is C(/usr/local).
      - Without it, it stays where it is, or goes where the installer finds it best.
    type: str
    choices: [slashpackage, fhs]
  service_dir:
    description: The scan directory, if it is not to be C(/service).
    type: path
  python:
    description: The interpreter that the supervisor of the services uses.
    type: path
  start:
    description:
      - Whether C(svscan) is started now.
      - What was chosen stays chosen while this is not set; at first it is started.
    type: bool
  enable:
    description:
      - Whether C(svscan) starts when the host boots.
      - What was chosen stays chosen while this is not set; at first it is enabled.
    type: bool
  replace:
    description: Whether it takes the place of another C(svscan), or of C(runsvdir).
    type: bool
    default: false
  force:
    description:
      - Whether a file is overwritten in place where it can't be replaced in one step, and any
        directory is taken for the scan directory.
    type: bool
    default: false
requirements:
  - Python 3.10 or later on the host
notes:
  - The module needs to be root on the host, so C(become) where another account logs in.
attributes:
  check_mode:
    description: Says what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Says what is done, with every difference to a file.
    support: full
seealso:
  - module: slashservice.slashservice.service
"""

EXAMPLES = r"""
- name: Install slashservice from a tree that is on the host
  slashservice.slashservice.install:
    source: /usr/local/src/slashservice

- name: Install it from the one file, for another scan directory
  slashservice.slashservice.install:
    source: /usr/local/src/slashservice.pyz
    service_dir: /etc/service
    layout: fhs

- name: Take it away, and keep the services
  slashservice.slashservice.install:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be, a line for each step.
  returned: always
  type: list
  elements: str
  sample: ["put the code in place", "start svscan"]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slashservice.slashservice.plugins.module_utils.installer import (
    DONE,
    WOULD_CHANGE,
    Installer,
    at,
    installed,
    need_python,
)

NAMED = ("init", "layout", "service_dir", "python")
CHOSEN = ("start", "enable")
ASKED = ("replace", "force")

PARAMETERS: dict[str, dict[str, t.Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "source": {"type": "path"},
    "init": {"type": "str"},
    "layout": {"type": "str", "choices": ["slashpackage", "fhs"]},
    "service_dir": {"type": "path"},
    "python": {"type": "path"},
    "start": {"type": "bool"},
    "enable": {"type": "bool"},
    "replace": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}


def options(asked: t.Mapping[str, t.Any]) -> list[str]:
    """Return the options of the installer for what was asked of the module."""
    given = [name for name in NAMED if asked[name]]
    chosen = [name for name in CHOSEN if asked[name] is not None]
    return [
        *(f"--{name.replace('_', '-')}={asked[name]}" for name in given),
        *(f"--{name}" if asked[name] else f"--no-{name}" for name in chosen),
        *(f"--{name}" for name in ASKED if asked[name]),
    ]


def actions(said: str) -> list[str]:
    """Return the steps that a dry run tells, without the differences that stand below them."""
    lines = said.splitlines()
    return [line[len("would ") :] for line in lines if line.startswith("would ")]


def difference(said: str) -> dict[str, str]:
    """Return what a dry run told, as Ansible shows it: without what is true of any run."""
    always = ("init system: ", "interpreter: ")
    lines = [line for line in said.splitlines() if not line.startswith(always)]
    return {"prepared": "".join(f"{line}\n" for line in lines)}


def bring(module: AnsibleModule, one: Installer, verb: str, words: t.Sequence[str]) -> None:
    """Look what a verb would do, and unless this is a check, have it done. Ends the module."""
    foreseen = one.run(verb, "-n", *words, good=(DONE, WOULD_CHANGE))
    if foreseen.status == DONE:
        module.exit_json(changed=False, actions=[])
    if not module.check_mode:
        one.run(verb, *words)
    found = {"actions": actions(foreseen.out), "diff": difference(foreseen.out)}
    module.exit_json(changed=True, **found)


def main() -> None:
    """Be the module."""
    module = AnsibleModule(argument_spec=PARAMETERS, supports_check_mode=True)
    need_python(module)
    asked = module.params
    here = installed(module)
    if asked["state"] == "absent":
        if here is not None:
            bring(module, here, "uninstall", [])
        module.exit_json(changed=False, actions=[])
    elif asked["source"]:
        bring(module, at(module, asked["source"]), "install", options(asked))
    elif here is not None:
        bring(module, here, "install", options(asked))
    else:
        module.fail_json(msg="slashservice is not on this host: name what it is installed from")


if __name__ == "__main__":
    main()
