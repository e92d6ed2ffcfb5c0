"""Read the programs of a ``supervisord.conf``.

The standard library's configparser reads it, as it does for supervisord. What a value may hold
between ``%(`` and ``)s`` is known when it is read, so it is filled in here.
"""

from __future__ import annotations

import configparser
import glob
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from slashservice.installer.converters import accounts, shell, texts
from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.systemd_values import signal_of
from slashservice.installer.converters.unit_words import Unclear
from slashservice.installer.converters.wanted import Wanted
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

SECTION = re.compile(r"\[([^]]+)\]")
OPTION = re.compile(r"([^:=\s][^:=]*?)\s*[:=]")

LOGS = (
    *("stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups", "stdout_syslog"),
    *("stderr_logfile", "stderr_logfile_maxbytes", "stderr_logfile_backups", "stderr_syslog"),
)
KNOWN = {
    *("command", "process_name", "numprocs", "numprocs_start", "directory", "umask", "priority"),
    *("autostart", "autorestart", "exitcodes", "stopsignal", "stopwaitsecs", "stopasgroup"),
    *("killasgroup", "user", "redirect_stderr", "environment", *LOGS),
}
REASONS = {
    "startsecs": "list and add watch for two seconds whether it stays up",
    "startretries": "it is started again without limit",
    "serverurl": "there is no server to tell it of",
    "stdout_capture_maxbytes": "nothing is captured",
    "stderr_capture_maxbytes": "nothing is captured",
    "stdout_events_enabled": "there are no events",
    "stderr_events_enabled": "there are no events",
}
OTHERS = {
    "eventlistener": "there are no events to listen to",
    "fcgi-program": "nobody opens its socket: start it by something like spawn-fcgi -n",
    "unix_http_server": "slashservice list, start and stop need no server",
    "inet_http_server": "there is no server for the network",
    "rpcinterface": "there are no remote calls",
    "ctlplugin": "there is nothing to be plugged in",
}
READERS = ("cat", "tee", "sh", "bash", "dash", "python3", "python", "node", "perl", "bc", "awk")
"""Programs that read their input if they are given no file."""

OWN_OPTIONS = {
    "group": {"programs"},
    "include": {"files"},
    "supervisorctl": set[str](),
    "supervisord": {
        *("user", "umask", "directory", "environment", "minfds", "minprocs"),
        *("logfile", "logfile_maxbytes", "logfile_backups", "loglevel", "pidfile", "nodaemon"),
        *("silent", "identifier", "childlogdir", "nocleanup"),
    },
}
"""Options of other sections: those that are carried over, or are about supervisord itself."""

UNKNOWN = "it has no counterpart here"
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass
class Section:
    """A section of the configuration: its options, and where each stands."""

    name: str
    options: dict[str, str]
    file: str
    places: dict[str, str]

    def where(self, option: str = "") -> str:
        """Return where an option stands, or the section itself."""
        return self.places.get(option, self.places.get("", self.file))


def read(host: Host, path: str, losses: Losses, account: str = "") -> list[Wanted]:
    """Return the services of the configuration at ``path``; ``account`` is for those without."""
    here = os.path.dirname(os.path.abspath(path))
    sections = _sections(path)
    for one in [*sections]:
        if one.name == "include":
            sections += _included(one, here)
    sections = _merged(sections)
    server = next((one for one in sections if one.name == "supervisord"), None)
    groups = _groups(sections)
    found: list[Wanted] = []
    for one in sections:
        kind, _, name = one.name.partition(":")
        if kind == "program":
            program = _Program(host, one, here, server, groups.get(name, ""), losses)
            found += program.services(account)
        elif kind in OTHERS:
            losses.add(one.where(), f"[{one.name}] is left out: {OTHERS[kind]}")
        elif kind not in OWN_OPTIONS:
            losses.add(one.where(), f"[{one.name}] is left out: {UNKNOWN}")
        else:
            _lose(one, OWN_OPTIONS[kind], losses)
    if not found:
        raise Refusal(f"{path} has no [program:NAME] in it")
    return found


def _lose(section: Section, known: set[str], losses: Losses) -> None:
    """Note what is left out of a section that is no program."""
    for option in section.options:
        if known and option not in known:
            why = "nobody waits for others" if option == "priority" else UNKNOWN
            losses.add(section.where(option), f"{option}= is left out: {why}")


def _merged(sections: list[Section]) -> list[Section]:
    """Return one section of each name, which several files may have parts of: the last counts."""
    found: dict[str, Section] = {}
    for one in sections:
        first = found.setdefault(one.name, one)
        if first is not one:
            first.options |= one.options
            first.places |= {key: place for key, place in one.places.items() if key}
    return [*found.values()]


