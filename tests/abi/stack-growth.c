/* The stack grows page by page as it is used, down to its limit and no matter how far at once. */
#include "tests/abi/abi.h"

static unsigned deepen(unsigned levels)
{
    volatile char frame[2000];

    for (unsigned i = 0; i < sizeof frame; i++)
        frame[i] = levels;
    unsigned sum = levels ? deepen(levels - 1) : 0;
    return sum + (frame[1999] == (char)levels);
}

static char jump(void)
{
    volatile char large[3 * 1024 * 1024];

    large[0] = 'j'; /* 3 MiB below anything touched yet */
    return large[0];
}

int main(void)
{
    static char text[4096];

    say("frames intact: %u", deepen(500));
    say("far at once: %c", jump());
    MUST(read_text("/proc/self/status", text, sizeof text));
    judge("VmStk tells", text_field(text, "VmStk:") >= 3 * 1024);
    return 0;
}
