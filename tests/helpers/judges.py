"""What judges artefacts in place of programs that can't be had: their manuals, as parsers.

Each takes a text apart, and raises :class:`UnknownError` at what the manual does not know.
"""

from __future__ import annotations

import plistlib
import re
import shlex
from xml.etree import ElementTree


class UnknownError(ValueError):
    """A line that the manual knows nothing of."""


NUMBER = r"-?\d+"
EVENT = r"[\w-]+(\s+(\w+!?=)?[^\s()]+)*"
EVENTS = rf"\(*\s*{EVENT}\s*\)*(\s+(and|or)\s+\(*\s*{EVENT}\s*\)*)*"
COMMAND = r"\S.*"

INIT_5 = {
    "description": r'"[^"]*"|\S+',
    "author": r'"[^"]*"|\S+',
    "version": r'"[^"]*"|\S+',
    "usage": r'"[^"]*"|\S+',
    "emits": r"\S+(\s+\S+)*",
    "start on": EVENTS,
    "stop on": EVENTS,
    "manual": "",
    "exec": COMMAND,
    "script": "",
    "env": r"\w+=.*",
    "export": r"\w+(\s+\w+)*",
    "task": "",
    "instance": r"\S+",
    "respawn": "",
    "respawn limit": rf"unlimited|{NUMBER}\s+({NUMBER}|unlimited)",
    "normal exit": r"\w+(\s+\w+)*",
    "expect": "fork|daemon|stop",
    "kill timeout": NUMBER,
    "kill signal": r"[A-Z]+\d*|\d+",
    "reload signal": r"[A-Z]+\d*|\d+",
    "console": "none|log|output|owner",
    "umask": r"[0-7]{1,4}",
    "nice": NUMBER,
    "oom score": rf"{NUMBER}|never",
    "chroot": r"/\S*",
    "chdir": r"/\S*",
    "limit": r"\w+\s+(\d+|unlimited)\s+(\d+|unlimited)",
    "setuid": r"\S+",
    "setgid": r"\S+",
} | {
    f"{when} {how}": COMMAND if how == "exec" else ""
    for when in ("pre-start", "post-start", "pre-stop", "post-stop")
    for how in ("exec", "script")
}
"""The stanzas of init(5) of Upstart 0.6 to 1.13, and what follows each."""

EVENT_D = {
    **{name: INIT_5[name] for name in ("start on", "stop on", "exec", "script", "env")},
    **{name: INIT_5[name] for name in ("description", "author", "version", "console", "umask")},
    **{name: INIT_5[name] for name in ("nice", "chroot", "chdir", "limit", "kill timeout")},
    "respawn": "",
    "respawn limit": rf"{NUMBER}\s+{NUMBER}",
}
"""Those of /etc/event.d, Upstart 0.3 and 0.5."""

DINIT_DEPENDENCIES = (
    *("depends-on", "depends-on.d", "depends-ms", "depends-ms.d", "waits-for", "waits-for.d"),
    *("before", "after", "prepared-by"),
)
"""Those settings of dinit-service(5) that others may come behind, and that ``:`` belongs to."""

DINIT_SERVICE = {
    "type": "process|bgprocess|scripted|internal|triggered",
    "command": COMMAND,
    "stop-command": COMMAND,
    "working-dir": r"/\S*",
    "run-as": r"\S+",
    "env-file": r"/\S*",
    "restart": "yes|true|no|false|on-failure",
    "smooth-recovery": "yes|true|no|false",
    "restart-delay": r"\d+(\.\d+)?",
    "restart-limit-interval": r"\d+(\.\d+)?",
    "restart-limit-count": r"\d+",
    "start-timeout": r"\d+(\.\d+)?",
    "stop-timeout": r"\d+(\.\d+)?",
    "pid-file": r"/\S*",
    **dict.fromkeys(DINIT_DEPENDENCIES, r"\S+"),
    "chain-to": r"\S+",
    "socket-listen": r"/\S*",
    "socket-permissions": r"[0-7]+",
    "socket-uid": r"\S+",
    "socket-gid": r"\S+",
    "term-signal": r"[A-Z]+\d*|none",
    "ready-notification": r"pipefd:\d+|pipevar:\w+",
    "log-type": "file|buffer|pipe|none",
    "logfile": r"/\S*",
    "log-buffer-size": r"\d+",
    "options": r"[a-z-]+(\s+[a-z-]+)*",
    "load-options": r"[a-z-]+(\s+[a-z-]+)*",
    "inittab-id": r"\S+",
    "inittab-line": r"\S+",
    "rlimit-nofile": r"[\d:-]+",
    "rlimit-core": r"[\d:-]+",
    "rlimit-data": r"[\d:-]+",
    "rlimit-addrspace": r"[\d:-]+",
}
"""The properties of dinit-service(5)."""

