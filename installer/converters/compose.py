"""Read a ``compose.yaml``: each of its services becomes one that runs a container.

An image can't be run without a container engine. So the run script runs ``podman run`` or
``docker run`` in the foreground, with the options that the file has in other words. The engine
hands signals on to the container, and its end is the container's. Then svscan, and not the engine,
decides on a restart.

What has neither an image nor something to build one from is no service for Docker Compose either,
and is refused. A ``command`` alone is never run on the host itself: it was written for what is in
an image, by somebody who counts on its walls. An image that is to be built is not built here; what
to type for that is said.

Variables are files in ``env``, and named to the engine: no value is on its command line.
"""

from __future__ import annotations

import os
import re
import shlex
from shlex import quote

from slashservice.installer.converters import (
    accounts,
    compose_keys,
    compose_made,
    compose_options,
    interpolation,
    scripts,
    shell,
    texts,
    yaml_tree,
)
from slashservice.installer.converters.compose_options import Service
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.systemd_values import seconds, signal_of
from slashservice.installer.converters.unit_words import Unclear
from slashservice.installer.converters.wanted import Step, Wanted
from slashservice.installer.converters.yaml_tree import Item
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

ENGINES = ("podman", "docker")
USUAL_GRACE = 10.0
CLEANING_SECONDS = 30
"""How long the engine may take to remove what is left of a container."""

OWN = re.compile(r"PATH|HOME|USER|LOGNAME|TMPDIR|LD_.*|DOCKER_.*|CONTAINERS?_.*|XDG_.*|.*_proxy")
"""Variables that mean something to the engine itself: they are given to the container alone.

So are those that neither a file of ``env`` nor a shell can have.
"""

ADDRESSES = {"ipv4_address": "--ip", "ipv6_address": "--ip6", "mac_address": "--mac-address"}
"""What a service is in its network."""

WHOLE = "docker compose config >whole.yaml writes all of it into one file, which can be imported."


def engine_of(host: Host, asked: str) -> str:
    """Return the engine that is asked for, or the first one that the host has."""
    for one in [asked] if asked else ENGINES:
        if asked or host.which(one):
            return one
    raise Refusal(
        "an image needs a container engine, and there is neither podman nor docker",
        "Install one, or name another: slashservice import --engine PROGRAM",
    )


def read(
    host: Host, path: str, losses: Losses, account: str = "", engine: str = ""
) -> list[Wanted]:
    """Return the services of the compose file at ``path``."""
    folder, file = os.path.split(os.path.abspath(path))
    values = _values(folder)
    top = yaml_tree.load(texts.read(path), file)
    unset: dict[str, int] = {}
    _fill(top, file, values, unset)
    for name, line in unset.items():
        losses.add(f"{file}:{line}", f"{name} is not set, and counts as empty")
    for key in ("include", "extends"):
        if key in top.mapping:
            raise refused(
                f"{file}:{top.mapping[key].line}", f"{key}: other files are not read", WHOLE
            )
    services = top.mapping.get("services", Item({}, 1)).mapping
    if not services:
        raise Refusal(f"{path} has no services: in it")
    compose_keys.look(file, top, losses)
    _others(folder, file, losses)
    project = _project(top, folder, values)
    user = accounts.asked(host, account)
    found = []
    for name, item in services.items():
        service = Service(name, file, folder, project, item, top, losses)
        made = _wanted(service, engine_of(host, engine), values)
        made.user = user
        found.append(made)
    return found


def _others(folder: str, file: str, losses: Losses) -> None:
    """Tell of the file that Docker Compose reads behind this one without being told to."""
    stem, _, kind = file.rpartition(".")
    if stem not in ("compose", "docker-compose"):
        return
    for name in (f"{one}.override.{kind}" for one in ("compose", "docker-compose")):
        if os.path.exists(os.path.join(folder, name)):
            losses.add(file, f"{name} beside it is not read: {WHOLE}")


