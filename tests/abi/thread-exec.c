/* exec by a thread: the others end, and the new program has the process's pid. */
#include "tests/abi/abi.h"
#include <pthread.h>

static char path[256];

static void *stay(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *exec_it(void *argument)
{
    execl(path, path, argument, NULL);
    _exit(STATUS_BROKEN);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char pid[16];

    if (argc > 1) {
        judge("same pid", atoi(argv[1]) == getpid());
        judge("now the leader", gettid() == getpid());
        return 3;
    }
    own_path(path, sizeof path);
    snprintf(pid, sizeof pid, "%d", getpid());
    MUST_0(pthread_create(&thread, NULL, stay, NULL));
    MUST_0(pthread_create(&thread, NULL, exec_it, pid));
    for (;;)
        pause();
}
