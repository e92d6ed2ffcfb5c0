"""The system we run on: the only place that asks which one it is.

``system`` is the module for it. All of these modules have the same names.
"""

from __future__ import annotations

import sys

if sys.platform == "linux":
    from slashservice.supervise.platform import linux as system
else:
    from slashservice.supervise.platform import bsd as system

__all__ = ["system"]
