"""The verbs of ``slashservice`` for services: standard library only, and fast to start.

- ``main``: which verb it is; ``arguments``: the command line of one; ``output``: where it writes
- ``seen``: all that can be seen of a service; ``everything``: of all; ``health``: in what state
- ``words``: times and ends as people say them; ``table``: many services in columns
- ``listing``: ``slashservice list``; ``as_json``: the same for programs
"""
