/* /proc/buddyinfo: a line of eleven numbers for each zone. */
#include "tests/abi/abi.h"

int main(void)
{
    static char text[8192];
    int lines = 0, columns_right = 1;
    unsigned long pages = 0;

    MUST(read_text("/proc/buddyinfo", text, sizeof text));
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        char zone[32];
        int at = 0, columns = 0;
        MUST(sscanf(line, "Node 0, zone %31s%n", zone, &at) == 1 ? 0 : -1);
        unsigned long count;
        for (int used; sscanf(line + at, " %lu%n", &count, &used) == 1 && columns < 11;
             columns++) {
            pages += count << columns;
            at += used;
        }
        columns_right &= columns == 11 && strspn(line + at, " \n") > 0;
        lines++;
    }
    judge("lines", lines > 0);
    judge("eleven orders", columns_right);
    judge("free pages", pages > 0);
    return 0;
}
