/* Code written at run time: generated, made executable, called, changed, called again. */
#include "tests/abi/abi.h"

/* mov eax, VALUE; ret */
static void generate(unsigned char *code, uint32_t value)
{
    code[0] = 0xb8;
    memcpy(code + 1, &value, 4);
    code[5] = 0xc3;
}

int main(void)
{
    unsigned char *code = (unsigned char *)map_pages(1, PROT_READ | PROT_WRITE);
    int (*call)(void) = (int (*)(void))(uintptr_t)code;

    for (int value = 1; value <= 3; value++) {
        MUST(mprotect(code, PAGE, PROT_READ | PROT_WRITE));
        generate(code, value * 111);
        MUST(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
        say("returned %d", call());
    }
    probe("store while executable", STORE, code);
    MUST(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    generate(code, 444);
    say("returned %d", call());
    return 0;
}
