"""Reads KTAP, the output of a test kernel, and the table of cases in its source."""

import re
from dataclasses import dataclass, field

ROW = re.compile(r"\bTEST(_FATAL)?\((\w+)\),")  # clang-format may put two in a line
RESULT = re.compile(r"^(ok|not ok) (\d+) (\w+)(?: # SKIP (.*))?$")


@dataclass
class Case:
    passed: bool
    skipped: str = ""
    notes: list = field(default_factory=list)  # the lines between its start and its result


@dataclass
class Report:
    planned: int = -1
    cases: dict = field(default_factory=dict)


def listed_cases(source):
    """Names in a suite's table; without those that end the machine."""
    return [name for fatal, name in ROW.findall(source.read_text()) if not fatal]


def parse(output):
    report, notes = Report(), []
    for line in output.splitlines():
        plan = re.match(r"^1\.\.(\d+)$", line)
        result = RESULT.match(line)
        if plan:
            report.planned = int(plan[1])
        elif result:
            verdict, _, name, skipped = result.groups()
            report.cases[name] = Case(verdict == "ok", skipped or "", notes)
            notes = []
        elif line.startswith("# start "):
            notes = []
        else:
            notes.append(line)
    report.rest = notes
    return report
