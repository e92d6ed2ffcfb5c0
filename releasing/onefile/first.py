"""The first module of ``slashservice.pyz``, in words that the oldest Python can read.

It says what this Python lacks, in one line. Then it starts Python once more: isolated, so that
nothing of a current directory, a home or a variable is loaded by whoever is root.
"""

# ruff: noqa: SIM905, UP031, UP036

import os
import sys

lacks = ""
if sys.version_info < (3, 10):
    lacks = "Python 3.10 or newer is needed, and this is %d.%d" % sys.version_info[:2]
elif not sys.executable:
    lacks = "this Python does not know its own path"
if not lacks and not sys.flags.isolated:
    os.execv(sys.executable, [sys.executable, "-I", "-B", "-Xutf8"] + sys.argv)  # noqa: RUF005
if not lacks:
    try:
        for part in "difflib importlib.metadata json shutil tarfile zipfile zlib".split():
            __import__(part)
    except ImportError:
        lacks = "%s lacks parts of its standard library: install the package python3 whole"
        lacks = lacks % sys.executable
if lacks:
    sys.stderr.write("slashservice: fatal: %s\n" % lacks)
    sys.exit(111)

__import__("slashservice_unpack").main(sys.argv[0])
