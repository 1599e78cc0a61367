/* The handler sees the registers of the interrupted code, and what it changes there is loaded. */
#include "tests/abi/abi.h"
#include <ucontext.h>

static void on_segv(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)signal, (void)info;
    say("eax %#x, ebx %#x, esi %#x, edi %#x, trap %d, error %d", registers[REG_EAX],
        registers[REG_EBX], registers[REG_ESI], registers[REG_EDI], registers[REG_TRAPNO],
        registers[REG_ERR]);
    registers[REG_EIP] += 2; /* over "mov [eax], ecx" */
    registers[REG_ESI] = 0x5555;
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    uint32_t eax = 0x100, esi = 0x1111, edi = 0x2222, ebx = 0x3333;

    MUST(sigaction(SIGSEGV, &action, NULL));
    __asm__ volatile("movl %%ecx, (%%eax)"
                     : "+a"(eax), "+S"(esi), "+D"(edi), "+b"(ebx)
                     :
                     : "memory");
    say("after: eax %#x, ebx %#x, esi %#x, edi %#x", eax, ebx, esi, edi);
    return 0;
}
