"""docs/experiments.md: its commands are typed, its answers are compared.

An experiment is a section with a line `$ make run ...`; each `strata> ` line of it is typed on a
machine of its own, and what follows has to come, in this order.  Numbers may be others, of any length;
`...` stands for any lines.  So the shape is what is compared; what the text claims of the numbers is in
CLAIMS.  While programs run, time is counted in instructions (-icount): a busy machine changes nothing."""

import re
import shlex

import pytest

from machine import PROMPT, ROOT, Machine, qemu_shell

PAGE = ROOT / "docs/experiments.md"
SECTIONS = dict(re.findall(r"^## (\d+\. .*)\n([\s\S]*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE))
EXPERIMENTS = [title for title, text in SECTIONS.items() if PROMPT in text]
COUNTED = ("-icount", "shift=0")
NUMBER = re.compile(r"0x[0-9a-f]+|\b(?=[a-f]*\d)[0-9a-f]{8}\b|(?<![a-zA-Z])-?\d+")
NEAR = 4096  # `poke` behind an object: its address and a little


def kernel_parameters(text):
    words = shlex.split(re.search(r"^    \$ make run(.*)$", text, re.MULTILINE)[1])
    return " ".join(word.removeprefix("APPEND=") for word in words)


def dialogue(text):
    """[(command, lines of the answer)]"""
    turns = []
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        if line.startswith(PROMPT):
            turns.append((line[len(PROMPT):], []))
        elif turns:
            turns[-1][1].append(line)
    return turns


def pattern(lines):
    """A regular expression for these lines, blanks between words and all numbers being free."""
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        words = [NUMBER.sub("\0", word) for word in line.removesuffix(" ...").split()]
        parts.append(r" *" + r" +".join(re.escape(word).replace("\0", r"-?(?:0x)?[0-9a-f]+") for word in words)
                     + (r".*\n" if line.endswith(" ...") else r" *\n"))
    return "".join(parts)


class Experiment:
    """Types one experiment; `answers` are what the machine said."""

    def __init__(self, shell, text):
        self.moved = {}  # addresses of the document: what they are on this machine
        self.commands, self.answers = [], []
        for command, lines in dialogue(text):
            self.commands.append(self.here(command))
            answer = shell.command(self.commands[-1])
            assert re.fullmatch(pattern(lines), answer.rstrip("\n") + "\n") or not lines, \
                f"{command}\n--- expected\n" + "\n".join(lines) + f"\n--- got\n{answer}"
            self.answers.append(answer)
            self.note_addresses("\n".join(lines), answer)

    def note_addresses(self, document, answer):
        for there, here in zip(re.findall(r"^(0xc[0-9a-f]{7}) ", document, re.MULTILINE),
                               re.findall(r"^(0xc[0-9a-f]{7}) ", answer, re.MULTILINE)):
            self.moved[int(there, 16)] = int(here, 16)

    def here(self, command):
        """The command with the addresses of this machine."""
        for there, here in self.moved.items():
            command = re.sub(r"0xc[0-9a-f]{7}", lambda match, there=there, here=here: hex(
                int(match[0], 16) - there + here if 0 <= int(match[0], 16) - there < NEAR
                else int(match[0], 16)), command)
        return command


def normal(answer):
    """buddyinfo's row of zone Normal."""
    return [int(count) for count in re.search(r"zone +Normal +([\d ]+)$", answer, re.MULTILINE)[1].split()]


def units(answer):
    """pagetypeinfo: units of zone Normal, unmovable and movable."""
    return [int(re.search(rf"^Normal +{name} +(\d+) ", answer, re.MULTILINE)[1])
            for name in ("Unmovable", "Movable")]


def of_zone(answer, name):
    zone = answer.split("zone   Normal")[1]
    return int(re.search(rf"\b{name} +(\d+)$", zone, re.MULTILINE)[1])


def claim_split(answers):
    before, with_one, _, with_all, after = (normal(a) if "zone" in a else None for a in answers)
    assert before[10] - with_one[10] == 1 and with_all[10] < with_one[10]
    blocks = [int(address, 16) for address in re.findall(r"2097152  (0x\w+)", answers[2])]
    assert any(a ^ b == 2097152 for a in blocks for b in blocks)
    assert after == before


def claim_hot(answers):
    assert of_zone(answers[1], "hot") > 50 and of_zone(answers[3], "hot") == 0
    assert of_zone(answers[1], "free") == of_zone(answers[3], "free")


def claim_steal(answers):
    first, kernel, program = (units(answer) for answer in answers)
    assert kernel == [first[0] + 3, first[1] - 3]
    assert program == [0, sum(first)]


def claim_watermark(answers):
    zone = answers[1]
    assert of_zone(zone, "min") <= of_zone(zone, "free") <= of_zone(zone, "low")
    assert int(re.search(r"(\d+) +\d+  empty slabs", answers[2])[1]) > 0


def claim_compaction(answers):
    before, after = normal(answers[1]), normal(answers[4])
    assert before[0] >= 5120 and before[10] == 0
    assert after[0] < 1024 and after[10] >= 4
    assert answers[2].splitlines()[2].split()[-1].startswith("0.9")
    assert answers[5].splitlines()[2].split()[-1] == "-1.00"


def claim_huge(answers):
    assert "4 MiB page" in answers[2] and "PTE" not in answers[2]


def claim_slab(answers):
    full, two = (re.search(r"^ *(\d+) +(\d+) +\d+% +\d+ +(\d+) .* process$", answer, re.MULTILINE)
                 for answer in (answers[2], answers[4]))
    assert full.groups() == ("8", "8", "1") and two.groups() == ("16", "9", "2")


CLAIMS = [claim_split, claim_hot, claim_steal, claim_watermark, claim_compaction, claim_huge, claim_slab]


@pytest.mark.parametrize("title", EXPERIMENTS)
def test_experiment(title):
    text = SECTIONS[title]
    with qemu_shell(Machine("64M", "qemu32"), kernel_parameters(text), extra=COUNTED) as shell:
        answers = Experiment(shell, text).answers
        assert "validators passed" in shell.command("check") or "slab_validate" in text
    number = int(title.split(".")[0])
    if number <= len(CLAIMS):
        CLAIMS[number - 1](answers)


def test_all_were_found():
    assert len(EXPERIMENTS) == 11 and len(SECTIONS) == 12