def _sections(path: str) -> list[Section]:
    """Return the sections of a file, in which its directory is filled in."""
    text = texts.read(path)
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    name = os.path.basename(path)
    try:
        parser.read_string(text, name)
    except configparser.Error as error:
        number = getattr(error, "lineno", 0) or (getattr(error, "errors", None) or [(0, "")])[0][0]
        raise Refusal(f"{name}:{number}: this is neither a section nor an option") from None
    lines: dict[str, dict[str, int]] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        if heading := SECTION.match(line):
            section = heading[1]
            lines.setdefault(section, {"": number})
        elif section and (option := OPTION.match(line)):
            lines[section][option[1].lower()] = number
    here = os.path.dirname(os.path.abspath(path)).replace("%", "%%")
    found = []
    for one in parser.sections():
        options = {key: (value or "").replace("%(here)s", here) for key, value in parser.items(one)}
        places = {key: f"{name}:{number}" for key, number in lines.get(one, {}).items()}
        found.append(Section(one, options, name, places))
    return found


def _included(include: Section, here: str) -> list[Section]:
    """Return the sections of the files that are included."""
    found = []
    values = {"here": here, "host_node_name": os.uname().nodename}
    values |= {f"ENV_{name}": value for name, value in os.environ.items()}
    text = _filled(include, "files", include.options.get("files", ""), values)
    for pattern in text.split():
        for path in sorted(glob.glob(os.path.join(here, pattern))):
            found += _sections(path)
    return found


def _groups(sections: list[Section]) -> dict[str, str]:
    """Return the group of each program that is in one."""
    found = {}
    for one in sections:
        kind, _, name = one.name.partition(":")
        if kind == "group":
            for program in one.options.get("programs", "").split(","):
                found[program.strip()] = name
    return found


def _filled(section: Section, option: str, text: str, values: Mapping[str, object]) -> str:
    """Return a value with what is between ``%(`` and ``)`` filled in."""
    try:
        if re.search(r"%(?![(%])", text.replace("%%", "")):
            raise ValueError(text)
        return text % values
    except KeyError as missing:
        name = str(missing.args[0])
        advice = []
        if name.startswith("ENV_"):
            advice.append(f"Give it: {name.removeprefix('ENV_')}=VALUE slashservice import ...")
        raise refused(
            section.where(option), f"{option}= has %({name})s, which is not known", *advice
        ) from None
    except (ValueError, TypeError):
        raise refused(
            section.where(option), f"{option}= has a % that begins nothing; %% is the character"
        ) from None


def pairs(text: str) -> dict[str, str]:
    """Return the variables of ``environment=A="b",C=d``.

    Quotes count only around a whole value, and there are no escapes in them.
    """
    lexer = shlex.shlex(text)
    lexer.wordchars += "/.+-():"
    tokens = [*lexer]
    found = {}
    for at in range(0, len(tokens), 4):
        part = tokens[at : at + 4]
        if len(part) < 3 or part[1] != "=" or part[3:] not in ([], [","]):
            raise ValueError(f"{' '.join(part)} is no NAME=VALUE")
        found[part[0]] = part[2].strip("'\"")
    return found


