/* waitid fills a siginfo, and WNOWAIT leaves the child to be waited for. */
#include "tests/abi/abi.h"

static void end(void)
{
    _exit(12);
}

static void die(void)
{
    kill(getpid(), SIGTERM);
}

static void test(const char *what, void (*body)(void))
{
    siginfo_t info = { 0 };
    pid_t child = start_child(body);

    outcome(what, waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    say("  SIG%s, %s, status %d, child %s", sigabbrev_np(info.si_signo),
        info.si_code == CLD_EXITED ? "exited" : "killed", info.si_status,
        info.si_pid == child ? "right" : "wrong");
    wait_for("  and wait", child);
}

int main(void)
{
    siginfo_t info;

    test("exit", end);
    test("signal", die);
    outcome("nobody is left", waitid(P_ALL, 0, &info, WEXITED));
    outcome("waiting for nothing", waitid(P_ALL, 0, &info, 0));
    return 0;
}
