#!/usr/bin/python
# Copyright: the slashservice developers
# SPDX-License-Identifier: 0BSD
"""Make, change, steer and remove a service of slashservice: by its own commands."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service
short_description: Make, change, steer and remove a service of slashservice
description:
  - Has C(slashservice add --update) make a service, or change it to what is asked for, and other
    verbs start, stop, restart, reload or remove it.
  - Without O(command), O(argv) and O(run) a service that is there is steered as it is, whoever made
    it.
version_added: 0.1.0
author:
  - The slashservice developers (!UNKNOWN)
options:
  name:
    description: What the service is called.
    type: str
    required: true
  state:
    description:
      - V(started), V(stopped), V(once) - it is so, or is brought there. With V(once) it is not
        started again when it ends.
      - V(restarted), V(reloaded) - it is restarted, or gets HUP, in every run.
      - V(present) - it is there, and starts when it is made; whether it runs later is left alone.
      - V(absent) - it is stopped, its log reads to the end, and its directory is removed. What it
        has logged is kept.
    type: str
    choices: [started, stopped, restarted, reloaded, once, present, absent]
    default: started
  command:
    description:
      - The program that it runs, with its arguments, as a shell would take them apart. No shell
        runs it.
    type: str
  argv:
    description: The same as a list of words.
    type: list
    elements: str
  run:
    description:
      - The text of a run script of your own, with its C(#!) line. It does all by itself, so
        O(user), O(directory), O(env) and O(limits) can't be given with it.
    type: str
  user:
    description: The account that it runs as. Without one it runs as root.
    type: str
  directory:
    description: The directory in which it is started. The account must be able to enter it.
    type: path
  env:
    description:
      - Variables for its environment, by name. They are kept in files that only root can read, and
        neither the values nor their changes are shown.
    type: dict
  limits:
    description:
      - Limits for it, by name, in the units of C(softlimit). The names are those of
        C(slashservice add --limit), such as V(memory) and V(files).
    type: dict
  log:
    description: Whether what it prints is logged. The other parameters of the log need that.
    type: bool
    default: true
  log_directory:
    description: The log directory, if it is not to be C(/var/log/slashservice/NAME).
    type: path
  log_user:
    description: The account that writes the log.
    type: str
  log_group:
    description: A group whose accounts may read the log.
    type: str
  log_size:
    description: How many bytes a file of the log may have; 1000000 without it.
    type: int
  log_number:
    description: How many files of the log are kept; 10 without it.
    type: int
  log_processor:
    description:
      - What each full file of the log goes through. V(gzip) and V(zstd) need no shell, and any
        other command has one.
    type: str
  enabled:
    description:
      - Whether it starts when the machine starts.
      - Without it that is left as it is, and is so for a service that is made.
    type: bool
  restart_on_change:
    description:
      - Whether it is restarted when what it runs was changed, where O(state) is V(started) or
        V(present). One whose restart is due since an earlier run is restarted, too.
    type: bool
    default: true
  check_program:
    description: Whether the program must be there, and the account be able to run it.
    type: bool
    default: true
  service_dir:
    description: The scan directory, if it is not the one that slashservice was installed for.
    type: path
  timeout:
    description: How many seconds starting, stopping and restarting may take.
    type: int
    default: 30
  kill_after:
    description: How many seconds after TERM a service that is removed gets KILL.
    type: int
  force:
    description: Whether a file that somebody has edited since it was made is overwritten.
    type: bool
    default: false
requirements:
  - slashservice on the host, and so Python 3.10 or later
notes:
  - The module needs to be root on the host, so C(become) where another account logs in.
  - Where slashservice is not installed, the module fails, but in check mode tells that it would
    make the service, as an earlier task may be what installs it.
attributes:
  check_mode:
    description: Says what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Shows every difference to a file, but for the values of variables.
    support: full
seealso:
  - module: slashservice.slashservice.install
"""

EXAMPLES = r"""
- name: Have a service, with a log
  slashservice.slashservice.service:
    name: web
    command: /usr/local/bin/web --port 8000
    user: www-data
    directory: /srv/web
    env:
      TOKEN: "{{ web_token }}"

- name: Have one with a run script of its own
  slashservice.slashservice.service:
    name: queue
    run: |
      #!/bin/sh
      exec 2>&1
      slashservice wait --ready redis
      exec setuidgid queue /usr/local/bin/queue

- name: Have one that logs elsewhere, and is started by hand
  slashservice.slashservice.service:
    name: import
    argv: [/usr/local/bin/import, --from, "the other host"]
    log_directory: /srv/logs/import
    log_group: adm
    enabled: false
    state: stopped

- name: Have it read its configuration again
  slashservice.slashservice.service:
    name: web
    state: reloaded

- name: Remove it
  slashservice.slashservice.service:
    name: web
    state: absent
"""