class _Program:
    """A ``[program:NAME]``, of which there may be several processes."""

    def __init__(
        self,
        host: Host,
        section: Section,
        here: str,
        server: Section | None,
        group: str,
        losses: Losses,
    ) -> None:
        self.host = host
        self.section = section
        self.server = server
        self.group = group
        self.losses = losses
        self.name = section.name.partition(":")[2].strip()
        self.values: dict[str, object] = {
            "here": here,
            "program_name": self.name,
            "group_name": group or self.name,
            "host_node_name": os.uname().nodename,
            **{f"ENV_{name}": value for name, value in os.environ.items()},
        }

    def get(self, option: str, usual: str = "") -> str:
        """Return the value of an option, filled in."""
        text = self.section.options.get(option, usual) or ""
        return _filled(self.section, option, text, self.values)

    def flag(self, option: str, usual: str) -> bool:
        """Return an option that is true or false."""
        word = self.get(option, usual).lower()
        if word not in (*YES, *NO):
            raise self.refused(option, f"{word} is neither true nor false")
        return word in YES

    def number(self, option: str, usual: int) -> int:
        """Return an option that is a number."""
        word = self.get(option, str(usual))
        if not re.fullmatch("[0-9]{1,9}", word):
            raise self.refused(option, f"{word} is no number")
        return int(word)

    def refused(self, option: str, what: str) -> Refusal:
        """Return the refusal of an option."""
        return refused(self.section.where(option), f"{option}={what}")

    def services(self, account: str) -> list[Wanted]:
        """Return a service for each process."""
        self.values |= {"process_num": 0, "numprocs": 1}
        count, first = self.number("numprocs", 1), self.number("numprocs_start", 0)
        if not 1 <= count <= 1000:
            raise self.refused("numprocs", f"{count} is not from 1 to 1000")
        self.values["numprocs"] = count
        found = []
        for number in range(first, first + count):
            self.values["process_num"] = number
            found.append(self._service(account))
        names = [one.name for one in found]
        if len({*names}) < len(names):
            raise self.refused("process_name", f"all {count} are called {names[0]}")
        self._lose()
        return found

    def _service(self, account: str) -> Wanted:
        """Return the service of one process."""
        usual = "%(program_name)s"
        made = Wanted(self.get("process_name", usual), self.section.file)
        self._command(made)
        self._process(made, account)
        self._ending(made)
        if self.group:
            made.comments.append(f"Group: {self.group}")
        if "priority" in self.section.options:
            made.comments.append(f"Priority: {self.get('priority')}")
        made.down = not self.flag("autostart", "true")
        return made

    def _command(self, made: Wanted) -> None:
        text = self.get("command")
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise self.refused("command", f" can't be taken apart: {error}") from None
        if not words:
            raise refused(self.section.where("command"), f"[{self.section.name}] has no command=")
        if os.path.basename(words[0]) in READERS and all(one[:1] == "-" for one in words[1:]):
            what = (
                "command= reads /dev/null here, and not a pipe that stays empty: it may end at once"
            )
            self.losses.add(self.section.where("command"), what)
        made.line = shell.quoted(words)
        made.directory = self.get("directory") or self._server("directory") or "/"
        made.program = words[0]
        if "/" in words[0] and not words[0].startswith("/"):
            made.program = os.path.join(made.directory, words[0])

    def _server(self, option: str) -> str:
        """Return an option of ``[supervisord]``, which programs inherit."""
        if self.server is None:
            return ""
        return _filled(self.server, option, self.server.options.get(option, ""), self.values)

    def _process(self, made: Wanted, account: str) -> None:
        """Find out as whom, with which variables, umask and limits it runs."""
        for section, text in (
            (self.server, self._server("environment")),
            (self.section, self.get("environment")),
        ):
            try:
                made.environment |= pairs(text)
            except ValueError as error:
                where = section.where("environment") if section else self.section.file
                raise refused(where, f"environment= can't be read: {error}") from None
        name = self.get("user") or self._server("user") or account
        if name and name not in ("root", "0"):
            found = accounts.find(self.host, name)
            if not found:
                where = self.section.where("user")
                raise refused(where, f"there is no account {name} on this host")
            made.user = found.name
        made.umask = self.get("umask") or self._server("umask")
        if made.umask and not re.fullmatch("[0-7]{1,4}", made.umask):
            raise self.refused("umask", f"{made.umask} is no umask")
        for option, limit in (("minfds", "nofile"), ("minprocs", "nproc")):
            if (number := self._server(option)).isdigit():
                made.limits[limit] = (number, number)

    def _ending(self, made: Wanted) -> None:
        """Find out how it ends, and whether it is started again then."""
        restart = self.get("autorestart", "unexpected").lower()
        if restart == "unexpected":
            made.restart = "on-failure"
        elif restart in NO:
            made.restart = "never-failed"
        elif restart not in YES:
            raise self.refused("autorestart", f"{restart} is not known")
        codes = [word.strip() for word in self.get("exitcodes", "0").split(",") if word.strip()]
        if not all(code.isdigit() and int(code) < 256 for code in codes):
            raise self.refused("exitcodes", f"{self.get('exitcodes')} are no exit statuses")
        made.clean = tuple(codes)
        try:
            made.stop_signal = signal_of(self.get("stopsignal", "TERM"))
        except Unclear as why:
            raise self.refused("stopsignal", str(why)) from None
        made.kill_seconds = self.number("stopwaitsecs", 10)
        made.stop_group = self.flag("stopasgroup", "false")
        made.kill_group = self.flag("killasgroup", "true" if made.stop_group else "false")

    def _lose(self) -> None:
        """Note what is left out of the section."""
        for option, value in self.section.options.items():
            where = self.section.where(option)
            if option in LOGS:
                if option.endswith("_logfile") and value.upper() not in ("AUTO", "/DEV/STDOUT"):
                    self.losses.add(where, f"{option}={value} is left out: it goes to its log")
            elif option not in KNOWN:
                why = REASONS.get(option, UNKNOWN)
                self.losses.add(where, f"{option}= is left out: {why}")
