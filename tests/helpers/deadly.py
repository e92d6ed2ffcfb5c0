"""A logger that is killed before one of its system calls."""

from __future__ import annotations

import os
import signal

from slashservice.supervise.logs import folder, logdir, processor
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out


class Deadly:
    """The ``os`` of a process that kills itself before its n-th system call of any kind."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.pid = os.getpid()

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if not callable(real):
            return real

        def call(*arguments: object, **keywords: object) -> object:
            self.left -= os.getpid() == self.pid  # and not of a processor's
            if self.left == 0 and os.getpid() == self.pid:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keywords)

        return call


def log_and_die(script: list[bytes], text: bytes, number: int) -> bool:
    """Have a child log the text, and once more; tell whether it died before call ``number``."""
    pid = os.fork()
    if pid == 0:
        try:
            logger = Logger(script)
            carry_out(logger.start(os.open(".", os.O_RDONLY)))
            carry_out(logger.feed(text))
            deadly = Deadly(number)
            for module in (folder, logdir, processor):
                setattr(module, "os", deadly)  # noqa: B010 - it is no variable of the module's
            carry_out(logger.feed(text))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL
