/* /dev/null, zero, full, random, urandom, and getrandom. */
#include "tests/abi/abi.h"
#include <sys/random.h>

static void random_from(const char *path)
{
    char a[32] = { 0 }, b[32] = { 0 };
    int fd = MUST(open(path, O_RDONLY));

    say("%s: %zd", path, read(fd, a, 32));
    say("  again: %zd", read(fd, b, 32));
    judge("  twice the same", memcmp(a, b, 32) == 0);
    close(fd);
}

int main(void)
{
    char text[64], other[64] = { 0 };
    int zero = MUST(open("/dev/zero", O_RDWR)), null = MUST(open("/dev/null", O_RDWR));
    int full = MUST(open("/dev/full", O_RDWR));

    memset(text, 'x', sizeof text);
    say("null: read %zd, write %zd", read(null, text, 10), write(null, text, 10));
    say("null: write from nowhere %zd", write(null, BAD_POINTER, 10));
    say("zero: read %zd", read(zero, text, 20));
    say("zero: first %d, last %d", text[0], text[19]);
    say("zero: not more than that: %c", text[20]);
    say("zero: write %zd", write(zero, text, 10));
    outcome("zero: read to nowhere", read(zero, BAD_POINTER, 10));
    say("full: read %zd", read(full, text, 30));
    say("full: last %d", text[29]);
    outcome("full: write", write(full, text, 1));
    outcome("null: lseek", lseek(null, 1000, SEEK_SET));
    random_from("/dev/urandom");
    random_from("/dev/random");
    say("getrandom: %zd", getrandom(text, 64, 0));
    judge("getrandom: zeroes", memcmp(text, other, 64) == 0);
    outcome("getrandom: bad pointer", getrandom(BAD_POINTER, 64, 0));
    outcome("getrandom: unknown flag", getrandom(text, 64, 0x100));
    return 0;
}
