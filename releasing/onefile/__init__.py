"""``slashservice.pyz``: all of slashservice in a single file, for a host that has only Python.

``first.py`` is its ``__main__.py``, which any Python can read. ``slashservice_unpack.py`` unpacks
the rest, runs it, and removes it. ``build.py`` makes the file, ``collect.py`` what is in it.
"""
