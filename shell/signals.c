/* shell/signals.c - signals by name and number. */
#include "shell/signals.h"

#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/proc/signal.h"

const char *signals_name(int number)
{
    return number >= 1 && number <= SIGNAL_COUNT ? signal_name(number) : NULL;
}

int signals_parse(const char *text)
{
    const size_t prefix = strlen("SIG");
    uint32_t number;

    if (*text == '-')
        text++;
    if (parse_u32(text, &number) == 0)
        return number >= 1 && number <= SIGNAL_COUNT ? (int)number : 0;
    for (int i = 1; i < SIGNAL_FIRST_REALTIME; i++)
        if (strcmp(text, signal_name(i)) == 0 || strcmp(text, signal_name(i) + prefix) == 0)
            return i;
    return 0;
}
