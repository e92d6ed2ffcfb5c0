"""The scripts of a service that is imported: ``run``, ``finish``, and those in ``control/``.

Root reads the variables and sets the limits; then the account changes. Each program of ours looks
for the next one on the PATH that it was started with. So nothing of ours comes behind ``-e``.
"""

from __future__ import annotations

from shlex import quote

from slashservice.installer.converters.wanted import Step, Wanted
from slashservice.supervise.printable import printable

MADE = "# Made by `slashservice import` from"

BY_SOFTLIMIT = {"as": "a", "data": "d", "stack": "s", "rss": "r", "cpu": "t"}
"""Limits that a Python may not live under: softlimit sets them at the last moment."""

OURS = {"nofile": "o", "core": "c", "fsize": "f", "nproc": "p", "memlock": "l", **BY_SOFTLIMIT}
"""All that softlimit knows."""

TOLD = "told"
"""A file that is there while the service has been told to end, so that its end is no failure."""

USUAL_FINISH = 5
"""Seconds that a finish script may run unless its directory says more."""


def head(wanted: Wanted) -> str:
    """Return the first lines of each script."""
    return f"#!/bin/sh\n{MADE} {_one_line(wanted.origin)}.\n"


def run(wanted: Wanted, has_prlimit: bool) -> str:
    """Return the run script."""
    text = head(wanted) + "".join(f"# {_one_line(line)}\n" for line in wanted.comments)
    text += f"exec >>{quote(wanted.output)} 2>&1\n" if wanted.output else "exec 2>&1\n"
    text += _set(wanted)
    for folder in wanted.folders:
        text += make_folder(wanted, folder.path, folder.mode)
    for step in wanted.before:
        text += _step(wanted, step, "|| exit")
    for step in wanted.work:
        text += _step(wanted, step, "|| exit")
    text += _hard_limits(wanted, has_prlimit)
    prefix = words_before(wanted)
    command = (
        f"{prefix}/bin/sh -c {quote(wanted.line)}" if wanted.by_shell else prefix + wanted.line
    )
    if wanted.once and wanted.remains:
        return text + f"{command} || exit\nexec tail -f /dev/null\n"
    return text + f"exec {command}\n"


def make_folder(wanted: Wanted, path: str, mode: str) -> str:
    """Return the line that makes a directory for the account, whatever was there."""
    owner = f" -o {quote(wanted.user)}" if wanted.user else ""
    group = f" -g {quote(wanted.group)}" if wanted.group else ""
    if wanted.user and not group:
        group = f' -g "$(id -g {quote(wanted.user)})"'
    return f"install -d -m {mode}{owner}{group} {quote(path)} || exit\n"


def words_before(wanted: Wanted, *, limits: bool = True) -> str:
    """Return the commands that come before the program, with a space behind them."""
    words = _soft_limits(wanted) if limits else []
    options = []
    if wanted.unset or any(not is_inexact(value) for value in wanted.environment.values()):
        options.append("-e ./env")
    if wanted.user:
        user = ":".join([wanted.user, *([wanted.group, *wanted.groups] if wanted.group else [])])
        options.append(f"-u {quote(user)} -G")
    if wanted.directory:
        where = '"$directory"' if wanted.directory_may_lack else quote(wanted.directory)
        options.append(f"-C {where}")
    if wanted.nice:
        options.append(f"-n {wanted.nice}")
    if wanted.umask:
        options.append(f"-M {wanted.umask}")
    if wanted.no_new_privileges:
        options.append("-N")
    if wanted.argv0:
        options.append(f"-b {quote(wanted.argv0)}")
    words += [f"chpst {' '.join(options)}"] if options else []
    return " ".join([*words, ""])


def _hard_limits(wanted: Wanted, has_prlimit: bool) -> str:
    """Return the lines that set hard limits of the script itself, and how soon it is killed.

    A container may not allow that. Then the service starts all the same, as it does by systemd.
    """
    text = ""
    for name, (soft, hard) in wanted.limits.items():
        if has_prlimit and name not in BY_SOFTLIMIT:
            text += f"prlimit --pid $$ --{name}={soft}:{hard} || :\n"
    if wanted.score:
        text += f"echo {wanted.score} >/proc/$$/oom_score_adj || :\n"
    return text


