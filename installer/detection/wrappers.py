"""Find the program that a command line runs in the end, behind ``env``, ``sh -c`` and the like.

Each of these programs is known by the options of its that take a value, and by the number of
words that it takes itself. The rest is a command line again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slashservice.installer.detection import shell
from slashservice.installer.detection.shell import ASSIGNMENT, Variables

DEPTH = 12
"""Command lines are looked into no deeper than this."""


@dataclass(frozen=True)
class Started:
    """A program that a command line runs, and its arguments.

    ``directory`` is where it runs, empty where that is not known; ``root`` what is its root
    directory.
    """

    program: str
    arguments: tuple[str, ...] = ()
    directory: str = ""
    root: str = ""

    @property
    def name(self) -> str:
        """The base name of the program."""
        return self.program.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Wrapper:
    """A program that runs its arguments.

    ``valued`` are the letters of options that take a value, ``long`` the names of such long
    options; ``words`` is how many words follow before the command. Behind ``assignments``
    there may be ``NAME=VALUE``. With an option of ``never`` nothing is run. The value of the
    option ``chdir`` is the directory that it changes to, that of ``text`` a text for a shell.
    """

    valued: str = ""
    words: int = 0
    long: tuple[str, ...] = ()
    assignments: bool = False
    never: str = ""
    chdir: str = ""
    text: str = ""


NO_WORDS = (
    *("nohup", "setsid", "pgrphack", "fghack", "builtin", "busybox", "toybox", "prlimit"),
    *("eatmydata", "linux32", "linux64", "chronic", "unbuffer", "dumb-init", "setarch"),
)
ONE_WORD = (
    *("setuidgid", "envuidgid", "envdir", "setlock", "s6-setuidgid", "s6-envdir"),
    *("gosu", "su-exec", "action", "procd_set_param", "procd_append_param"),
)
WRAPPERS: dict[str, Wrapper] = {
    **dict.fromkeys(NO_WORDS, Wrapper()),
    **dict.fromkeys(ONE_WORD, Wrapper(words=1)),
    **dict.fromkeys(("softlimit", "s6-softlimit"), Wrapper("acdflmoprst")),
    "env": Wrapper(
        "uCS", long=("unset", "chdir", "split-string"), assignments=True, chdir="C", text="S"
    ),
    "exec": Wrapper("a"),
    "command": Wrapper(never="vV"),
    "time": Wrapper("fo"),
    "nice": Wrapper("n", long=("adjustment",)),
    "ionice": Wrapper("cn", long=("class", "classdata"), never="pPu"),
    "chrt": Wrapper("TPD", words=1, never="pm"),
    "taskset": Wrapper(words=1, never="p"),
    "timeout": Wrapper("ks", words=1, long=("kill-after", "signal")),
    "stdbuf": Wrapper("ioe", long=("input", "output", "error")),
    "flock": Wrapper("wEc", words=1, long=("timeout", "wait", "conflict-exit-code"), text="c"),
    "chpst": Wrapper("uUbenlLmdopfcrtC/", chdir="C"),
    "sudo": Wrapper(
        "ugphCcrtTURD",
        long=("user", "group", "chdir", "chroot"),
        assignments=True,
        never="lveK",
        chdir="D",
    ),
    "doas": Wrapper("uC"),
    "tini": Wrapper("pe"),
    "setpriv": Wrapper(
        long=("reuid", "regid", "groups", "inh-caps", "ambient-caps", "bounding-set")
    ),
    "systemd-cat": Wrapper("tp", long=("identifier", "priority")),
    "systemd-run": Wrapper(
        "pEMHu",
        long=("unit", "property", "description", "slice", "uid", "gid", "nice", "setenv", "host"),
    ),
    "daemonize": Wrapper("eoplucE", chdir="c"),
    "numactl": Wrapper("NmCipP"),
    "ltrace": Wrapper("o"),
    "strace": Wrapper("oeEpsuPSabOX"),
}
"""What runs its arguments, by name."""

SHELLS = frozenset(
    (
        *("sh", "bash", "dash", "ash", "ksh", "mksh", "pdksh", "oksh", "zsh", "yash", "posh"),
        *("rbash", "csh", "tcsh", "fish", "hush"),
    )
)
READS_ONLY = ("--help", "--version", "--no-execute", "--dump-strings", "--dump-po-strings", "-D")
USERS = ("su", "runuser")
KEEPERS = ("start-stop-daemon", "supervise-daemon")

RUNS_NOTHING = frozenset(
    (
        *(":", "true", "false", "echo", "printf", "print", "logger", "[", "[[", "test", "case"),
        *("for", "select", "read", "unset", "alias", "hash", "type", "which", "whereis"),
        *("ls", "cat", "head", "tail", "grep", "egrep", "fgrep", "sed", "awk", "cut", "tr", "wc"),
        *("cp", "mv", "rm", "ln", "mkdir", "rmdir", "touch", "chmod", "chown", "chgrp", "install"),
        *("kill", "killall", "killall5", "pkill", "pgrep", "pidof", "pidofproc", "killproc", "ps"),
        *("stat", "file", "readlink", "realpath", "basename", "dirname", "test", "expr"),
        *("log_daemon_msg", "log_progress_msg", "log_success_msg", "log_failure_msg"),
        *("log_end_msg",),
        *("log_action_msg", "log_action_begin_msg", "log_warning_msg", "status_of_proc", "status"),
        *("einfo", "ebegin", "eend", "ewarn", "eerror", "einfon", "success", "failure", "passed"),
        *("update-rc.d", "chkconfig", "rc-update", "insserv", "systemd-analyze", "restorecon"),
        *("svc", "svstat", "svok", "sv", "slashservice", "rcorder", "dpkg", "rpm", "apk", "mount"),
        *("checkpath", "pidfile", "need", "use", "after", "before", "provide", "want", "keyword"),
        *("return", "exit", "break", "continue", "shift", "wait", "sleep", "umask", "ulimit"),
        *("chattr", "lsattr", "setcap", "getcap", "setfattr", "getfattr", "ldd", "strip", "nm"),
        *("update-alternatives", "alternatives", "dpkg-divert", "dpkg-statoverride", "cmp", "du"),
        *("semanage", "matchpathcon", "sha1sum", "sha512sum", "cksum", "tee", "tar", "rsync"),
        *("gzip", "xz", "bzip2", "curl", "wget", "mail", "mailx", "wall", "whatis", "apropos"),
        *("dd", "sort", "info"),
        *("chcon", "setfacl", "getfacl", "lsof", "fuser", "strings", "md5sum", "sha256sum", "diff"),
        *("cd", "pushd", "popd", "set", "setenv", "rcvar", "load_rc_config", "man"),
    )
)  # fmt: skip
"""Programs that run none of their arguments: the name of a scanner among these says nothing."""


RUNS_ELSEWHERE = frozenset(
    (
        *("ssh", "rsh", "autossh", "sshpass", "docker", "docker-compose", "podman", "nerdctl"),
        *("podman-compose", "crictl", "ctr", "kubectl", "oc", "lxc", "lxc-attach", "lxc-execute"),
        *("lxc-start", "incus", "lxd", "pct", "machinectl", "systemd-nspawn", "nsenter", "jexec"),
        *("vzctl", "virsh"),
        *("vagrant", "adb", "ansible", "salt", "pdsh", "toolbox", "distrobox", "flatpak", "bwrap"),
    )
)  # fmt: skip
"""Programs that have something run on another machine or in a container: no rival of ours."""

INTERPRETERS = re.compile(
    r"(?:python|pypy|perl|ruby|lua|luajit|tclsh|expect|node|php|guile|execlineb|awk|gawk)[\d.]*"
)
"""What runs a script of another language than the shell's."""

