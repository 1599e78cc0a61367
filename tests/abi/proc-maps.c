/* /proc/self/maps: sorted, whole pages, no overlap; text, heap, stack and what we mapped are there. */
#include "tests/abi/abi.h"

static char text[32768];

static const char *line_of(const void *address)
{
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *rest;
        uintptr_t low = strtoul(line, &rest, 16), high = strtoul(rest + 1, NULL, 16);
        if ((uintptr_t)address >= low && (uintptr_t)address < high)
            return line;
    }
    return "";
}

static void show(const char *what, const void *address, const char *name)
{
    char line[256] = "", *end;

    strncpy(line, line_of(address), sizeof line - 1);
    if ((end = strchr(line, '\n')))
        *end = '\0';
    const char *rights = strchr(line, ' ');
    say("%s: %.4s, %s", what, rights ? rights + 1 : "none",
        !name                ? "-"
        : strstr(line, name) ? name
                             : "not named so");
}

int main(void)
{
    char path[256], here;
    uintptr_t before = 0;
    int sorted = 1;
    char *heap = sbrk(PAGE), *mapped = map_pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);

    own_path(path, sizeof path);
    MUST(read_text("/proc/self/maps", text, sizeof text));
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *rest;
        uintptr_t low = strtoul(line, &rest, 16), high = strtoul(rest + 1, NULL, 16);
        sorted &= low >= before && high > low && low % PAGE == 0 && high % PAGE == 0;
        before = high;
    }
    judge("sorted", sorted);
    show("text", (void *)(uintptr_t)main, strrchr(path, '/'));
    show("read-only data", "/proc/self/maps", strrchr(path, '/'));
    show("heap", heap, "[heap]");
    show("stack", &here, "[stack]");
    show("mapping", mapped, NULL);
    show("null", NULL, NULL);
    judge("the whole heap", strtoul(strchr(line_of(heap), '-') + 1, NULL, 16) ==
                                ((uintptr_t)sbrk(0) + PAGE - 1) / PAGE * PAGE);
    return 0;
}
