/* shell/history.c - the lines that were entered: a ring of fixed slots, nothing to allocate. */
#include "shell/history.h"

#include "kernel/lib/string.h"

static bool is_blank(const char *line)
{
    while (*line == ' ' || *line == '\t')
        line++;
    return *line == '\0';
}

void history_add(struct history *history, const char *line)
{
    const char *newest = history_get(history, 1);
    size_t length = strlen(line);

    if (is_blank(line) || length > LINE_LENGTH_MAX ||
        (newest != NULL && strcmp(newest, line) == 0))
        return;
    memcpy(history->lines[history->next], line, length + 1);
    history->next = (history->next + 1) % HISTORY_LINES;
    history->count = MIN(history->count + 1, HISTORY_LINES);
}

const char *history_get(const struct history *history, unsigned age)
{
    if (age == 0 || age > history->count)
        return NULL;
    return history->lines[(history->next + HISTORY_LINES - age) % HISTORY_LINES];
}
