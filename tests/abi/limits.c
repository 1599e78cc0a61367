/* Limits: asked for, set, inherited by fork and exec, refused. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

static void show(const char *what)
{
    struct rlimit limit;

    MUST(getrlimit(RLIMIT_STACK, &limit));
    say("%s: stack %lu KiB", what, (unsigned long)limit.rlim_cur / 1024);
}

static void child(void)
{
    show("child");
}

int main(int argc, char **argv)
{
    struct rlimit limit = { 4096 * 1024, 6144 * 1024 }, high = { 200, 100 }, old;
    char path[256];

    if (argc > 1) {
        show("after exec");
        return 0;
    }
    MUST(setrlimit(RLIMIT_STACK, &limit));
    show("set");
    in_child("child", child);
    outcome("soft above hard", setrlimit(RLIMIT_NOFILE, &high));
    outcome("no such limit", getrlimit(99, &old));
    outcome("bad pointer", syscall(SYS_prlimit64, 0, RLIMIT_AS, BAD_POINTER, NULL));
    outcome("no such process", prlimit(0x3fffffff, RLIMIT_AS, NULL, &old));
    outcome("of oneself", prlimit(getpid(), RLIMIT_STACK, NULL, &old));
    judge("hard limit", old.rlim_max == 6144 * 1024);
    own_path(path, sizeof path);
    execl(path, argv[0], "again", NULL);
    return STATUS_BROKEN;
}