SOURCES = (".", "source")


def started(
    words: Sequence[str],
    directory: str = "",
    root: str = "",
    variables: Variables | None = None,
    depth: int = 0,
) -> Iterator[Started]:
    """Yield what a command line runs in the end. Most run one program; a text may run several."""
    words = list(words)
    while words and ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    if not words:
        return
    name = words[0].rsplit("/", 1)[-1]
    here = Started(words[0], tuple(words[1:]), directory, root)
    if depth > DEPTH:
        yield here
        return
    again = _Again(directory, root, variables or {}, depth + 1)
    if name in SHELLS:
        yield from _shell(words, again)
    elif name in USERS:
        yield from _as_user(words, again)
    elif name in KEEPERS:
        yield from _kept(words, again)
    elif name == "daemon":
        yield from _daemon(words, again)
    elif name == "chroot":
        rest, options = _behind(words, Wrapper(long=("userspec", "groups"), words=1))
        where = options.get(0, "")
        yield from replace(again, root=f"{root}{where}", directory="/").words(rest)
    elif name == "eval":
        yield from again.text(" ".join(words[1:]))
    elif name == "trap":
        if {"EXIT", "0"} & set(words[2:]):
            yield from again.text(words[1])
    elif name == "find":
        yield from _found(words, again)
    elif name in ("at", "batch"):
        yield from again.words(_behind(words, Wrapper("qft"))[1].get("f", "").split())
    elif name in WRAPPERS:
        yield from _wrapped(words, WRAPPERS[name], again)
    else:
        yield here


