"""Has a playbook write each result into the file ``RESULTS``, a line of JSON for each."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: results
    type: notification
    short_description: Writes results down
    description: For the tests of the collection.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # of a package that has no types
    """Is told what happens."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, how: str, result: Any) -> None:
        line = {
            "how": how,
            "host": result._host.get_name(),
            "task": result._task.get_name().partition(" : ")[2] or result._task.get_name(),
            "result": result._result,
        }
        with open(os.environ["RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note("unreachable", result)