LAUNCHD_PLIST = {
    **dict.fromkeys(("Label", "Program", "UserName", "GroupName", "RootDirectory"), str),
    **dict.fromkeys(("WorkingDirectory", "StandardInPath", "StandardOutPath"), str),
    **dict.fromkeys(("StandardErrorPath", "ProcessType", "POSIXSpawnType"), str),
    **dict.fromkeys(("Disabled", "EnableGlobbing", "EnableTransactions", "OnDemand"), bool),
    **dict.fromkeys(("EnablePressuredExit", "RunAtLoad", "InitGroups", "StartOnMount"), bool),
    **dict.fromkeys(("Debug", "WaitForDebugger", "AbandonProcessGroup", "LowPriorityIO"), bool),
    **dict.fromkeys(("LowPriorityBackgroundIO", "MaterializeDatalessFiles"), bool),
    **dict.fromkeys(("LaunchOnlyOnce", "SessionCreate", "LegacyTimers", "ServiceIPC"), bool),
    **dict.fromkeys(("Umask", "TimeOut", "ExitTimeOut", "ThrottleInterval", "Nice"), int),
    **dict.fromkeys(("StartInterval",), int),
    **dict.fromkeys(("ProgramArguments", "LimitLoadToHosts", "LimitLoadFromHosts"), list),
    **dict.fromkeys(("WatchPaths", "QueueDirectories", "BinaryOrderPreference"), list),
    **dict.fromkeys(("EnvironmentVariables", "SoftResourceLimits", "HardResourceLimits"), dict),
    **dict.fromkeys(("MachServices", "Sockets", "LaunchEvents", "inetdCompatibility"), dict),
    **dict.fromkeys(("LimitLoadToHardware", "LimitLoadFromHardware"), dict),
    "KeepAlive": (bool, dict),
    "LimitLoadToSessionType": (str, list),
    "StartCalendarInterval": (dict, list),
    "AssociatedBundleIdentifiers": (str, list),
}
"""The keys of launchd.plist(5), and the types of their values."""

RESOURCE_LIMITS = {
    *("Core", "CPU", "Data", "FileSize", "MemoryLock", "NumberOfFiles", "NumberOfProcesses"),
    *("ResidentSetSize", "Stack"),
}


def upstart_job(text: str, stanzas: dict[str, str]) -> dict[str, list[str]]:
    """Take a job apart; return what follows each stanza, in order."""
    found: dict[str, list[str]] = {}
    lines = iter(text.replace("\\\n", " ").splitlines())
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        words = line.split(None, 2)
        name = next((one for one in (" ".join(words[:2]), words[0]) if one in stanzas), "")
        rest = line[len(name) :].strip() if name else ""
        if not name or not re.fullmatch(stanzas[name], rest):
            raise UnknownError(line)
        if name.endswith("script") and not _reaches_end(lines):
            raise UnknownError(f"{name} without end script")
        found.setdefault(name, []).append(rest)
    if not found.keys() & {"exec", "script", "respawn"}:
        raise UnknownError("nothing to run")
    return found


def _reaches_end(lines: object) -> bool:
    """Go on to the end of a script; tell whether there is one."""
    return any(line.split() == ["end", "script"] for line in lines)  # type: ignore[attr-defined]


def dinit_settings(text: str) -> dict[str, list[str]]:
    """Take a service description apart; return the values of each setting, in order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        setting = re.fullmatch(r"\s*([\w.-]+)\s*([=:])\s*(.*?)\s*", line)
        name, sign, value = setting.groups() if setting else ("", "", "")
        signs = ":" if name in DINIT_DEPENDENCIES else ":=" if name.endswith("options") else "="
        if sign not in signs or not re.fullmatch(DINIT_SERVICE.get(name, "(?!)"), value):
            raise UnknownError(line)
        found.setdefault(name, []).append(value)
    if found.get("type", [""])[-1] not in ("internal", "triggered") and "command" not in found:
        raise UnknownError("no command")
    return found


def dinit_service(text: str) -> dict[str, str]:
    """Take the description of a service that has a place in the order apart.

    A dependency that is no hard one does not hold at shutdown.
    """
    found = dinit_settings(text)
    if not found.keys() & {"depends-on", "depends-on.d"}:
        raise UnknownError("no hard dependency")
    return {name: values[-1] for name, values in found.items()}


def launchd_plist(text: str) -> dict[str, object]:
    """Take the property list of a daemon apart."""
    plist: dict[str, object] = plistlib.loads(text.encode())
    for key, value in plist.items():
        wanted = LAUNCHD_PLIST.get(key)
        right = type(value) in (wanted if isinstance(wanted, tuple) else (wanted,))
        if not right:
            raise UnknownError(f"{key}: {value!r}")
        if key.endswith("ResourceLimits") and not set(value) <= RESOURCE_LIMITS:  # type: ignore[call-overload]
            raise UnknownError(f"{key}: {value!r}")
    if not plist.get("Label") or not (plist.get("Program") or plist.get("ProgramArguments")):
        raise UnknownError("nothing to run")
    return plist


def rc_order(text: str) -> dict[str, list[str]]:
    """Return what a BSD script's comments tell rcorder(8)."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        fact = re.fullmatch(r"#\s*(PROVIDE|REQUIRE|BEFORE|KEYWORDS?):(.*)", line)
        if fact:
            found.setdefault(fact[1], []).extend(shlex.split(fact[2]))
        elif re.match(r"#\s*[A-Z]+:", line):
            raise UnknownError(line)
    if not found.get("PROVIDE"):
        raise UnknownError("provides nothing")
    return found


