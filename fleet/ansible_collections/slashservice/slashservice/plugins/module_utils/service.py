# Copyright: the slashservice developers
# SPDX-License-Identifier: 0BSD
"""A service of this host: what the module C(service) has the installer do with it."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
import typing as t

from ansible_collections.slashservice.slashservice.plugins.module_utils.installer import (
    DONE,
    WOULD_CHANGE,
    Installer,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OF_LOG = (
    *("log_directory", "log_user", "log_group"),
    *("log_size", "log_number", "log_processor"),
)
"""The parameters of a log."""

IN = 'cd "$0" && exec "$@"'
"""What a shell does to start a program in a directory, given that and the program."""

SHORTEST = 6
"""Characters of a value of ``env`` that is blotted out wherever it appears in what is told.

A shorter one would take ``true`` and numbers with it.
"""


class Service:
    """The service that a run of the module is about, and what is told of it in the end."""

    def __init__(self, module: AnsibleModule, installer: Installer) -> None:
        self.module, self.installer, self.asked = module, installer, module.params
        self.name: str = self.asked["name"]
        self.variables = secrets(module)
        self.actions: list[str] = []
        self.told: dict[str, t.Any] = {}
        self.is_stale = True

    @property
    def elsewhere(self) -> list[str]:
        """The option for the scan directory."""
        directory = self.asked["service_dir"]
        return [f"--service-dir={directory}"] if directory else []

    def look(self) -> dict[str, t.Any] | None:
        """Return what is known of the service, None if it is not there.

        It is looked at once, and again when something was changed.
        """
        if self.is_stale:
            words = ["list", "--json", *self.elsewhere, "--", self.name]
            answer = self.installer.told(*words, good=range(256))
            self.seen: list[dict[str, t.Any]] = answer.get("services") or []
            self.is_stale = False
        return self.seen[0] if self.seen else None

    def do(self, verb: str, *words: str) -> None:
        """Have a verb done, unless this is a check."""
        self.actions.append(verb)
        self.is_stale = True
        if not self.module.check_mode:
            self.installer.run(verb, *words, *self.elsewhere, "--", self.name)

    def make(self) -> None:
        """Make the service, or change it."""
        state, enabled, before = self.asked["state"], self.asked["enabled"], self.look()
        # One that is not to run now is made so that it doesn't, and enabled behind that.
        is_held = before is None and state in ("stopped", "once")
        stays_down = before is not None and before["normally_down"] and enabled is None
        words = ["--update", "--json", *self.elsewhere, *self.options()]
        if enabled is False or is_held or stays_down:
            words.append("--down")
        if self.asked["restart_on_change"] and state in ("started", "present"):
            words.append("--restart")
        if self.module.check_mode:
            words.append("-n")
        with tempfile.TemporaryDirectory(dir=self.module.tmpdir) as folder:
            words += self.from_files(folder)
            words += [self.name, *self.program()]
            self.told = self.installer.told("add", *words, good=(DONE, WOULD_CHANGE))
        self.is_stale = self.told["changed"] or self.told["restarted"]
        is_down = before is not None and before["normally_down"] and not self.has_removed("down")
        if (is_held and enabled is not False) or (enabled and is_down):
            self.do("enable")

    def has_removed(self, name: str) -> bool:
        """Tell whether a file of the service directory was removed."""
        return any(
            os.path.basename(change["path"]) == name and change["what"] == "removed"
            for change in self.told["changes"]
        )

    def options(self) -> list[str]:
        """Return the options of add for what was asked."""
        words = []
        for name in ("user", *OF_LOG):
            value = self.asked[name]
            if value is not None and value != "":
                option = "log" if name == "log_directory" else name.replace("_", "-")
                words.append(f"--{option}={value}")
        for name, value in sorted((self.asked["limits"] or {}).items()):
            words.append(f"--limit={name}={value}")
        if not self.asked["log"]:
            words.append("--no-log")
        if not self.asked["check_program"]:
            words.append("--no-check")
        if self.asked["force"]:
            words.append("--force")
        return words

    def from_files(self, folder: str) -> list[str]:
        """Return the options of add for what stands in files, which are made in a folder."""
        words = []
        if self.variables:
            words.append(f"--env-from={written(folder, 'env', self.variables)}")
        if self.asked["run"]:
            words.append(f"--run={written(folder, 'run', self.asked['run'])}")
        return words

    def program(self) -> list[str]:
        """Return the words of the program, behind those that end the options; none for a script."""
        if self.asked["run"]:
            return []
        argv = self.asked["argv"] or shlex.split(self.asked["command"])
        directory = self.asked["directory"]
        return ["--", *(["/bin/sh", "-c", IN, directory] if directory else []), *argv]

    def steer(self) -> None:
        """Bring the service to the state that was asked for."""
        state, limit = self.asked["state"], f"-w{self.asked['timeout']}"
        is_fresh = bool(self.told.get("created") or self.told.get("restarted"))
        now = self.look()
        if now is None:
            if not self.module.check_mode:
                self.module.fail_json(msg=f"slashservice: there is no service {self.name}")
            now = {"state": "down", "want": "down", "pid": None}
        if state == "started":
            comes_up = self.told.get("created") and self.asked["enabled"] is not False
            if not is_up(now) and not (self.module.check_mode and comes_up):
                self.do("start", limit)
        elif state == "stopped":
            if now["pid"] is not None or now["want"] in ("up", "once"):
                self.do("stop", limit)
        elif state == "once":
            if not (is_up(now) and now["want"] == "once"):
                self.do("once", limit)
        elif state in ("restarted", "reloaded") and not is_fresh:
            self.do("restart" if state == "restarted" else "reload", limit)

    def enable(self) -> None:
        """Have a service that is not described start at boot, or not."""
        enabled, now = self.asked["enabled"], self.look()
        if enabled is None or (now is not None and now["normally_down"] is not enabled):
            return
        self.do("enable" if enabled else "disable")

    def remove(self) -> None:
        """Remove the service, if it is there."""
        kill_after = self.asked["kill_after"]
        words = ["--json", *self.elsewhere]
        words += [] if kill_after is None else [f"--kill-after={kill_after}"]
        words += ["-n"] if self.module.check_mode else []
        told = self.installer.told("remove", *words, self.name, good=(DONE, WOULD_CHANGE))
        if told["changed"]:
            self.actions.append("remove")

    def end(self) -> None:
        """Tell what was done. Ends the module."""
        keys = ("created", "restarted", "restart_due", "changes")
        found = {key: self.told[key] for key in keys if key in self.told}
        service = None if self.module.check_mode else self.look()
        if service is not None:
            found["service"] = service
        text = self.told.get("diff", "") + "".join(f"{one} {self.name}\n" for one in self.actions)
        self.module.exit_json(
            changed=bool(self.told.get("changed") or self.told.get("restarted") or self.actions),
            actions=self.actions,
            diff={"prepared": text},
            **found,
        )


def is_up(now: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a service runs and nothing is wrong with it."""
    return now["state"] in ("running", "starting") and now["want"] in ("up", "once")