@dataclass(frozen=True)
class _Again:
    """Looks into what is behind a wrapper."""

    directory: str
    root: str
    variables: Variables
    depth: int

    def words(self, words: Sequence[str]) -> Iterator[Started]:
        """Yield what a command line runs."""
        yield from started(words, self.directory, self.root, self.variables, self.depth)

    def text(self, text: str, *arguments: str) -> Iterator[Started]:
        """Yield what a text runs if a shell reads it, with arguments from ``$0`` on."""
        if self.depth > DEPTH:
            return
        known = self.variables | {str(at): word for at, word in enumerate(arguments)}
        for simple in shell.commands(text.replace("\x01", " "), known):
            where = simple.directory or self.directory
            yield from started(simple.words, where, self.root, known, self.depth)


def _behind(words: Sequence[str], wrapper: Wrapper) -> tuple[list[str], dict[str | int, str]]:
    """Return the command behind a wrapper's own words, and its options with their values.

    The words before the command are in the options by their numbers.
    """
    options: dict[str | int, str] = {}
    at = 1
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if not word.startswith("-") and not (word.startswith("+") and word[1:].isdigit()):
            break
        at += 1
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and name in wrapper.long:
                value = words[at] if at < len(words) else ""
                at += 1
            options[name] = value
            continue
        for place, letter in enumerate(word[1:], 2):
            options[letter] = ""
            if letter in wrapper.valued:
                options[letter] = word[place:]
                if not word[place:] and at < len(words):
                    options[letter] = words[at]
                    at += 1
                break
    for number in range(wrapper.words):
        options[number] = words[at] if at < len(words) else ""
        at += 1
    return list(words[at:]), options


def _wrapped(words: Sequence[str], wrapper: Wrapper, again: _Again) -> Iterator[Started]:
    """Yield what is behind one of :data:`WRAPPERS`."""
    rest, options = _behind(words, wrapper)
    asks = () if wrapper.text in options else ("help", "version")  # else it is the command's
    if any(one in options for one in (*wrapper.never, *asks)):
        return
    where = options.get(wrapper.chdir, "") or options.get("chdir", "")
    if where and wrapper.chdir:
        again = replace(again, directory=where)
    text = options.get(wrapper.text) or options.get("split-string", "") if wrapper.text else ""
    if text and wrapper.text == "S":
        rest = [*_split(text), *rest]
    elif text or (wrapper.words and wrapper.text and rest[:1] == ["-c"]):
        yield from again.text(text or " ".join(rest[1:2]))
        return
    if wrapper.assignments:
        while rest and ASSIGNMENT.fullmatch(rest[0]):
            rest.pop(0)
    yield from again.words(rest)


