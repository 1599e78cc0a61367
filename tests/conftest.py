"""Shared fixtures."""

import pytest

from machine import qemu_shell


@pytest.fixture(scope="module")
def shell():
    """A shell that the tests of a module share."""
    with qemu_shell() as shell:
        yield shell
