"""The command line of a verb: options anywhere among the words, until ``--``.

An option has the forms ``-x``, ``-x VALUE``, ``-xVALUE``, ``--long``, ``--long VALUE`` and
``--long=VALUE``; short ones may stand together, as ``-fn5``. That is as in the other verbs of
``slashservice``, whose parser takes longer to start than these verbs to run.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import output, typed
from slashservice.supervise.messages import Quit
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELP = ("-h", "--help")

COMMON = {"service-dir": True, "user": False}
"""Options that all verbs have."""


class Arguments:
    """What was given: ``words``, and options by their long names, without the dashes.

    ``known`` has the options that there are besides ``COMMON``, each with whether it takes a value;
    ``short`` has other names of them. ``text`` is the help, whose first line is the usage.
    ``directory`` is the scan directory, at first the usual one. Raises ``Quit``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        text: str,
        known: Mapping[str, bool],
        short: Mapping[str, str],
        directory: str,
    ) -> None:
        known = {**known, **COMMON}
        self._usage = text.partition("\n")[0]
        self.words: list[str] = []
        self.given: dict[str, str] = {}
        left = list(argv)
        while left:
            word = left.pop(0)
            if word == "--":
                self.words += left
                break
            if word in HELP:
                raise Help(text)
            if word[:1] != "-" or word == "-":
                self.words.append(word)
                continue
            if word[1] != "-" and len(word) > 2 and word[2] not in "=-" and word[:2] in short:
                takes = known[short[word[:2]]]
                left.insert(0, word[2:] if takes else "-" + word[2:])
                word = word[:2]
            name, equals, value = word.partition("=")
            name = short.get(name, name.removeprefix("--") if word[:2] == "--" else "")
            if name not in known or (equals and not known[name]):
                raise self.wrong(f"there is no option {word}")
            if known[name] and not equals:
                if not left:
                    raise self.wrong(f"{word} takes a value")
                value = left.pop(0)
            if known[name] and not value:
                raise self.wrong(f"{word.partition('=')[0]} was given nothing")
            self.given[name] = value
        if "" in self.words:
            raise self.wrong("an empty word names no service")
        self.directory = os.path.abspath(self._directory(directory))

    def _directory(self, usual: str) -> str:
        if "service-dir" in self.given:
            given = os.path.abspath(self.given["service-dir"])
            typed.where = ["--service-dir", given]
            return given
        if "user" not in self.given:
            return usual
        typed.where = ["--user"]
        own = places.own_scan_directory()
        if not own:
            raise output.fatal("you have no services of your own: slashservice install --user")
        return own

    def wrong(self, what: str) -> Quit:
        """Make the end of the verb for wrong usage; to be raised."""
        return output.usage(what, self._usage)


class Help(Exception):  # noqa: N818 - asked for
    """The help of a verb was asked for."""
