"""Writes down each line of ours that a process reaches, as it reaches it.

``./coverage`` puts this text behind that of ``supervise/__init__.py`` and of
``installer/__init__.py``, in the copy of the code that it has tested. coverage.py itself
would not do: our processes are killed, exec and ``_exit``, run as other accounts, and have
next to no memory, descriptors or environment, or may write no more. So a line that was reached
is a folder with a name: making one takes no descriptor and no byte of a file.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any


def _record_lines(folder: str) -> None:
    """Have each process make a folder in ``folder`` for each line it reaches."""
    import _thread
    import sys
    from posix import mkdir

    left: dict[int, tuple[CodeType, str, set[int]]] = {}
    # For the id of each piece of code its file, and its lines that were not reached yet.

    def name_of(path: str) -> str:
        for package in ("/supervise/", "/installer/"):
            place = path.rfind(package)
            if place >= 0 and "/tests/" not in path:
                return path[place + 1 :]
        return ""

    def record(name: str, line: int) -> None:
        try:
            mkdir(f"{folder}/{name.replace('/', '!')}:{line}")
        except OSError:
            pass  # another process has been there

    def called(frame: "FrameType", event: str, argument: object) -> "Callable[..., Any] | None":
        """Look at the lines of a function if some were not reached yet."""
        code = frame.f_code
        entry = left.get(id(code))
        if entry is None:
            name = name_of(code.co_filename)
            lines = {line for _, _, line in code.co_lines() if line} if name else set()
            entry = left[id(code)] = (code, name, lines)
        if not entry[2]:
            return None
        return reached(frame, event, argument)

    def reached(frame: "FrameType", event: str, argument: object) -> "Callable[..., Any]":
        _, name, lines = left[id(frame.f_code)]
        line = frame.f_lineno
        if line in lines:
            lines.discard(line)
            record(name, line)
        return reached

    def traced(function: "Callable[..., Any]") -> "Callable[..., Any]":
        def run(*arguments: object, **keywords: object) -> object:
            sys.settrace(called)
            return function(*arguments, **keywords)

        return run

    def starting(start: "Callable[..., Any]") -> "Callable[..., Any]":
        return lambda function, *more, **options: start(traced(function), *more, **options)

    if sys.gettrace() is None:
        for name in ("start_new_thread", "start_joinable_thread"):
            start = getattr(_thread, name, None)
            if start is not None:
                setattr(_thread, name, starting(start))
        if "threading" in sys.modules:  # it has these functions under names of its own
            sys.modules["threading"].settrace(called)
        sys.settrace(called)


if "@lines@".startswith("/"):  # it is a copy
    _record_lines("@lines@")
