"""Services of other supervisors, made into service directories; and the way to another host.

A reader for each format makes a :class:`~slashservice.installer.converters.wanted.Wanted` of each
service. ``render`` makes a service directory of it. What has no counterpart is told of, line by
line (``losses``); what would make another service of it is refused.
"""
