/* VmSize and VmData follow what is mapped, page by page. */
#include "tests/abi/abi.h"

static char text[8192];

static long field(const char *name)
{
    MUST(read_text("/proc/self/status", text, sizeof text));
    return text_field(text, name);
}

int main(void)
{
    long size = field("VmSize:"), data = field("VmData:");
    char *pages = lonely_pages(25, PROT_READ | PROT_WRITE);

    say("mapped 25 pages: size +%ld, data +%ld", field("VmSize:") - size,
        field("VmData:") - data);
    MUST(mprotect(pages, 5 * PAGE, PROT_READ));
    say("5 read-only: size +%ld, data +%ld", field("VmSize:") - size, field("VmData:") - data);
    MUST(munmap(pages + 20 * PAGE, 5 * PAGE));
    say("5 unmapped: size +%ld, data +%ld", field("VmSize:") - size, field("VmData:") - data);
    sbrk(7 * PAGE);
    say("heap 7 larger: size +%ld, data +%ld", field("VmSize:") - size,
        field("VmData:") - data);
    map_shared(3);
    say("3 shared: size +%ld, data +%ld", field("VmSize:") - size, field("VmData:") - data);
    return 0;
}