def _values(folder: str) -> dict[str, str]:
    """Return the variables for ``${...}``: those of ``.env``, and above them those that we have."""
    path = os.path.join(folder, ".env")
    own = {**os.environ}
    if not os.path.exists(path):
        return own
    try:
        return {**interpolation.env_file(texts.read(path), own), **own}
    except Unclear as why:
        raise Refusal(f"{path}: {why}") from None


def _fill(item: Item, file: str, values: dict[str, str], unset: dict[str, int]) -> None:
    """Fill in the variables of all values."""
    if isinstance(item.value, str):
        missing: list[str] = []
        try:
            item.value = interpolation.filled(item.value, values, missing)
        except Unclear as why:
            raise refused(f"{file}:{item.line}", str(why)) from None
        for name in missing:
            unset.setdefault(name, item.line)
    for one in [*item.mapping.values(), *item.items]:
        _fill(one, file, values, unset)


def _project(top: Item, folder: str, values: dict[str, str]) -> str:
    """Return the name that containers, networks and volumes begin with."""
    name = top.mapping["name"].text if "name" in top.mapping else ""
    name = values.get("COMPOSE_PROJECT_NAME") or name or os.path.basename(folder)
    return re.sub("[^a-z0-9_-]", "", name.lower()).lstrip("_-") or "compose"


def _wanted(service: Service, engine: str, values: dict[str, str]) -> Wanted:
    """Return a service as one that runs its container."""
    made = Wanted(service.name, service.file)
    if found := service.get("extends"):
        raise refused(service.where(found), f"{service.name}: extends: is not followed", WHOLE)
    image = _image(service, engine)
    _environment(service, made, values)
    container = service.container(service.name)
    words = [engine, "run", "--rm", f"--name={container}"]
    options, network = _network(service)
    compose_options.add(service)
    entry = service.get("entrypoint")
    entrypoint = _words(service, entry) if entry else []
    if entry:
        words.append(f"--entrypoint={entrypoint[0] if entrypoint else ''}")
    words += [*options, *service.words, image, *entrypoint[1:]]
    if found := service.get("command"):
        words += _words(service, found)
    made.line = " ".join(map(quote, words))
    made.program = engine
    remove = _removing(engine, container)
    made.before = [Step(remove, ignored=True)]
    made.before += map(Step, compose_made.lines(service, engine, network))
    made.after = [Step(remove, ignored=True)]
    made.finish_seconds = CLEANING_SECONDS
    _ending(service, made)
    return made


def _removing(engine: str, container: str) -> str:
    """Return the line that ends and removes a container, whatever state it is in.

    ``docker rm -f`` kills it. ``podman rm -f`` tells it to end and waits, which has been done by
    then: a container that does not heed its signal would have twice its time.
    """
    called = quote(engine), quote(container)
    lines = ["{} kill {}", "{} rm -f {}"]
    if os.path.basename(engine) == "docker":
        del lines[0]
    return "; ".join(f"{line.format(*called)} >/dev/null 2>&1" for line in lines)


def _image(service: Service, engine: str) -> str:
    """Return the image, and say how it is built if it is to be."""
    image, build = service.get("image"), service.get("build")
    if not image and not build:
        raise refused(
            f"{service.file}:{service.item.line}",
            f"{service.name} has neither image: nor build:, and so nothing to run",
            f"For a command of this host: slashservice add {service.name} -- COMMAND...",
        )
    name = image.text if image else f"{service.project}-{service.name}"
    if build:
        folder = build.mapping.get("context", Item(".", 0)).text if build.mapping else build.text
        file = build.mapping.get("dockerfile")
        words = [engine, "build", "-t", name, *(["-f", file.text] if file else [])]
        args, target = build.mapping.get("args"), build.mapping.get("target")
        listed = compose_options.pairs(args, "=") if args else []
        words += [f"--build-arg={one}" for one in listed]
        words += [f"--target={target.text}"] if target else []
        typed = shlex.join([*words, service.path(folder)])
        service.lost(build, f"build: is left out; before it starts: {typed}")
    return name