def _soft_limits(wanted: Wanted) -> list[str]:
    """Return the command that sets soft limits, as near as the hard ones let it."""
    options = [
        f"-{OURS[name]}{'=' if soft == 'unlimited' else soft}"
        for name, (soft, _) in wanted.limits.items()
        if name in OURS
    ]
    return [f"softlimit {' '.join(options)}"] if options else []


def _step(wanted: Wanted, step: Step, failing: str) -> str:
    """Return the lines of a command that is run before the service, or after it."""
    one = wanted
    if step.as_root:
        one = Wanted(wanted.name, wanted.origin, environment=wanted.environment)
        one.unset = wanted.unset
        one.directory, one.directory_may_lack = wanted.directory, wanted.directory_may_lack
    argv0, wanted.argv0 = wanted.argv0, ""
    command = f"{words_before(one, limits=False)}/bin/sh -c {quote(step.line)}"
    wanted.argv0 = argv0
    if step.beside:
        return f"( MAINPID=$$; export MAINPID; {command} </dev/null & )\n"
    return f"{command}{' || :' if step.ignored else ' ' + failing if failing else ''}\n"


def _set(wanted: Wanted) -> str:
    """Return the lines that set the variables which later lines go by."""
    text = ". ./variables\n" if variables(wanted) else ""
    if wanted.directory_may_lack:
        text += f'directory={quote(wanted.directory)}\n[ -d "$directory" ] || directory=/\n'
    return text


def variables(wanted: Wanted) -> str:
    """Return what sets the variables that no file of ``env`` can hold."""
    found = {name: value for name, value in wanted.environment.items() if is_inexact(value)}
    return "".join(f"export {name}={quote(value)}\n" for name, value in found.items())


def is_inexact(value: str) -> bool:
    """Tell whether envdir would take something off a value."""
    return value.endswith((" ", "\t"))


def has_finish(wanted: Wanted) -> bool:
    """Tell whether a finish script is needed."""
    gone = any(not folder.kept for folder in wanted.folders)
    return bool(
        wanted.after or gone or wanted.restart != "always" or _pause(wanted) or wanted.final
    )


def finish(wanted: Wanted) -> str:
    """Return the finish script: what comes after the end, and whether it is started again.

    What has been told to end was told by somebody, who says what comes next. Otherwise ``svc -d``
    has the service stay down, and 125 as failed.
    """
    text = head(wanted) + "exec 2>&1\n"
    text += _set(wanted) if wanted.after else ""
    text += _result(wanted) if wanted.after and wanted.after_knows else ""
    for step in wanted.after:
        text += _step(wanted, step, "")
    for folder in wanted.folders:
        if not folder.kept:
            text += f"rm -rf -- {quote(folder.path)}\n"
    if _heeds_orders(wanted):
        text += f"if rm {TOLD} 2>/dev/null; then exit 0; fi\n"
    if _is_conditional(wanted):
        text += f"case $1/$(($2 % 128)) in\n{_cases(wanted)}esac\n"
    if _pause(wanted):
        text += 'case "$(cat supervise/stat)" in *"want down"*) exit 0 ;; esac\n'
        text += f"sleep {_pause(wanted):g}\n"
    return text


def _is_conditional(wanted: Wanted) -> bool:
    """Tell whether it depends on its end whether the service is started again."""
    return wanted.restart != "always" or bool(wanted.final)


def _heeds_orders(wanted: Wanted) -> bool:
    """Tell whether ``finish`` has to know if the service was told to end."""
    return _is_conditional(wanted) or bool(_pause(wanted))


