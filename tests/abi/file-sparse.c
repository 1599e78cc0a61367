/* Holes: what was never written reads as zero and takes no room. */
#include "tests/abi/abi.h"

#define FAR (1024 * 1024)

int main(void)
{
    struct stat status;
    char block[4096];
    int zero = 1;

    enter_scratch();
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
    MUST(lseek(fd, FAR, SEEK_SET));
    MUST(write(fd, "end", 3));
    MUST(pwrite(fd, "middle", 6, FAR / 2 + 100));
    MUST(fstat(fd, &status));
    say("size %ld", (long)status.st_size);
    judge("takes less room", status.st_blocks * 512ll < FAR / 4);
    for (long at = 0; at < FAR; at += sizeof block) {
        MUST(pread(fd, block, sizeof block, at));
        for (unsigned i = 0; i < sizeof block; i++)
            zero &= block[i] == 0 || (at == FAR / 2 && i >= 100 && i < 106);
    }
    judge("holes are zero", zero);
    MUST(pread(fd, block, 6, FAR / 2 + 100));
    say("middle: %.6s", block);
    MUST(ftruncate(fd, 10));
    MUST(ftruncate(fd, 4096));
    say("cut and extended: %zd bytes", pread(fd, block, sizeof block, 0));
    say("behind the end: %zd", pread(fd, block, 1, 4096));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
