"""The supervision suite: every daemontools command, on the standard library alone.

It is imported as ``slashservice.supervise``: ``pyproject.toml`` and each launcher map the folder
there, so that no package called ``supervise`` or ``installer`` lands at the top of a
site-packages.

The modules here are the hall: what every command needs. Each folder is a wing. A wing imports the
hall and the wings below it, never one above, and nobody imports a command:

- ``commands``: one module each, named as its command, with ``main(argv) -> status``
- ``services``: keeping services alive; ``hosting``: many loggers in one process
- ``protocol``: what supervisor and clients agree on, on disk; ``logs``: from a block to files
- ``chain``: becoming another program, or another of our commands
- ``platform``: what each kernel is asked in its own way

:mod:`~slashservice.supervise.program` starts every command; each launcher on disk names it.
"""
