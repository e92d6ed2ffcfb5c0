"""The verbs of ``slashservice`` for services: standard library only, and fast to start.

``main`` knows which verbs there are, and ``arguments`` reads the command line of one. Of services:

- ``everything``: which there are; ``seen``: all that can be seen of one; ``health``: its state
- ``said``: what one logged last; ``leftovers``: processes of one that has ended
- ``words``: times and ends as people say them; ``table``: columns; ``output``: where it goes

The verbs:

- ``listing``, by ``overview`` and ``as_json``, and ``watching`` for ``--watch``
- ``verbs`` for those that steer, by ``orders`` and ``steering``; ``waiting``
- ``logs``, ``editing``, ``variables``, ``enabling``
"""
