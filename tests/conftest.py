"""Shared fixtures, and signals as programs expect them."""

import signal

import pytest

from machine import qemu_shell

# A script's background job starts with SIGINT and SIGQUIT ignored, and what is ignored or blocked is
# handed down to the programs on Linux.  Those on Strata start with all signals at their defaults.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])


@pytest.fixture(scope="module")
def shell():
    """A shell that the tests of a module share."""
    with qemu_shell() as shell:
        yield shell
