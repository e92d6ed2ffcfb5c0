"""What is said to type, as it has to be typed: an image and an account's home are named by options.

All that the installer advises passes through here before it is shown. So whoever writes advice
writes it as it is for the host itself.
"""

from __future__ import annotations

import re
import shlex

from slashservice.installer.host.package import Package

VERBS = "install|uninstall|plan|status|doctor|detect|add|remove|import|export"
OURS = re.compile(rf"(?<![\w/`-])slashservice ({VERBS})\b(?! --(?:root|user)\b)(?!`)")
MENDS = re.compile(r"(?<![\w/`-])slashservice install\b(?! --user)(?: --\S+)*(?!`)")
REMOVES = re.compile(r"(?<![\w/`-])slashservice uninstall\b(?! --user)(?!`)")
SYSTEMCTL = re.compile(r"(?<![\w/-])systemctl (?!--)")
TOOLS = re.compile(r"(?<![\w/-])(?:chmod|chown|mkdir|mv|rm)(?= )[^;,\n]*")
PATH = re.compile(r"(?<= )/[^\s;,]*")

_where = {"options": "", "root": ""}
_package: list[Package] = []


def work_on(root: str, own: bool) -> None:
    """Let what is said be for the image at ``root``, or for what an account has, if ``own``."""
    image = root.rstrip("/")
    _where["root"] = shlex.quote(image) if image else ""
    _where["options"] = f"--root {_where['root']}" if image else "--user" if own else ""


def leave_to(brought: Package | None) -> None:
    """Let a package's own commands be advised where it has brought all."""
    _package[:] = [brought] if brought else []


def typed(line: str) -> str:
    """Return a line of advice with the commands in it as they have to be typed."""
    options, root = _where["options"], _where["root"]
    for one in _package:
        line = MENDS.sub(one.again or one.mend, line)
        line = REMOVES.sub(one.remove, line)
    if not options:
        return line
    line = OURS.sub(lambda found: f"{found[0]} {options}", line)
    if root:
        line = SYSTEMCTL.sub(lambda _: f"systemctl --root {root} ", line)
        line = TOOLS.sub(lambda tool: PATH.sub(_inside, tool[0]), line)
    return line


def _inside(path: re.Match[str]) -> str:
    """Return a path as it is in the image, which it may be already."""
    root = _where["root"]
    return path[0] if path[0] == root or path[0].startswith(f"{root}/") else root + path[0]
