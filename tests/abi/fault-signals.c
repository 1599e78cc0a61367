/* Each fault kills with its signal. */
#include "tests/abi/abi.h"

static void null_pointer(void)
{
    *(volatile char *)BAD_POINTER = 1;
}

static void divide(void)
{
    __asm__ volatile("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void port(void)
{
    __asm__ volatile("outb %%al, $0x80" : : : "eax");
}

static void overflow(void)
{
    __asm__ volatile("movl $0x7fffffff, %%eax; incl %%eax; into" : : : "eax");
}

static void wild_jump(void)
{
    ((void (*)(void))0x100)();
}

int main(void)
{
    in_child("null pointer", null_pointer);
    in_child("division by zero", divide);
    in_child("undefined instruction", undefined);
    in_child("breakpoint", breakpoint);
    in_child("privileged instruction", privileged);
    in_child("port", port);
    in_child("overflow trap", overflow);
    in_child("wild jump", wild_jump);
    in_child("abort", abort);
    return 0;
}
