"""Why a service can't be started: its run script, and what that names."""

from __future__ import annotations

import os
import shutil

from slashservice.supervise.admin import health, typed
from slashservice.supervise.admin.case import Cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashservice.supervise.admin.case import Case


def script(case: Case) -> Iterator[Cause]:
    """Can its run script be started at all?"""
    run = case.run
    path = typed.word(run.path)
    if case.state == health.MISSING:
        return
    if isinstance(run.error, FileNotFoundError):
        yield Cause(f"there is no {run.path}", case.command("edit"))
        return
    if os.path.isdir(run.path):
        yield Cause(f"{run.path} is a directory, and no script")
    if run.error or not os.path.isfile(run.path):
        return
    if not os.stat(run.path).st_mode & 0o111:
        yield Cause(f"{run.path} is not executable", f"chmod +x {path}")
    if run.first_line.endswith(b"\r"):
        yield Cause(
            f"the lines of {run.path} end in CR LF, as on Windows: the kernel looks "
            "for an interpreter of that name",
            f"sed -i 's/\\r$//' {path}",
        )
    elif not run.text.strip():
        yield Cause(f"{run.path} is empty", case.command("edit"))
    elif not run.interpreter and not run.text.startswith(b"\x7fELF"):
        yield Cause(
            f"{run.path} does not begin with #!, so the kernel can't run it",
            f"sed -i '1i #!/bin/sh' {path}",
        )
    else:
        yield from _interpreter(case)


def _interpreter(case: Case) -> Iterator[Cause]:
    script, *more = case.run.interpreter or [""]
    path = case.search_path()
    first = case.run.path
    edit = case.command("edit")
    if script and not os.access(script, os.X_OK):
        yield Cause(f"{first} is for {script}, which is not there", edit)
    elif (
        os.path.basename(script) == "env"
        and len(more) == 1
        and not shutil.which(more[0], path=path)
    ):
        name = more[0]
        yield Cause(f"{first} is for {name}, which is not on the PATH of services: {path}", edit)


def shell(case: Case) -> Iterator[Cause]:
    """Can its shell read the run script, and can the check script be run?"""
    readable = case.run.shell and not case.run.first_line.endswith(b"\r")
    if case.state == health.FAILING and readable:
        from slashservice.supervise.admin.editing import fault

        wrong = fault(case.run.path, case.run.text)
        if wrong:
            yield Cause(f"its shell can't read it: {wrong}", case.command("edit"))
    check = os.path.join(case.seen.path, "check")
    if os.path.isfile(check) and not os.access(check, os.X_OK):
        yield Cause(f"{check} is not executable", f"chmod +x {typed.word(check)}", is_note=True)


def programs(case: Case) -> Iterator[Cause]:
    """Are the accounts, directories and the program there that its run script names?

    That is of interest only where it does not run.
    """
    import grp
    import pwd

    if (case.seen.pid and case.state != health.FAILING) or case.state == health.CLOSED:
        return
    for account in case.run.accounts:
        try:
            if not account.lstrip(":").isdigit():
                pwd.getpwnam(account)
        except KeyError:
            yield Cause(f"there is no account {account}", f"useradd --system {typed.word(account)}")
    for group in case.run.groups:
        try:
            if not group.isdigit():
                grp.getgrnam(group)
        except KeyError:
            yield Cause(f"there is no group {group}", f"groupadd --system {typed.word(group)}")
    for folder in case.run.folders:
        path = os.path.join(case.seen.path, folder)
        if not os.path.isdir(path):
            yield Cause(
                f"there is no directory {path}, which envdir reads",
                f"mkdir {typed.word(path)}",
            )
    program = case.run.program
    if "/" in program:
        path = os.path.join(case.seen.path, program)
        if not os.path.exists(path):
            yield Cause(f"there is no program {path}", case.command("edit"))
        elif not os.access(path, os.X_OK):
            yield Cause(f"{path} is not executable", f"chmod +x {typed.word(path)}")
    elif program and not shutil.which(program, path=case.search_path()):
        yield Cause(
            f"there is no program {program} on the PATH of services: {case.search_path()}",
            case.command("edit"),
        )
