"""What a service of a compose file says of its container, as options of podman and docker."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from slashservice.installer.converters.compose_keys import (
    FLAGS,
    LISTS,
    OPTIONS_OF_PAIRS,
    VALUES,
    look_at_service,
)
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.yaml_tree import Item

PULLS = {
    **{word: word for word in ("always", "never", "missing")},
    "if_not_present": "missing",
}
NONE = Item(None, 0)
DEVICE = ("source", "target", "permissions")
RESOURCES = {
    ("limits", "cpus"): "cpus",
    ("limits", "memory"): "mem_limit",
    ("limits", "pids"): "pids_limit",
    ("reservations", "memory"): "mem_reservation",
}
"""What ``deploy`` has in other words than the service."""


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
    volumes: list[str] = field(default_factory=list)
    """Those of the project that it has, by the names that the file has for them."""

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
        found = self.about(kind, name).get("external", NONE)
        return bool(found.mapping) or self.is_set(found, "external")

    def called(self, kind: str, name: str) -> str:
        """Return how a volume or network is called that the file calls ``name``."""
        about = self.about(kind, name)
        for one in (about, about.get("external", NONE).mapping):
            if "name" in one:
                return one["name"].text
        return name if self.is_external(kind, name) else f"{self.project}_{name}"

    def is_set(self, item: Item, key: str) -> bool:
        """Return a value that is true or false, which may be a word in quotes."""
        if item.value is None or item.text.lower() in ("true", "false"):
            return item.text.lower() == "true"
        raise refused(
            self.where(item), f"{self.name}: {key}: {item.text} is neither true nor false"
        )

    def container(self, name: str) -> str:
        """Return how the container of another service is called."""
        own = self.about("services", name).get("container_name")
        return own.text if own else f"{self.project}-{name}"

    def space(self, text: str) -> str:
        """Return whose network or processes are meant: those of a service are its container's."""
        kind, colon, other = text.partition(":")
        return f"container:{self.container(other)}" if kind == "service" and colon else text


def add(service: Service) -> None:
    """Add the options to the words of a service."""
    words = service.words
    for key, option in FLAGS.items():
        found = service.get(key)
        words += [option] if found and service.is_set(found, key) else []
    for key, option in VALUES.items():
        if found := service.get(key):
            words.append(f"{option}={service.space(found.text)}")
    for key, option in LISTS.items():
        if found := service.get(key):
            words += [f"{option}={_listed(one)}" for one in found.items or [found]]
    for key, option in OPTIONS_OF_PAIRS.items():
        if found := service.get(key):
            words += [f"{option}={one}" for one in pairs(found, "=")]
    if found := service.get("extra_hosts"):
        words += [f"--add-host={one.replace('=', ':', 1)}" for one in pairs(found, ":")]
    if found := service.get("pull_policy"):
        if found.text in PULLS:
            words.append(f"--pull={PULLS[found.text]}")
        else:
            service.lost(found, f"pull_policy: {found.text} is left out: it is not done here")
    _limits(service)
    _ports(service)
    _volumes(service)
    _files(service)
    _links(service)
    _resources(service)
    look_at_service(service.file, service.name, service.item, service.losses)


def pairs(item: Item, between: str) -> list[str]:
    """Return what is a list of pairs, or a mapping."""
    if item.mapping:
        return [
            f"{key}{between}{one.text}"
            for key, value in item.mapping.items()
            for one in value.items or [value]
        ]
    return [one.text for one in item.items]


def _listed(item: Item) -> str:
    """Return one of a list, which may be a device in parts."""
    parts = [item.mapping.get(key, NONE).text for key in DEVICE]
    return ":".join(filter(None, parts)) if item.mapping else item.text


def _links(service: Service) -> None:
    """Other names for services: a network has no names that only one of its members knows."""
    found = service.get("links")
    for one in found.items if found else []:
        name, _, alias = one.text.partition(":")
        if alias and alias != name:
            service.lost(
                one,
                f"links: {name} is not known as {alias}: under {name}, "
                f"networks: {{default: {{aliases: [{alias}]}}}} does that",
            )


def _resources(service: Service) -> None:
    """Add what ``deploy`` says of one container, unless the service itself says it."""
    for (kind, key), same in RESOURCES.items():
        found = service.get("deploy")
        for part in ("resources", kind, key):
            found = found.mapping.get(part) if found else None
        if found and found.value is not None and not service.get(same):
            service.words.append(f"{VALUES[same]}={found.text}")


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
        inside = {name: parts_of.mapping for name, parts_of in one.mapping.items()}
        if kind == "tmpfs" and target:
            service.words.append(f"--tmpfs={_with(target, _memory(inside.get(kind, {})))}")
            continue
        if kind not in ("bind", "volume") or not target:
            raise refused(
                service.where(one), f"{service.name}: no volume of type {kind} can be made"
            )
        source = parts.get("source", "")
        whole = service.path(source) if kind == "bind" else _source(service, source)
        options = ["ro"] if service.is_set(one.mapping.get("read_only", NONE), "read_only") else []
        options += [
            inside[kind][key].text
            for key in ("propagation", "selinux")
            if key in inside.get(kind, {})
        ]
        if service.is_set(inside.get(kind, {}).get("nocopy", NONE), "nocopy"):
            options.append("nocopy")
        service.words.append(
            f"--volume={_with(f'{whole}:{target}' if source else target, options)}"
        )


def _with(text: str, options: list[str]) -> str:
    """Return a place with options behind it."""
    return f"{text}:{','.join(options)}" if options else text


def _memory(parts: dict[str, Item]) -> list[str]:
    """Return the options of a file system in memory."""
    return [f"{key}={parts[key].text}" for key in ("size", "mode") if key in parts]


def _source(service: Service, source: str) -> str:
    """Return what a volume is of: a path, or a volume of the project."""
    if source.startswith((".", "/", "~")):
        return service.path(source)
    if source and source not in service.volumes:
        service.volumes.append(source)
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
