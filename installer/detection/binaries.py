"""Tell of a compiled program that it can't run another one: it calls nothing that could.

Such a program may be told the name of a scanner; it does something else with it.
"""

from __future__ import annotations

import re

from slashservice.installer.host.host import Host

LIMIT = 4 << 20
"""Bytes of a program that is looked into."""

RUNS = re.compile(
    rb"\0(?:_*(?:exec[vl]\w*|fexecve|posix_spawn\w*|system|popen|dlopen|wordexp|syscall))(?=[\0@])"
)
"""Functions by which a program may run another, or load what does."""

LIBRARY = re.compile(rb"\0((?:lib|ld-)[\w.+-]+\.so[.\d]*)(?=\0)")
PLAIN = re.compile(
    rb"(?:ld-.*|lib(?:c|m|pthread|dl|rt|cap|acl|attr|selinux|e2p|com_err|pcre2?-?8?|z|gcc_s|crypt"
    rb"|lzma|bz2|zstd|md|tinfo|ncursesw?)\..*)"
)
"""Libraries that run nothing for those who call them."""


def runs_nothing(host: Host, path: str) -> bool:
    """Tell whether the program at ``path`` surely runs no other; not where that can't be told.

    One that brings its libraries with it names none of their functions.
    """
    status = host.stat(path)
    if status is None or status.st_size > LIMIT:
        return False
    data = host.read(path) or b""
    libraries = LIBRARY.findall(data)
    if not data.startswith(b"\x7fELF") or not libraries or RUNS.search(data):
        return False
    return all(PLAIN.fullmatch(one) for one in libraries)
