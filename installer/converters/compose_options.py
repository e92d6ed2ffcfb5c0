"""What a service of a compose file says of its container, as options of podman and docker."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.yaml_tree import Item

FLAGS = {"privileged": "--privileged", "read_only": "--read-only", "init": "--init"}
VALUES = {
    "hostname": "--hostname",
    "domainname": "--domainname",
    "mac_address": "--mac-address",
    "mem_limit": "--memory",
    "mem_reservation": "--memory-reservation",
    "memswap_limit": "--memory-swap",
    "cpus": "--cpus",
    "cpu_shares": "--cpu-shares",
    "cpuset": "--cpuset-cpus",
    "pids_limit": "--pids-limit",
    "shm_size": "--shm-size",
    "user": "--user",
    "working_dir": "--workdir",
    "stop_signal": "--stop-signal",
    "pid": "--pid",
    "ipc": "--ipc",
    "uts": "--uts",
    "userns_mode": "--userns",
    "platform": "--platform",
    "runtime": "--runtime",
    "cgroup_parent": "--cgroup-parent",
    "oom_score_adj": "--oom-score-adj",
}
LISTS = {
    "cap_add": "--cap-add",
    "cap_drop": "--cap-drop",
    "devices": "--device",
    "dns": "--dns",
    "dns_search": "--dns-search",
    "dns_opt": "--dns-option",
    "group_add": "--group-add",
    "security_opt": "--security-opt",
    "tmpfs": "--tmpfs",
    "expose": "--expose",
}
PAIRS = {"labels": "--label", "sysctls": "--sysctl", "annotations": "--annotation"}
REASONS = {
    "healthcheck": "nobody looks at it: write a file check, see service(5)",
    "logging": "what it writes goes to its log here",
    "deploy": "there is one of it, on this host",
    "scale": "there is one of it",
    "profiles": "it is imported all the same",
    "links": "services of one file reach each other by their names",
    "external_links": "containers of others are not looked for",
    "tty": "it has no terminal",
    "stdin_open": "it has no input",
    "attach": "what it writes goes to its log",
    "develop": "nobody looks at what changes",
    "credential_spec": "it is for another system",
}
"""Why parts are left out."""

HERE = {
    *("image", "build", "command", "entrypoint", "environment", "env_file", "restart", "name"),
    *("stop_grace_period", "depends_on", "ports", "volumes", "networks", "network_mode"),
    *("ulimits", "extra_hosts", "secrets", "configs", "pull_policy", "extends", "container_name"),
}
"""Keys that are read elsewhere."""


@dataclass
class Service:
    """A service that is being read: where, what of, and the words for its container."""

    name: str
    file: str
    folder: str
    project: str
    item: Item
    top: Item
    losses: Losses
    words: list[str] = field(default_factory=list)

    def get(self, key: str) -> Item | None:
        """Return what stands under a key; None if there is nothing."""
        found = self.item.mapping.get(key)
        return None if found is None or found.value is None else found

    def where(self, item: Item) -> str:
        """Return where something stands."""
        return f"{self.file}:{item.line}"

    def lost(self, item: Item, what: str) -> None:
        """Note what is otherwise than it was."""
        self.losses.add(self.where(item), f"{self.name}: {what}")

    def path(self, text: str) -> str:
        """Return a path as the host has it, which may be relative to the compose file."""
        return os.path.normpath(os.path.join(self.folder, os.path.expanduser(text)))

    def about(self, kind: str, name: str) -> dict[str, Item]:
        """Return what the file says of a volume, a network, a secret or a configuration."""
        return self.top.mapping.get(kind, Item({}, 0)).mapping.get(name, Item({}, 0)).mapping

    def is_external(self, kind: str, name: str) -> bool:
        """Tell whether it is made by others."""
        return self.about(kind, name).get("external", Item(None, 0)).value is True

    def called(self, kind: str, name: str) -> str:
        """Return how a volume or network is called that the file calls ``name``."""
        about = self.about(kind, name)
        if "name" in about:
            return about["name"].text
        return name if self.is_external(kind, name) else f"{self.project}_{name}"


def add(service: Service) -> None:
    """Add the options to the words of a service."""
    words = service.words
    for key, option in FLAGS.items():
        found = service.get(key)
        words += [option] if found and found.value is True else []
    for key, option in VALUES.items():
        if found := service.get(key):
            words.append(f"{option}={found.text}")
    for key, option in LISTS.items():
        if found := service.get(key):
            words += [f"{option}={one.text}" for one in found.items or [found]]
    for key, option in PAIRS.items():
        if found := service.get(key):
            words += [f"{option}={one}" for one in _pairs(found, "=")]
    if found := service.get("extra_hosts"):
        words += [f"--add-host={one.replace('=', ':', 1)}" for one in _pairs(found, ":")]
    if (found := service.get("pull_policy")) and found.text in ("always", "never", "missing"):
        words.append(f"--pull={found.text}")
    _limits(service)
    _ports(service)
    _volumes(service)
    _files(service)
    _lose(service)


def _pairs(item: Item, between: str) -> list[str]:
    """Return what is a list of pairs, or a mapping."""
    if item.mapping:
        return [f"{key}{between}{one.text}" for key, one in item.mapping.items()]
    return [one.text for one in item.items]


def _limits(service: Service) -> None:
    found = service.get("ulimits")
    for name, one in found.mapping.items() if found else []:
        soft, hard = one.mapping.get("soft", one), one.mapping.get("hard", one)
        service.words.append(f"--ulimit={name}={soft.text}:{hard.text}")


def _ports(service: Service) -> None:
    found = service.get("ports")
    for one in found.items if found else []:
        text = one.text
        if one.mapping:
            parts = {key: value.text for key, value in one.mapping.items()}
            text = parts.get("target", "")
            if "published" in parts:
                text = f"{parts['published']}:{text}"
            if "host_ip" in parts:
                text = f"{parts['host_ip']}:{text}"
            if "protocol" in parts:
                text += f"/{parts['protocol']}"
        if not text:
            raise refused(service.where(one), f"{service.name}: this is no port")
        service.words.append(f"--publish={text}")


def _volumes(service: Service) -> None:
    found = service.get("volumes")
    for one in found.items if found else []:
        if not one.mapping:
            source, colon, rest = one.text.partition(":")
            text = f"{_source(service, source)}:{rest}" if colon else source
            service.words.append(f"--volume={text}")
            continue
        parts = {key: value.text for key, value in one.mapping.items()}
        kind, target = parts.get("type", "volume"), parts.get("target", "")
        if kind == "tmpfs":
            service.words.append(f"--tmpfs={target}")
            continue
        if kind not in ("bind", "volume") or not target:
            raise refused(
                service.where(one), f"{service.name}: no volume of type {kind} can be made"
            )
        ending = ":ro" if parts.get("read_only") == "true" else ""
        source = parts.get("source", "")
        whole = service.path(source) if kind == "bind" else _source(service, source)
        service.words.append(
            f"--volume={whole}:{target}{ending}" if source else f"--volume={target}"
        )


def _source(service: Service, source: str) -> str:
    """Return what a volume is of: a path, or a volume of the project."""
    if source.startswith((".", "/", "~")):
        return service.path(source)
    return service.called("volumes", source)


def _files(service: Service) -> None:
    """Mount the files of secrets and configurations, which compose does, too."""
    for kind, place in (("secrets", "/run/secrets/"), ("configs", "/")):
        found = service.get(kind)
        for one in found.items if found else []:
            name = one.mapping.get("source", one).text
            target = one.mapping.get("target", Item(name, 0)).text
            about = service.about(kind, name)
            if "file" not in about:
                raise refused(
                    service.where(one),
                    f"{service.name}: {name} of {kind} is in no file: it can't be mounted",
                )
            whole = target if target.startswith("/") else place + target
            service.words.append(f"--volume={service.path(about['file'].text)}:{whole}:ro")


def _lose(service: Service) -> None:
    """Note what is left out."""
    known = {*FLAGS, *VALUES, *LISTS, *PAIRS, *HERE}
    for key, one in service.item.mapping.items():
        if key not in known and not key.startswith("x-") and one.value is not None:
            why = REASONS.get(key, "it has no counterpart here")
            service.lost(one, f"{key}: is left out: {why}")
