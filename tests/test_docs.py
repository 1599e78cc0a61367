"""The documents: what they name exists, and what exists is documented."""

import re
import subprocess

import pytest

from machine import BUILD, ROOT

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PROMISED = ["README.md", "docs/tour.md", "docs/memory-layout.md", "docs/glossary.md",
            "docs/style.md", "docs/testing.md"]
FOLDERS = ("boot", "kernel", "mm", "shell", "user", "tests", "tools", "docs", ".ci")
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


def test_readme_lists_the_system_calls():
    table = re.findall(r'^    \[\d+\] = \{ "(\w+)", sys_',
                       (ROOT / "kernel/proc/syscall.c").read_text(), re.MULTILINE)
    assert len(table) > 10
    listed = re.search(r"system calls that there are:\n([\s\S]*?),? with Linux",
                       (ROOT / "README.md").read_text())[1]
    assert set(table) == set(re.findall(r"\w+", listed)) - {"and"}
