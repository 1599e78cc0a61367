/* Ends by SIGABRT, through the handlers of exit not at all. */
#include "tests/abi/abi.h"

static void not_called(void)
{
    say("exit handler called");
}

int main(void)
{
    atexit(not_called);
    say("now");
    abort();
}
