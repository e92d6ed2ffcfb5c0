"""How slashservice recognises on a host what is its own: by words in the files it wrote."""

from __future__ import annotations

OUR_FILE = b"slashservice install"
"""Every file that is wholly ours contains these words: see :mod:`slashservice.init_templates`."""

BEGIN = b"# begin slashservice\n"
END = b"# end slashservice\n"
"""The lines around what is ours in a file that is somebody else's."""
