/* Every bad argument of mremap has its error and changes nothing. */
#include "tests/abi/abi.h"

static void try_remap(const char *what, char *from, size_t length, size_t new_length, int flags,
                      char *to)
{
    outcome(what, (long)mremap(from, length, new_length, flags, to));
}

int main(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);
    const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

    MUST(munmap(base + 4 * PAGE, PAGE));
    MUST(mprotect(base + 6 * PAGE, PAGE, PROT_READ));
    try_remap("not a page's address", base + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    try_remap("new length 0", base, PAGE, 0, MREMAP_MAYMOVE, NULL);
    try_remap("unknown flag", base, PAGE, PAGE, 1 << 20, NULL);
    try_remap("fixed without maymove", base, PAGE, PAGE, MREMAP_FIXED, base + 5 * PAGE);
    try_remap("nothing there", base + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    try_remap("into a gap", base, 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, NULL);
    try_remap("target not a page's address", base, PAGE, PAGE, fixed, base + 5 * PAGE + 1);
    try_remap("target overlaps", base, 2 * PAGE, 2 * PAGE, fixed, base + PAGE);
    try_remap("target in the kernel", base, PAGE, PAGE, fixed, (char *)USER_END);
    try_remap("more than there is", base, PAGE, 0xc0000000, MREMAP_MAYMOVE, NULL);
    try_remap("length 0 of private memory", base, 0, PAGE, MREMAP_MAYMOVE, NULL);
    layout("unchanged", base, 8);
    return 0;
}
