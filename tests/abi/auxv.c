/* The auxiliary vector tells the truth. */
#include "tests/abi/abi.h"
#include <elf.h>
#include <sys/auxv.h>

extern char _start[], __ehdr_start[];

int main(int argc, char **argv)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)__ehdr_start;
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    const char *name = (const char *)getauxval(AT_EXECFN);
    const char *platform = (const char *)getauxval(AT_PLATFORM);
    int nonzero = 0;

    say("page size %lu", getauxval(AT_PAGESZ));
    say("clock ticks %lu", getauxval(AT_CLKTCK));
    judge("entry", getauxval(AT_ENTRY) == (uintptr_t)_start);
    judge("program headers", getauxval(AT_PHDR) == (uintptr_t)__ehdr_start + header->e_phoff);
    judge("their number", getauxval(AT_PHNUM) == header->e_phnum);
    judge("their size", getauxval(AT_PHENT) == sizeof(Elf32_Phdr));
    judge("not secure", getauxval(AT_SECURE) == 0);
    judge("user", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    judge("group", getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    judge("file name", argc > 0 && name && strcmp(name, argv[0]) == 0);
    judge("platform i?86", platform && platform[0] == 'i' && strcmp(platform + 2, "86") == 0);
    for (int i = 0; random && i < 16; i++)
        nonzero |= random[i];
    judge("random bytes", nonzero);
    judge("no interpreter", getauxval(AT_BASE) == 0);
    return 0;
}
