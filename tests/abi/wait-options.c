/* waitpid: WNOHANG, one child or any, errors. */
#include "tests/abi/abi.h"

static int go[2];

static void wait_then_end(void)
{
    await(go[0]);
    _exit(3);
}

static void end_at_once(void)
{
    _exit(4);
}

int main(void)
{
    int status = 0x1234;

    MUST(pipe(go));
    outcome("no child", waitpid(-1, &status, 0));
    outcome("no child, WNOHANG", waitpid(-1, &status, WNOHANG));
    pid_t slow = start_child(wait_then_end), quick = start_child(end_at_once);
    judge("WNOHANG, still running", waitpid(slow, &status, WNOHANG) == 0 && status == 0x1234);
    wait_for("the quick one", quick);
    judge("WNOHANG, any", waitpid(-1, &status, WNOHANG) == 0);
    outcome("unknown option", waitpid(-1, &status, 0x100));
    outcome("no child of ours", waitpid(getppid(), &status, 0));
    announce(go[1]);
    judge("any", waitpid(-1, &status, 0) == slow);
    ending("it", status);
    outcome("nobody is left", waitpid(-1, &status, 0));
    quick = start_child(end_at_once);
    outcome("bad pointer", syscall(SYS_wait4, quick, BAD_POINTER, 0, NULL));
    outcome("reaped nevertheless", waitpid(quick, &status, 0));
    quick = start_child(end_at_once);
    judge("status not wanted", waitpid(quick, NULL, 0) == quick);
    return 0;
}
