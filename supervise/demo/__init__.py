"""The demonstration, ``slashservice demo``: svscan on a few small services, shown as they live.

- ``main``: the command
- ``place``: the folder that it happens in, and the services
- ``guard``: a process that keeps svscan running, and ends everything when nobody looks any more
- ``news``: what has happened, in sentences; ``view``: what a screen shows of all
- ``show``: looks at the services, shows them, does what keys say; ``paper``: where it is shown
"""
