"""The words by which slashservice recognises its own files and lines on a host."""

from __future__ import annotations

OUR_FILE = b"slashservice install"
"""Every file that is wholly ours contains these words: see :mod:`slashservice.init_templates`."""

BEGIN = b"# begin slashservice\n"
END = b"# end slashservice\n"
"""The lines around what is ours in a file that is somebody else's."""
