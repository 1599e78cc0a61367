/* A shared read-only mapping of a file follows the writes to the file. */
#include "tests/abi/abi.h"

int main(void)
{
    enter_scratch();
    make_file("file", 2 * PAGE);
    int reader = MUST(open("file", O_RDONLY)), writer = MUST(open("file", O_RDWR));
    volatile char *map = (char *)MUST(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, reader, 0));

    judge("the file's content", map[PAGE + 1] == pattern_byte(PAGE + 1));
    MUST(pwrite(writer, "new", 3, PAGE));
    say("after a write: %c%c%c", map[PAGE], map[PAGE + 1], map[PAGE + 2]);
    probe("store", STORE, map);
    outcome("made writable, opened read-only",
            mprotect((void *)map, PAGE, PROT_READ | PROT_WRITE));
    outcome("mapped writable, opened read-only",
            (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    layout("mapping", (void *)map, 2);
    MUST(munmap((void *)map, 2 * PAGE));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
