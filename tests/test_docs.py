"""The documents: what they name exists, and what exists is documented."""

import re

import pytest

from machine import ROOT

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
