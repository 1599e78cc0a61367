/* shell/signals.c - signals by name and number.  Left out are those that end nothing on Linux:
 * CHLD, CONT, URG and WINCH are ignored, STOP, TSTP, TTIN and TTOU stop a program. */
#include "shell/signals.h"

#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"

static const char *const names[] = {
    [1] = "SIGHUP",   [2] = "SIGINT",   [3] = "SIGQUIT",    [4] = "SIGILL",
    [5] = "SIGTRAP",  [6] = "SIGABRT",  [7] = "SIGBUS",     [8] = "SIGFPE",
    [9] = "SIGKILL",  [10] = "SIGUSR1", [11] = "SIGSEGV",   [12] = "SIGUSR2",
    [13] = "SIGPIPE", [14] = "SIGALRM", [15] = "SIGTERM",   [16] = "SIGSTKFLT",
    [24] = "SIGXCPU", [25] = "SIGXFSZ", [26] = "SIGVTALRM", [27] = "SIGPROF",
    [29] = "SIGIO",   [30] = "SIGPWR",  [31] = "SIGSYS",
};

const char *signals_name(int number)
{
    return number > 0 && number < (int)ARRAY_SIZE(names) ? names[number] : NULL;
}

int signals_parse(const char *text)
{
    const size_t prefix = strlen("SIG");
    uint32_t number;

    if (*text == '-')
        text++;
    if (parse_u32(text, &number) == 0)
        return number < ARRAY_SIZE(names) && names[number] != NULL ? (int)number : 0;
    for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
        if (names[i] != NULL &&
            (strcmp(text, names[i]) == 0 || strcmp(text, names[i] + prefix) == 0))
            return i;
    return 0;
}
