/* Nice values: kept for each process, inherited, changed for one, for a group, for all of a user. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

static void show(const char *what, int which, id_t who)
{
    errno = 0;
    int nice = getpriority(which, who);

    if (errno)
        say("%s: %s", what, strerrorname_np(errno));
    else
        say("%s: %d", what, nice);
}

/* Fields 18 and 19 of /proc/self/stat. */
static void show_stat(void)
{
    char text[1024];
    int priority, nice;

    MUST(read_text("/proc/self/stat", text, sizeof text));
    sscanf(strrchr(text, ')') + 2, "%*c%*d%*d%*d%*d%*d%*u%*u%*u%*u%*u%*u%*u%*d%*d%d%d",
           &priority, &nice);
    say("stat: %d %d", priority, nice);
}

static void child(void)
{
    show("child inherits", PRIO_PROCESS, 0);
    MUST(setpgid(0, 0));
    outcome("child: set its group", setpriority(PRIO_PGRP, 0, 11));
    show("child", PRIO_PROCESS, 0);
    show("child's group", PRIO_PGRP, getpid());
    show("parent", PRIO_PROCESS, getppid());
}

int main(void)
{
    setpgid(0, 0); /* nobody else's group; fails for the leader of a session */
    outcome("set", setpriority(PRIO_PROCESS, getpid(), 5));
    show("now", PRIO_PROCESS, getpid());
    show_stat();
    in_child("child", child);
    show("own", PRIO_PROCESS, 0);
    outcome("too nice", setpriority(PRIO_PROCESS, 0, 1000));
    show("is 19", PRIO_PGRP, 0);
    show_stat();
    outcome("get: no such kind", getpriority(3, 0));
    outcome("set: no such kind", setpriority(-1, 0, 0));
    outcome("get: no such process", getpriority(PRIO_PROCESS, -5));
    outcome("set: no such group", setpriority(PRIO_PGRP, 0x3fffff, 0));
    outcome("get: no such user", getpriority(PRIO_USER, 4242));
    return 0;
}