SMF_SERVICE = "(create_default_instance )?(single_instance )?(dependency )*method_context "
SMF_SERVICE += "(exec_method )*(property_group )*template "
SMF_ELEMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "service_bundle": (r"(service )+", {"type": "manifest|profile|archive", "name": ".+"}),
    "service": (
        SMF_SERVICE,
        {"name": r"[\w/-]+", "type": "service|restarter|milestone", "version": r"\d+"},
    ),
    "create_default_instance": ("", {"enabled": "true|false"}),
    "single_instance": ("", {}),
    "method_context": ("", {}),
    "template": ("common_name ", {}),
    "common_name": ("(loctext )+", {}),
    "loctext": ("", {"{http://www.w3.org/XML/1998/namespace}lang": r"\w+"}),
    "dependency": (
        r"(service_fmri )*(stability )?(propval |property )*",
        {
            "name": r"[\w-]+",
            "grouping": "require_all|require_any|exclude_all|optional_all",
            "restart_on": "error|restart|refresh|none",
            "type": "service|path",
        },
    ),
    "service_fmri": ("", {"value": r"(svc|file):.+"}),
    "exec_method": (
        r"(method_context )?(stability )?(propval |property )*",
        {
            "type": "method|monitor",
            "name": "start|stop|refresh",
            "exec": ".+",
            "timeout_seconds": r"-?\d+",
        },
    ),
    "property_group": (
        r"(stability )?(propval |property )*",
        {"name": r"[\w-]+", "type": "framework|application|implementation|template"},
    ),
    "propval": ("", {"name": r"[\w-]+", "type": r"astring|boolean|count|integer", "value": ".*"}),
}
"""Of service_bundle.dtd.1 (illumos) what may be in each element, and its required attributes."""

SHEPHERD: dict[str, set[str]] = {
    "service": {
        *("#:requirement", "#:one-shot?", "#:transient?", "#:respawn?", "#:start", "#:stop"),
        *("#:actions", "#:termination-handler", "#:documentation"),
    },
    "make-forkexec-constructor": {
        *("#:user", "#:group", "#:supplementary-groups", "#:pid-file", "#:pid-file-timeout"),
        *("#:log-file", "#:directory", "#:file-creation-mask", "#:create-session?"),
        *("#:resource-limits", "#:environment-variables"),
    },
    "make-kill-destructor": {"#:grace-period"},
    "register-services": set(),
    "start-in-the-background": set(),
    "define": set(),
    "list": set(),
    "load": set(),
}
"""The procedures of Shepherd's manual (1.0) that may be called, and their keywords."""

SCHEME = re.compile(r";[^\n]*|\s+|([()\'])|(\"[^\"]*\")|([^\s()\';\"]+)")


def smf_manifest(text: str) -> ElementTree.Element:
    """Take a manifest apart, and hold it against the rules of its document type."""
    if "<!DOCTYPE service_bundle SYSTEM" not in text:
        raise UnknownError("no document type")
    try:
        bundle = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UnknownError(str(error)) from None
    for element in bundle.iter():
        inside, attributes = SMF_ELEMENTS.get(element.tag, ("(?!)", {}))
        if not re.fullmatch(inside, "".join(f"{one.tag} " for one in element)):
            raise UnknownError(f"in {element.tag}: {[one.tag for one in element]}")
        if set(element.keys()) != set(attributes):
            raise UnknownError(f"{element.tag}: {element.keys()}")
        for name, pattern in attributes.items():
            if not re.fullmatch(pattern, element.get(name, "")):
                raise UnknownError(f"{element.tag}: {name}={element.get(name)}")
    return bundle


def shepherd_configuration(text: str) -> list[object]:
    """Read Scheme: whole, and calling nothing but what shepherd's manual knows."""
    stack: list[list[object]] = [[]]
    quoted = False
    at = 0
    while at < len(text):
        token = SCHEME.match(text, at)
        if token is None:
            raise UnknownError(text[at : at + 20])
        at = token.end()
        sign, string, atom = token.groups()
        if sign == "(":
            stack.append(["quote"] if quoted else [])
        elif sign == ")":
            if len(stack) == 1:
                raise UnknownError("a parenthesis too many")
            form = stack.pop()
            _is_call(form)
            stack[-1].append(form)
        elif string or atom:
            stack[-1].append(string or atom)
        if sign or string or atom:
            quoted = sign == "'"
    if len(stack) > 1:
        raise UnknownError("a parenthesis too few")
    return stack[0]


def _is_call(form: list[object]) -> None:
    """Check a list that is not quoted: its first word, and its keywords."""
    name = form[0] if form else ""
    if name == "quote":
        return
    known = SHEPHERD.get(str(name))
    used = {one for one in form[1:] if isinstance(one, str) and one.startswith("#:")}
    if known is None or not used <= known:
        raise UnknownError(f"{name}: {sorted(used)}")
