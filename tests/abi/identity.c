/* Who we are: pids, users, the system's name. */
#include "tests/abi/abi.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static pid_t parent;

static void child(void)
{
    judge("child's parent", getppid() == parent);
    judge("child's pid is new", getpid() != parent && getpid() > 1);
    judge("child's thread", gettid() == getpid());
}

int main(void)
{
    struct utsname name;
    struct sysinfo info;

    parent = getpid();
    judge("thread", gettid() == getpid());
    in_child("child", child);
    judge("users", getuid() == geteuid() && getgid() == getegid());
    MUST(uname(&name));
    judge("names", name.sysname[0] && name.release[0] && name.version[0]);
    judge("machine i?86", name.machine[0] == 'i' && strcmp(name.machine + 2, "86") == 0);
    judge("release begins with a number", name.release[0] >= '2' && name.release[0] <= '9');
    outcome("uname, bad pointer", syscall(SYS_uname, BAD_POINTER));
    MUST(sysinfo(&info));
    judge("memory", info.totalram > 0 && info.freeram < info.totalram && info.mem_unit > 0);
    judge("processes", info.procs > 0);
    outcome("sysinfo, bad pointer", syscall(SYS_sysinfo, BAD_POINTER));
    outcome("a call that is none", syscall(999));
    return 0;
}