def _result(wanted: Wanted) -> str:
    """Return the lines that set what systemd tells ``ExecStopPost=`` of the end."""
    return f"""case $1 in
-1)
    EXIT_CODE=killed EXIT_STATUS=$(kill -l $(($2 % 128))) SERVICE_RESULT=signal
    [ "$2" -lt 128 ] || EXIT_CODE=dumped SERVICE_RESULT=core-dump ;;
*) EXIT_CODE=exited EXIT_STATUS=$1 SERVICE_RESULT=exit-code ;;
esac
case $1/$(($2 % 128)) in
{_pattern(wanted.clean)}) SERVICE_RESULT=success ;;
esac
export EXIT_CODE EXIT_STATUS SERVICE_RESULT
"""


def _pause(wanted: Wanted) -> float:
    """Return the seconds between an end and the next start, beyond the second that there is."""
    return wanted.restart_seconds if wanted.restart_seconds > 1 else 0


AGAIN, DOWN, FAILED = ":", "svc -d .; exit 0", "exit 125"

OUTCOMES = {
    "always": (AGAIN, AGAIN, AGAIN),
    "no": (DOWN, FAILED, FAILED),
    "never-failed": (DOWN, DOWN, DOWN),
    "on-failure": (DOWN, AGAIN, AGAIN),
    "on-success": (AGAIN, FAILED, FAILED),
    "on-abnormal": (DOWN, FAILED, AGAIN),
}
"""What is done after a good end, another exit status, and another signal."""


def _cases(wanted: Wanted) -> str:
    """Return the cases of ``CODE/SIGNAL``, of which the first one that fits counts."""
    clean, code, killed = OUTCOMES[wanted.restart]
    lines = []
    if wanted.forced:
        lines.append((_pattern(wanted.forced), AGAIN))
    if wanted.final:
        lines.append((_pattern(wanted.final), DOWN if clean == DOWN else FAILED))
    if clean != code or clean != killed:
        lines.append((_pattern(wanted.clean), clean))
    if code != killed:
        lines.append(("-1/*", killed))
    lines.append(("*", code))
    return "".join(f"{pattern}) {what} ;;\n" for pattern, what in lines)


def _pattern(ends: tuple[str, ...]) -> str:
    """Return the pattern of shell for exit statuses and signals."""
    import signal

    found = []
    for one in ends:
        if one.isdigit():
            found.append(f"{one}/*")
        else:
            found.append(f"-1/{int(signal.Signals['SIG' + one])}")
    return " | ".join(found) or "none"


def finish_milliseconds(wanted: Wanted) -> int:
    """Return how long the finish script may run; 0 if as long as any."""
    longer = _pause(wanted) + wanted.finish_seconds
    return int((longer + USUAL_FINISH) * 1000) if longer else 0


def control_t(wanted: Wanted) -> str:
    """Return the script that is run before the service is told to end; empty if there is none."""
    if not (wanted.stop or wanted.stop_group or _heeds_orders(wanted)):
        return ""
    text = head(wanted) + "exec 2>&1\n"
    if _heeds_orders(wanted):
        text += f": >{TOLD}\n"
    text += (_set(wanted) + _main_pid(wanted.stop)) if wanted.stop else ""
    for step in wanted.stop:
        text += _step(wanted, step, "|| :")
    if wanted.stop_group:
        name = wanted.stop_signal or "TERM"
        return text + f'# All of its process group.\nkill -{name} -"$(cat supervise/pid)"\n'
    return text + "# The signal itself is sent behind this.\nexit 1\n"


def control_h(wanted: Wanted) -> str:
    """Return the script that is run instead of HUP; empty if HUP it is."""
    if not wanted.reload:
        return ""
    text = head(wanted) + "exec 2>&1\n" + _set(wanted) + _main_pid(wanted.reload)
    for step in wanted.reload:
        text += _step(wanted, step, "|| :")
    return text + "exit 0\n"


def _main_pid(steps: list[Step]) -> str:
    """Return the line that sets MAINPID for these: a program may ask for it itself."""
    if steps:
        return "MAINPID=$(cat supervise/pid)\nexport MAINPID\n"
    return ""


def _one_line(text: str) -> str:
    """Return text as it may be in a comment."""
    return printable(text)