def _words(service: Service, item: Item) -> list[str]:
    """Return the words of a command, which is a list or a line."""
    if item.items or not item.text:
        return [one.text for one in item.items]
    try:
        return shlex.split(item.text)
    except ValueError as error:
        raise refused(service.where(item), f"{service.name}: {error}") from None


def _environment(service: Service, made: Wanted, values: dict[str, str]) -> None:
    """Collect the variables; what is named without a value is what we have."""
    found: dict[str, str] = {}
    files = service.get("env_file")
    for one in (files.items or [files]) if files else []:
        path = service.path(one.mapping.get("path", one).text)
        is_needed = service.is_set(one.mapping.get("required", Item(True, 0)), "required")
        if not os.path.exists(path):
            if is_needed:
                raise refused(service.where(one), f"{service.name}: {path} is not there")
            service.lost(one, f"{path} is not there now, and will not be looked for")
            continue
        try:
            found |= interpolation.env_file(texts.read(path), values)
        except Unclear as why:
            raise refused(service.where(one), f"{path}: {why}") from None
        service.lost(one, f"{path} is read now, into env/: later changes of it do not count")
    listed = service.get("environment")
    if listed:
        pairs = [(key, one.text, one.value is None) for key, one in listed.mapping.items()]
        for one in listed.items:
            key, equals, value = one.text.partition("=")
            pairs.append((key, value, not equals))
        for key, value, is_bare in pairs:
            if not is_bare:
                found[key] = value
            elif key in values:
                found[key] = values[key]
    for key, value in found.items():
        is_odd = scripts.is_inexact(value) and not shell.NAME.fullmatch(key)
        if OWN.fullmatch(key) or is_odd:
            service.words.append(f"--env={key}={value}")
        else:
            made.environment[key] = value
            service.words.append(f"--env={key}")


def _network(service: Service) -> tuple[list[str], str]:
    """Return the options for its network, and what the file calls that, if it may have to be made.

    Services of a project reach each other by name.
    """
    found = service.get("networks")
    if mode := service.get("network_mode"):
        if found:
            service.lost(found, "networks: is left out: network_mode: counts")
        return [f"--network={service.space(mode.text)}"], ""
    names = [*found.mapping] or [one.text for one in found.items] if found else []
    if found and len(names) > 1:
        service.lost(found, f"networks: it is in {names[0]} only")
    name = names[0] if names else "default"
    options = [f"--network={service.called('networks', name)}", f"--network-alias={service.name}"]
    parts = found.mapping.get(name, compose_options.NONE).mapping if found else {}
    if "aliases" in parts:
        listed = parts["aliases"]
        options += [f"--network-alias={one.text}" for one in listed.items or [listed]]
    for key, option in ADDRESSES.items():
        if key in parts and not service.get(key):
            options.append(f"{option}={parts[key].text}")
    return options, name


def _ending(service: Service, made: Wanted) -> None:
    """Find out how it ends, what it is started after, and whether it is started again."""
    try:
        if found := service.get("stop_signal"):
            made.stop_signal = signal_of(found.text)
        made.kill_seconds = USUAL_GRACE
        if found := service.get("stop_grace_period"):
            made.kill_seconds = seconds(found.text)
    except Unclear as why:
        raise refused(service.where(found or service.item), f"{service.name}: {why}") from None
    if found := service.get("restart"):
        kind, colon, number = found.text.partition(":")
        if kind not in ("no", "false", "always", "unless-stopped", "on-failure"):
            raise refused(
                service.where(found), f"{service.name}: restart: {found.text} is not known"
            )
        if kind == "on-failure":
            made.restart = "on-failure"
            if colon:
                service.lost(found, f"restart: it is tried more than {number} times")
        elif kind in ("no", "false"):
            made.restart = "never-failed"
        made.clean = ("0",)
    if found := service.get("depends_on"):
        names = [*found.mapping] or [one.text for one in found.items]
        made.comments.append(f"Depends on: {' '.join(names)}")
        service.lost(found, f"depends_on: nobody waits for {', '.join(names)}")