RETURN = r"""
created:
  description: Whether the service was made.
  returned: where a service is described
  type: bool
restarted:
  description: Whether it was restarted since what it runs was changed.
  returned: where a service is described
  type: bool
restart_due:
  description: Whether it still runs what it ran before, as it was not to be restarted.
  returned: where a service is described
  type: bool
changes:
  description: The files that were changed, each with what became of it.
  returned: where a service is described
  type: list
  elements: dict
  sample: [{"path": "/etc/slashservice/web/run", "what": "changed"}]
actions:
  description: The verbs that were called besides, or would be.
  returned: success
  type: list
  elements: str
  sample: ["start"]
service:
  description: The service as C(slashservice list --json) tells it.
  returned: where it is there, and not in check mode
  type: dict
"""

import shlex
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slashservice.slashservice.plugins.module_utils.installer import (
    installed,
    need_python,
)
from ansible_collections.slashservice.slashservice.plugins.module_utils.service import (
    OF_LOG,
    Service,
    secrets,
)

STATES = ("started", "stopped", "restarted", "reloaded", "once", "present", "absent")
NOT_WITH_RUN = ("user", "directory", "env", "limits")
PARAMETERS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": list(STATES), "default": "started"},
    "command": {"type": "str"},
    "argv": {"type": "list", "elements": "str"},
    "run": {"type": "str"},
    "user": {"type": "str"},
    "directory": {"type": "path"},
    "env": {"type": "dict", "no_log": True},
    "limits": {"type": "dict"},
    "log": {"type": "bool", "default": True},
    "log_directory": {"type": "path"},
    "log_user": {"type": "str"},
    "log_group": {"type": "str"},
    "log_size": {"type": "int"},
    "log_number": {"type": "int"},
    "log_processor": {"type": "str"},
    "enabled": {"type": "bool"},
    "restart_on_change": {"type": "bool", "default": True},
    "check_program": {"type": "bool", "default": True},
    "service_dir": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
    "kill_after": {"type": "int"},
    "force": {"type": "bool", "default": False},
}
EITHER = ("command", "argv", "run")


def check(module: AnsibleModule) -> None:
    """Fail the module where what was asked for makes no sense together."""
    asked = module.params
    for name in EITHER:
        if asked[name] is not None and not asked[name]:
            module.fail_json(msg=f"{name}: it is empty")
    if asked["command"]:
        try:
            shlex.split(asked["command"])
        except ValueError as error:
            module.fail_json(msg=f"command: {error}: {asked['command']}")
    if asked["run"]:
        for name in NOT_WITH_RUN:
            if asked[name]:
                module.fail_json(msg=f"{name} is for a command: the script of run does that itself")
        if not asked["run"].startswith("#!"):
            module.fail_json(msg="run: the first line of a script begins with #!")
    for name in OF_LOG:
        if asked[name] and not asked["log"]:
            module.fail_json(msg=f"{name} is for a log, and log is false")
    for name in ("timeout", "kill_after"):
        if asked[name] is not None and asked[name] < 0:
            module.fail_json(msg=f"{name}: {asked[name]} is no number of seconds")
    if not any(asked[name] for name in EITHER):
        for name in (*NOT_WITH_RUN, *OF_LOG):
            if asked[name]:
                module.fail_json(msg=f"{name} is for a service that is described: give its command")


def without(module: AnsibleModule) -> None:
    """Do what can be done where slashservice is not installed. Ends the module."""
    secrets(module)
    if module.params["state"] == "absent":
        module.exit_json(changed=False, actions=[])
    if module.check_mode:
        module.warn("slashservice is not installed on this host yet")
        module.exit_json(changed=True, actions=[])
    module.fail_json(
        msg="slashservice is not installed on this host: "
        "have the role slashservice.slashservice.slashservice do that first"
    )


def main() -> None:
    """Be the module."""
    module = AnsibleModule(
        argument_spec=PARAMETERS, supports_check_mode=True, mutually_exclusive=[EITHER]
    )
    need_python(module)
    check(module)
    installer = installed(module)
    if installer is None:
        without(module)
    else:
        service = Service(module, installer)
        if module.params["state"] == "absent":
            service.remove()
        else:
            if any(module.params[name] for name in EITHER):
                service.make()
            else:
                service.enable()
            service.steer()
        service.end()


if __name__ == "__main__":
    main()