def secrets(module: AnsibleModule) -> str:
    """Return the variables as a file has them, and have their values shown nowhere."""
    given = module.params["env"] or {}
    module.params["env"] = dict.fromkeys(given, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
    module.no_log_values = {one for one in module.no_log_values if len(one) >= SHORTEST}
    try:
        return as_file(given)
    except ValueError as error:
        module.fail_json(msg=f"env: {error}")
    return ""


def as_file(variables: t.Mapping[str, object]) -> str:
    """Return variables as ``add --env-from`` reads them; ValueError, with no value, if it can't."""
    lines = []
    for name, value in variables.items():
        text = value if isinstance(value, str) else shown(value)
        if not re.fullmatch("[A-Za-z_0-9]+", name):
            raise ValueError(f"{name!r} is no name for a variable")
        if "\0" in text or any(len(f"{part}.".splitlines()) > 1 for part in text.split("\n")):
            raise ValueError(f"the value of {name} has a character in it that none may have")
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
            text = text.replace(plain, escaped)
        lines.append(f'{name}="{text}"\n')
    return "".join(lines)


def shown(value: object) -> str:
    """Return a value that is no text as YAML writes it."""
    return "" if value is None else json.dumps(value)


def written(folder: str, name: str, text: str) -> str:
    """Write a file that nobody else can read; return its path."""
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
