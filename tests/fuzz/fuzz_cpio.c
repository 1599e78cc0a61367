// sources: kernel/lib/cpio.c tests/host/shim/host.c mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c
/* tests/fuzz/fuzz_cpio.c - the initrd's format: the input is the archive. */
#include "host.h"
#include "kernel/lib/cpio.h"
#include "kernel/lib/errno.h"
#include "tests/fuzz/fuzz.h"

#define HEADER_LENGTH 110u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct cpio_entry entry;
    size_t offset = 0, before = 0;
    int result;

    while ((result = cpio_next(bytes, nbytes, &offset, &entry)) == 1) {
        CHECK(offset >= before + HEADER_LENGTH && offset <= nbytes); /* it ends, and inside */
        CHECK(entry.data >= bytes && entry.nbytes <= (size_t)(bytes + nbytes - entry.data));
        CHECK((const uint8_t *)entry.name + strlen(entry.name) < entry.data);
        before = offset;
    }
    CHECK(result == 0 || result == -EINVAL);
    CHECK(offset == before);
    return 0;
}
