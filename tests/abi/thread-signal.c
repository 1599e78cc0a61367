/* pthread_kill reaches that thread; a signal for the process reaches one that does not block it. */
#include "tests/abi/abi.h"
#include <pthread.h>

static volatile pid_t handled_by;
static volatile pid_t worker;
static int ready[2];

static void on_signal(int signal)
{
    (void)signal;
    handled_by = gettid();
}

static void *work(void *argument)
{
    worker = gettid();
    announce(ready[1]);
    while (handled_by == 0)
        sleep_ms(5);
    return argument;
}

static void test(const char *what, int to_process)
{
    pthread_t thread;

    handled_by = worker = 0;
    MUST_0(pthread_create(&thread, NULL, work, NULL));
    await(ready[0]);
    if (to_process) {
        mask(SIG_BLOCK, SIGUSR1);
        MUST(kill(getpid(), SIGUSR1));
    } else {
        MUST_0(pthread_kill(thread, SIGUSR1));
    }
    MUST_0(pthread_join(thread, NULL));
    judge(what, handled_by == worker && worker != getpid());
    mask(SIG_UNBLOCK, SIGUSR1);
}

int main(void)
{
    MUST(pipe(ready));
    handle(SIGUSR1, on_signal, SA_RESTART);
    test("pthread_kill", 0);
    test("kill, main thread blocks it", 1);
    handled_by = 0;
    MUST(raise(SIGUSR1));
    judge("raise stays with its thread", handled_by == gettid());
    return 0;
}
