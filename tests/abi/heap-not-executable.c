/* Data is not executable: a jump into the heap, the stack or a data page is SIGSEGV. */
#include "tests/abi/abi.h"

#define RETURN 0xc3 /* the instruction */

static unsigned char data[16] = { RETURN };
static unsigned char *code;

static void call_it(void)
{
    ((void (*)(void))(uintptr_t)code)();
    say("it ran");
}

int main(void)
{
    unsigned char stack[16] = { RETURN };

    code = data;
    in_child("data", call_it);
    code = stack;
    in_child("stack", call_it);
    code = sbrk(PAGE);
    *code = RETURN;
    in_child("heap", call_it);
    code = (unsigned char *)map_pages(1, PROT_READ | PROT_WRITE);
    *code = RETURN;
    in_child("mapping", call_it);
    MUST(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
    in_child("made executable", call_it);
    return 0;
}
