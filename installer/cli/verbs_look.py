"""The verbs that only look: ``detect``, ``status``, ``doctor``."""

from __future__ import annotations

import json

from plumbum import cli

from slashservice.installer import status
from slashservice.installer.cli.remedies import typed
from slashservice.installer.cli.verb import DONE, TROUBLE, WRONG, OwnVerb, printed, say, systems_of
from slashservice.installer.detection.general import OFFLINE
from slashservice.installer.doctor import examine
from slashservice.installer.findings import Finding
from slashservice.installer.record import recovery
from slashservice.supervise.printable import printable_json


class Detect(OwnVerb):
    """Say which init system runs the host, and why."""

    as_json = cli.Flag("--json", help="say it as JSON, with all the evidence")
    explain = cli.Flag("--explain", help="show the evidence")

    def main(self) -> int:
        """Print the verdict."""
        seen = self.look(self.host())
        evidence, verdict = seen.evidence, seen.verdict
        if self.as_json:
            plain = {"verdict": verdict.to_json(), "evidence": evidence.to_json()}
            say(printable_json(json.dumps(plain, indent=2, sort_keys=True)))
            return printed(DONE if verdict.name else TROUBLE)
        live = "" if verdict.live else ", judged by its files" if verdict.rule == OFFLINE else ""
        say(f"{verdict.name or 'unknown'}{live}")
        for line in verdict.reasons:
            say(f"  because {line}")
        for line in verdict.warnings:
            say(f"  warning: {line}")
        for line in verdict.advice:
            say(f"  {line}")
        if self.explain:
            say(printable_json(json.dumps(evidence.to_json(), indent=2, sort_keys=True)))
        return printed(DONE if verdict.name else TROUBLE)


class StatusVerb(OwnVerb):
    """Say what is installed, and whether it runs; exit 1 if not all is well."""

    as_json = cli.Flag("--json", help="say it as JSON")

    def main(self) -> int:
        """Print the status."""
        host = self.host()
        found = status.look(host)
        if self.as_json:
            say(printable_json(json.dumps(found.to_json(), indent=2, sort_keys=True)))
            return printed(DONE if found.good else WRONG)
        lines = status.lines(found)
        if found.receipt is None and not found.closed:
            lines = [*recovery.lost(self.look(host), systems_of(host))] or lines
        for line in lines:
            say(typed(line))
        return printed(DONE if found.good else WRONG)


class Doctor(OwnVerb):
    """Look for what is wrong, or soon will be; exit 1 if anything is."""

    as_json = cli.Flag("--json", help="say it as JSON")

    def main(self) -> int:
        """Print the findings."""
        seen = self.look(self.host())
        findings = [
            Finding(typed(one.what), typed(one.remedy), note=one.note)
            for one in examine(seen, systems_of(seen.host))
        ]
        if self.as_json:
            say(printable_json(json.dumps([vars(one) for one in findings], indent=2)))
        else:
            for one in findings:
                mark = "note: " if one.note else ""
                say(mark + one.what + (f"\n    {one.remedy}" if one.remedy else ""))
            if all(one.note for one in findings):
                say("nothing found wrong")
        return printed(DONE if all(one.note for one in findings) else WRONG)
