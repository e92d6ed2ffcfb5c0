"""``slashservice``: the command line.

Exit status: 0 done, or nothing to do; 2 a dry run found something to do; 1 ``status`` or
``doctor`` found something wrong; 100 wrong usage; 111 trouble, or a refusal. Each message
is one line, ``slashservice: fatal: what``, with advice below it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable

from plumbum import cli

from slashservice.installer import streams
from slashservice.installer.cli.remedies import typed
from slashservice.installer.cli.verb import (
    DONE,
    MISUSE,
    TROUBLE,
    Ended,
    Misuse,
    Unprinted,
    Verb,
    printed,
    say,
)
from slashservice.installer.errors import Refusal, Trouble, WrongUse, internal, reason
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.plan import source
from slashservice.supervise.admin import main as admin
from slashservice.supervise.messages import Quit
from slashservice.supervise.printable import printable
from slashservice.supervise.program import call


class Slashservice(Verb):
    """Install daemontools into whatever init system a host has, and look after it."""

    PROGNAME = "slashservice"
    VERSION = source.version()
    CALL_MAIN_IF_NESTED_COMMAND = False

    @cli.switch(["-h", "--help"], overridable=True, group="Meta-switches", help="print this help")
    def help(self) -> None:
        """Print the verbs in groups, where plumbum has them by the alphabet."""
        from slashservice.installer.cli import overview

        verbs = {verb: str(sub.get().__doc__) for verb, sub in self._subcommands.items()}
        for line in overview.lines(verbs):
            say(line)
        printed()

    def main(self, *words: str) -> int:
        """Say what there is to choose from."""
        if words:
            raise Misuse(f"there is no verb {words[0]!r}; see slashservice --help")
        self.help()
        return MISUSE


HERE = "slashservice.installer.cli"
for verb, place in (
    ("install", f"{HERE}.verbs_install.Install"),
    ("plan", f"{HERE}.verbs_install.PlanOnly"),
    ("uninstall", f"{HERE}.verbs_install.Uninstall"),
    ("detect", f"{HERE}.verbs_look.Detect"),
    ("status", f"{HERE}.verbs_look.StatusVerb"),
    ("doctor", f"{HERE}.verbs_look.Doctor"),
    ("add", f"{HERE}.verbs_services.Add"),
    ("remove", f"{HERE}.verbs_services.Remove"),
    ("import", f"{HERE}.verbs_convert.Import"),
    ("export", f"{HERE}.verbs_convert.Export"),
):
    Slashservice.subcommand(verb, place)


class Starts(Verb):
    """A verb for services. They are done by modules that start faster; here is their place."""

    def main(self, *words: str) -> int:
        """Do it."""
        return call(lambda argv: admin.main([str(self.PROGNAME), *words]), [], "slashservice")


for verb, (_, what) in admin.VERBS.items():
    Slashservice.subcommand(verb, type(verb, (Starts,), {"__doc__": what, "PROGNAME": verb}))


class Drains(Verb):
    """What init systems call. It is done by a module that starts faster; here is its help."""

    own = cli.Flag("--user", help="what you have by install --user")

    def hand_on(self, *words: str) -> int:
        """Do it."""
        from slashservice.installer import boot_verbs

        own = ["--user"] if self.own else []
        return boot_verbs.main([words[0], *own, *words[1:]])


@Slashservice.subcommand("drain")
class Drain(Drains):
    """Stop all services, then their logs, and svscan, and wait for it."""

    USAGE = "    slashservice drain [-s] [-t SECONDS] [--user | DIR]\n"

    stay = cli.Flag("-s", help="svscan stays, idle")
    limit = cli.SwitchAttr("-t", str, "120", argname="SECONDS", help="how long that may take")

    def main(self, *directory: str) -> int:
        """Drain."""
        stay = ["-s"] if self.stay else []
        return self.hand_on("drain", *stay, "-t", self.limit, *directory)


@Slashservice.subcommand("running")
class IsRunning(Drains):
    """Print the pid of the svscan that runs; exit 100 if none does."""

    USAGE = "    slashservice running [-a] [--user | DIR]\n"

    left = cli.Flag("-a", help="daemons that a dead svscan has left count, too")

    def main(self, *directory: str) -> int:
        """Look."""
        return self.hand_on("running", *(["-a"] if self.left else []), *directory)


@Slashservice.subcommand("help")
class Help(Verb):
    """Say what there is to choose from, or what a verb does."""

    USAGE = "    slashservice help [VERB]\n"

    def main(self, *verb: str) -> int:
        """Print the help."""
        if len(verb) > 1:
            raise Misuse("help takes one verb")
        if verb and verb[0] in admin.VERBS:
            return call(lambda argv: admin.main([verb[0], "--help"]), [], "slashservice")
        if verb and verb[0] not in Slashservice("slashservice")._subcommands:
            raise Misuse(f"there is no verb {verb[0]!r}; see slashservice --help")
        return int(Slashservice.run(["slashservice", *verb[:1], "--help"], exit=False)[1])


@Slashservice.subcommand("commands")
class Commands(Verb):
    """Put the daemontools commands into a folder."""

    USAGE = "    slashservice commands [--python PATH] DIR\n"

    python = cli.SwitchAttr("--python", str, "", argname="PATH", help="the interpreter to use")

    def main(self, folder: str) -> int:
        """Write a launcher for each command."""
        from slashservice.supervise.chain import launchers

        if not folder:
            raise Misuse("commands takes a directory, and was given nothing")
        folder = os.path.abspath(folder)
        python = os.path.abspath(self.python) if self.python else None
        if python and not (os.path.isfile(python) and os.access(python, os.X_OK)):
            raise Refusal(f"{python} is no program")
        taken = [name for name in launchers.COMMANDS if os.path.isdir(f"{folder}/{name}")]
        if taken:
            raise Refusal(f"{folder}/{taken[0]} is a directory", "Name another place than that.")
        for path in launchers.write(folder, python):
            say(path)
        return DONE


@Slashservice.subcommand("demo")
class Demo(Verb):
    """Show supervision at work in a folder of its own, as yourself."""

    USAGE = "    slashservice demo [DIR]\n"

    def main(self, *words: str) -> int:
        """Run the demonstration."""
        demo: Callable[[list[bytes]], int]
        demo = importlib.import_module("slashservice.supervise.demo.main").main
        try:
            return demo([os.fsencode(word) for word in words])
        except Quit as end:
            streams.complain(os.fsdecode(end.line))
            return end.status


@Slashservice.subcommand("completion")
class Completion(Verb):
    """Print the completions for a shell: bash, zsh or fish."""

    USAGE = "    slashservice completion bash|zsh|fish\n"

    def main(self, shell: cli.Set("bash", "zsh", "fish")) -> int:  # type: ignore[valid-type]
        """Print those of slashservice and of the commands."""
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "completion")
        texts = []
        for name in ("slashservice", "commands"):
            with open(os.path.join(folder, f"{name}.{shell}"), encoding="utf-8") as file:
                texts.append(file.read().rstrip("\n"))
        say(of_zsh(*texts) if shell == "zsh" else "\n\n".join(texts))
        return printed()


def of_zsh(verbs: str, commands: str) -> str:
    """Make one file of two: zsh calls it for whatever its first line names.

    The last line of each calls what is defined above it.
    """
    first, _, rest = verbs.partition("\n")
    names = commands.partition("\n")[0].removeprefix("#compdef")
    parts = [text.rpartition("\n") for text in (rest, commands)]
    (one, _, of_one), (other, _, of_other) = parts
    last = f"if [[ $service == slashservice ]]; then {of_one}; else {of_other}; fi"
    return "\n".join([first + names, one, other, last])


def main() -> None:
    """Be ``slashservice`` with any verb but those of ``start``. Never returns."""
    streams.guard()
    streams.end(run())


def run() -> int:
    """Do what the command line says, and all that can be told of it; return the exit status."""
    ended = _run()
    whole = not streams.unsaid
    streams.flush()
    if whole and streams.unsaid and ended != TROUBLE:
        complain("fatal", str(Unprinted(streams.unsaid[0])))
        return TROUBLE
    return ended


def _run() -> int:
    """Do what the command line says, and tell how that ended."""
    try:
        _, ended = Slashservice.run(["slashservice", *sys.argv[1:]], exit=False)
    except Ended as end:
        ended = end.status
    except Misuse as misuse:
        complain("usage", str(misuse))
        ended = MISUSE
    except WrongUse as misuse:
        complain("usage", misuse.what, *misuse.advice)
        ended = MISUSE
    except Refusal as refusal:
        complain("fatal", refusal.what, *refusal.advice)
        ended = TROUBLE
    except Interrupted as signal:
        again = " ".join(sys.argv[1:2])
        complain("fatal", f"interrupted by {signal}", f"slashservice {again}, once more, goes on")
        ended = TROUBLE
    except (Trouble, OSError) as error:
        said = reason(error) if isinstance(error, OSError) else str(error)
        complain("fatal", said, *getattr(error, "advice", ()))
        ended = TROUBLE
    except KeyboardInterrupt:
        complain("fatal", "interrupted")
        ended = TROUBLE
    except Exception as error:
        show(error)
        ended = TROUBLE
    else:
        if streams.unsaid and ended != TROUBLE:
            what = str(Unprinted(streams.unsaid[0]))
            complain("warning", what, "What is said above, or should be, is done all the same.")
    return ended


def show(error: Exception) -> None:
    """Tell of an error that nobody thought of: in one line, or all that Python knows of it."""
    if os.environ.get("SLASHSERVICE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    complain(
        "fatal", internal(error), "With SLASHSERVICE_DEBUG=1 all of it is shown: please report."
    )


def complain(kind: str, what: str, *advice: str) -> None:
    """Say what is wrong on standard error: in one line, with more lines below it."""
    first, *more = "\n".join(typed(one) for one in [what, *advice]).split("\n")
    lines = [f"slashservice: {kind}: {first}", *(f"    {line}" for line in more)]
    streams.complain("".join(f"{printable(line)}\n" for line in lines))