def _split(text: str) -> list[str]:
    """Return the words of a text, as ``env -S`` and systemd cut it."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _shell(words: Sequence[str], again: _Again) -> Iterator[Started]:
    """Yield what a shell runs: the text behind ``-c``, or a script. With ``-n`` it only reads."""
    at, text = 1, False
    while at < len(words) and words[at][:1] in ("-", "+"):
        word = words[at]
        at += 1
        if word == "--":
            break
        if word in READS_ONLY or (word[:1] == "-" and word[1:2] != "-" and "n" in word):
            return
        if word in ("-o", "-O", "+o", "+O") and words[at : at + 1] == ["noexec"]:
            return
        if not word.startswith("--"):
            text = text or "c" in word[1:]
            at += word[-1:] in ("o", "O") and word != "-O"
    if text and at < len(words):
        yield from again.text(words[at], *words[at + 1 :])
    elif at < len(words):
        yield Started(words[at], tuple(words[at + 1 :]), again.directory, again.root)


def _as_user(words: Sequence[str], again: _Again) -> Iterator[Started]:
    """Yield what su runs: the text behind ``-c``; with runuser's ``-u`` a command line."""
    for at, word in enumerate(words[1:], 1):
        if word in ("-c", "--command", "--session-command") or (
            word.startswith("-") and not word.startswith("--") and word.endswith("c")
        ):
            yield from again.text(" ".join(words[at + 1 : at + 2]))
            return
        if word.startswith("--command="):
            yield from again.text(word.partition("=")[2])
            return
    rest, options = _behind(words, Wrapper("ugGsw", long=("user", "group", "shell")))
    if "u" in options or "user" in options:
        yield from again.words(rest)
    else:
        yield from again.words(rest[1:])


def _found(words: Sequence[str], again: _Again) -> Iterator[Started]:
    """Yield what find runs of the files below its first directory."""
    below = next((word for word in words[1:] if not word.startswith("-")), ".").rstrip("/")
    for at, word in enumerate(words):
        if word in ("-exec", "-execdir", "-ok", "-okdir"):
            rest = words[at + 1 :]
            end = next((to for to, one in enumerate(rest) if one in (";", "+")), len(rest))
            yield from again.words([one.replace("{}", f"{below}/*") for one in rest[:end]])


def _kept(words: Sequence[str], again: _Again) -> Iterator[Started]:
    """Yield what start-stop-daemon starts: ``--startas``, else ``--exec``, and its arguments."""
    own = list(words[1:])
    rest: list[str] = []
    if "--" in own:
        at = own.index("--")
        own, rest = own[:at], own[at + 1 :]
    if any(word in ("--stop", "--status", "--signal", "--test", "-K", "-T", "-t") for word in own):
        return
    values = {}
    for at, word in enumerate(own):
        name, equals, value = word.partition("=")
        following = own[at + 1] if at + 1 < len(own) else ""
        if name in ("--exec", "--startas", "--chdir", "--chroot"):
            values[name] = value if equals else following
        elif word.startswith("-") and not word.startswith("--"):
            for short, long in (("x", "--exec"), ("a", "--startas"), ("d", "--chdir")):
                if word == f"-{short}" or (word.endswith(short) and word[1:-1].isalpha()):
                    values[long] = following
                elif word.startswith(f"-{short}"):
                    values[long] = word[2:]
    program = values.get("--startas") or values.get("--exec", "")
    if program:
        again = replace(again, directory=values.get("--chdir", again.directory))
        root = values.get("--chroot", "")
        yield from replace(again, root=f"{again.root}{root}").words([program, *rest])


def _daemon(words: Sequence[str], again: _Again) -> Iterator[Started]:
    """Yield what one of the programs and functions called daemon runs.

    That of Red Hat's scripts joins its arguments, and has a shell read them.
    """
    long = ("name", "check", "user", "pidfile", "output", "stdout", "stderr", "errlog")
    rest, options = _behind(words, Wrapper("pPuotlsTmRnUCFE", long=long))
    if {"stop", "running", "restart"} & options.keys():
        return
    if rest and " " in rest[0].strip():
        yield from again.text(" ".join(rest))
    else:
        yield from again.words(rest)
