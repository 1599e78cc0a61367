"""The documents: what they name exists, and what exists is documented."""

import re
import subprocess

import pytest

from machine import BUILD, ROOT, boot

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PROMISED = ["README.md", "docs/tour.md", "docs/experiments.md", "docs/memory-layout.md", "docs/glossary.md",
            "docs/style.md", "docs/testing.md", "docs/programs.md", "docs/faults.md", "docs/address-spaces.md",
            "docs/caches.md", "docs/files.md", "docs/pressure.md", "docs/system-calls.md", "docs/proofs.md",
            "docs/sanitizers.md"]
FOLDERS = ("boot", "kernel", "mm", "shell", "user", "tests", "tools", "docs", ".ci")
LINE_MAX = 105
MAKE_TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
COMMANDS = re.findall(r'^\{ "(\w+)", "', (ROOT / "shell/commands.c").read_text(), re.MULTILINE)


def text_of(documents):
    return "\n".join(path.read_text() for path in documents if path.exists())


@pytest.mark.parametrize("name", PROMISED)
def test_document_exists(name):
    assert (ROOT / name).stat().st_size > 500


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document):
    """Every path in backquotes, and every link."""
    text = document.read_text()
    paths = re.findall(r"`((?:%s)/[\w./-]*\w)`" % "|".join(map(re.escape, FOLDERS)), text)
    for path in paths:
        assert (ROOT / path).exists() or "NAME" in path or "*" in path, path
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (document.parent / link).exists(), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document):
    for target in re.findall(r"\bmake (?:-s )?([a-z][a-z-]+)\b(?=[ `'\n]|$)",
                             "\n".join(re.findall(r"`[^`\n]+`|^    .*$|^```[\s\S]*?^```",
                                                  document.read_text(), re.MULTILINE))):
        assert target in MAKE_TARGETS, target


@pytest.mark.parametrize("document", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_document_is_in_the_readme(document):
    assert f"| [docs/{document}](docs/{document}) |" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("target", re.findall(
    r"^  ([a-z-]+)  ", subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True,
                                      check=True).stdout, re.MULTILINE))
def test_every_make_target_is_described(target):
    """In the README or in docs/testing.md, where those for tests are."""
    text = text_of([ROOT / "README.md", ROOT / "docs/testing.md"])
    assert re.search(rf"\bmake (?:-s )?{target}\b", text), target


def test_lines_are_not_too_long():
    """Tables and links aside."""
    for path in DOCUMENTS:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= LINE_MAX or line.startswith("|") or "](http" in line, f"{path.name}:{number}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command):
    assert re.search(rf"`{command}[ `]", text_of(DOCUMENTS)), command


def test_commands_were_found():
    assert {"meminfo", "walk", "watch", "poweroff"} <= set(COMMANDS)


def test_the_layers_of_the_tour_exist():
    """docs/tour.md leads along every file of mm/."""
    tour = (ROOT / "docs/tour.md").read_text()
    for source in sorted((ROOT / "mm").glob("*.c")):
        assert source.name in tour or source.stem in tour, source.name


def test_the_tour_quotes_the_table_of_heap():
    tour = (ROOT / "docs/tour.md").read_text()
    first = re.search(r"    strata> run heap\n((?:    .*\n)+)    \.\.\.\n", tour)[1]
    last = re.search(r"the end of the output of `heap`\.\n\n((?:    .*\n)+)", tour)[1]
    output = subprocess.run([BUILD / "user/heap"], capture_output=True, text=True,
                            check=True).stdout
    real = [line.rstrip() for line in output.splitlines()]
    first = [line.strip() for line in first.splitlines()]
    last = [line.strip() for line in last.splitlines()]
    assert real[:len(first)] == first
    assert real[-len(last):] == last


def test_the_table_of_system_calls_is_the_kernels():
    """`make docs-system-calls` writes what the kernel prints between the two markers."""
    output = boot(append='run="syscalls -t; poweroff"').output
    page = (ROOT / "docs/system-calls.md").read_text()
    table = re.search(r"<!-- table -->\n([\s\S]*)<!-- end of table -->", page)[1].splitlines()
    assert table == [line for line in output.splitlines() if line.startswith("|")]
    assert len(table) > 200


@pytest.mark.parametrize("parameter", re.findall(
    r'"([a-z_]+)"', re.search(r"static bool is_known[\s\S]*?keys\[\] = \{([\s\S]*?)\};",
                            (ROOT / "kernel/main.c").read_text())[1]))
def test_every_kernel_parameter_is_in_the_readme(parameter):
    section = (ROOT / "README.md").read_text().split("## Kernel parameters")[1]
    assert re.search(rf"^\| `{parameter}[`=]", section, re.MULTILINE)


@pytest.mark.parametrize("program", sorted(path.stem for path in (ROOT / "user/bin").glob("*.c")))
def test_every_program_is_in_the_readme(program):
    table = (ROOT / "README.md").read_text().split("| program | does |")[1].split("\n\n")[0]
    assert re.search(rf"`{program}[ `]", table)


def test_every_cause_of_a_fault_is_explained():
    causes = re.findall(r'"(pgfault_\w+)"', "".join(
        (ROOT / path).read_text() for path in ("mm/space.c", "mm/space_view.c")))
    assert len(causes) == 11
    page = (ROOT / "docs/faults.md").read_text()
    assert [cause for cause in causes if f"| `{cause}` |" not in page] == []


def test_every_file_of_proc_is_described():
    tables = re.findall(r"(\w+)_entries\[\] = \{([\s\S]*?)\n\};",
                        (ROOT / "kernel/procfs/procfs.c").read_text())
    names = {name for table, text in tables for name in re.findall(r'\.name = "([\w-]+)"', text)}
    names |= set(re.findall(r'\.name = "([\w-]+)"', re.search(
        r"#define PROCESS_FILES([\s\S]*?)\n\n", (ROOT / "kernel/procfs/procfs.c").read_text())[1]))
    assert {"meminfo", "smaps", "fail-nth"} <= names
    section = (ROOT / "docs/files.md").read_text().split("## /proc")[1]
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", section)] == []


def test_every_test_file_is_in_the_table():
    page = (ROOT / "docs/testing.md").read_text()
    assert [path.name for path in (ROOT / "tests").glob("test_*.py") if path.name not in page] == []


def test_every_test_kernel_is_in_the_tour_or_the_tests():
    """Each suite is named beside what it tests."""
    text = text_of(DOCUMENTS)
    assert [path.name for path in (ROOT / "tests/kernel").glob("test_*.c")
            if path.name not in text] == []
