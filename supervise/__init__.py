"""The supervision suite: every daemontools command, on the standard library alone.

One program per module, named as its command; each has ``main(argv) -> status``.
:mod:`~slashservice.supervise.program` starts them.
"""
