/* hostile NAME - one thing that no program should do; "hostile LIST" prints all names.
 * A case ends with status 0 after it has printed what the kernel answered, or by the signal
 * that the processor's exception stands for.  Either way the kernel must go on unharmed.
 * hostile.expected has the outcome of each; it is Linux' on a 3 GiB address space (setarch i686
 * -3).  Cases whose name begins with "read-" want one line of standard input. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define PAGE 4096u
#define MIB (1024u * 1024)
#define PROGRAM_START 0x08048000u /* our text; nothing is mapped below */
#define UNMAPPED 0x40000000u      /* far above the heap, far below the stack */
#define KERNEL_START 0xC0000000u
#define KERNEL_TEXT 0xC0100000u
#define KERNEL_DATA 0xC0200000u
#define KERNEL_VMALLOC 0xF8000000u
#define LAST_PAGE 0xFFFFF000u

static const char constant[PAGE] = "read-only data";

/* Hide from the compiler what it would warn about, or optimise away. */
static void *pointer(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return (void *)address;
}

static void print_result(const char *what, long result)
{
    if (result == -1)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

/* The first address behind the heap; two pages below it are mapped, touched, and ours. */
static char *heap_edge(void)
{
    uintptr_t end = ((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE;
    if (brk((void *)(end + 2 * PAGE)) != 0)
        exit(1);
    memset((void *)end, 'x', 2 * PAGE);
    return (char *)end + 2 * PAGE;
}

/* ---- Bad pointers to system calls -------------------------------------------------------- */

static const struct {
    const char *name;
    uintptr_t address;
} bad_pointers[] = {
    { "NULL", 0 },
    { "end of the first page", PAGE - 1 },
    { "unmapped", UNMAPPED },
    { "before the program", PROGRAM_START - 4 },
    { "end of user space", KERNEL_START - 1 },
    { "start of kernel space", KERNEL_START },
    { "kernel text", KERNEL_TEXT },
    { "kernel data", KERNEL_DATA },
    { "kernel vmalloc", KERNEL_VMALLOC },
    { "last page", LAST_PAGE },
    { "last byte", UINT32_MAX },
};

/* Try a call with each of them, and with buffers of `size` bytes around the heap's end. */
static void try_bad_pointers(const char *call, long (*try)(void *), size_t size)
{
    char what[64];
    char *edge = heap_edge();

    for (size_t i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++) {
        snprintf(what, sizeof(what), "%s, %s", call, bad_pointers[i].name);
        print_result(what, try(pointer(bad_pointers[i].address)));
    }
    snprintf(what, sizeof(what), "%s, last byte unmapped", call);
    print_result(what, try(edge - size + 1));
    snprintf(what, sizeof(what), "%s, ends with the heap", call);
    print_result(what, try(edge - size));
    snprintf(what, sizeof(what), "%s, misaligned across pages", call);
    print_result(what, try(edge - PAGE - size / 2 + 1));
}

/* The same for calls that store something. */
static void try_bad_targets(const char *call, long (*try)(void *), size_t size)
{
    char what[64];
    char *fresh = heap_edge();

    try_bad_pointers(call, try, size);
    snprintf(what, sizeof(what), "%s, own text", call);
    print_result(what, try(pointer(PROGRAM_START)));
    snprintf(what, sizeof(what), "%s, read-only data", call);
    print_result(what, try(pointer((uintptr_t)constant)));
    brk(fresh);
    brk(fresh + PAGE);
    snprintf(what, sizeof(what), "%s, untouched heap", call);
    print_result(what, try(fresh));
    snprintf(what, sizeof(what), "%s, stack not grown yet", call);
    print_result(what, try(pointer((uintptr_t)what - 2 * MIB)));
}

static long call_uname(void *target)
{
    return uname(target);
}

static long call_sysinfo(void *target)
{
    return sysinfo(target);
}

static long call_getrusage(void *target)
{
    return getrusage(RUSAGE_SELF, target);
}

static long call_mincore(void *target)
{
    return mincore(pointer(PROGRAM_START), 2 * PAGE, target); /* two bytes */
}

static void bad_uname(void)
{
    try_bad_targets("uname", call_uname, sizeof(struct utsname));
}

static void bad_sysinfo(void)
{
    try_bad_targets("sysinfo", call_sysinfo, sizeof(struct sysinfo));
}

static void bad_getrusage(void)
{
    try_bad_targets("getrusage", call_getrusage, sizeof(struct rusage));
    struct rusage usage;
    print_result("getrusage of nobody", getrusage(99, &usage));
}

static void bad_mincore(void)
{
    unsigned char resident[4];

    try_bad_targets("mincore", call_mincore, 2);
    print_result("mincore, misaligned start", mincore(pointer(PROGRAM_START + 1), 1, resident));
    print_result("mincore, nothing mapped", mincore(pointer(UNMAPPED), PAGE, resident));
    print_result("mincore, kernel", mincore(pointer(KERNEL_TEXT), PAGE, resident));
    print_result("mincore, no bytes", mincore(pointer(PROGRAM_START), 0, resident));
}

#define CHUNK 32 /* bytes in the write tests */

static long call_write(void *source)
{
    return write(STDOUT_FILENO, source, CHUNK);
}

static void write_pointers(void)
{
    for (size_t i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++)
        print_result(bad_pointers[i].name, call_write(pointer(bad_pointers[i].address)));
    print_result("last byte unmapped", call_write(heap_edge() - CHUNK + 1));
    print_result("first byte unmapped", call_write(pointer(PROGRAM_START - 1)));
}

static void write_unmapped(void)
{
    print_result("write, unmapped", call_write(pointer(UNMAPPED)));
}

static void write_kernel_text(void)
{
    print_result("write, kernel text", call_write(pointer(KERNEL_TEXT)));
}

static void write_lengths(void)
{
    print_result("no bytes", write(STDOUT_FILENO, constant, 0));
    print_result("no bytes from an unmapped address",
                 write(STDOUT_FILENO, pointer(UNMAPPED), 0));
    print_result("2 GiB - 1 unmapped", write(STDOUT_FILENO, pointer(UNMAPPED), INT_MAX));
    print_result("4 GiB - 1 unmapped", write(STDOUT_FILENO, pointer(UNMAPPED), UINT_MAX));
    print_result("around 4 GiB", write(STDOUT_FILENO, pointer(LAST_PAGE), 2 * PAGE));
    print_result("into the kernel", write(STDOUT_FILENO, pointer(KERNEL_START - 8), 16));
}

static void bad_descriptors(void)
{
    char byte;
    struct iovec vector = { &byte, 1 };

    print_result("write to 99", write(99, constant, 1));
    print_result("write to -1", write(-1, constant, 1));
    print_result("write to the largest", write(INT_MAX, constant, 1));
    print_result("write to the smallest", write(INT_MIN, constant, 1));
    print_result("read from 99", read(99, &byte, 1));
    print_result("read from -1, bad address", read(-1, pointer(KERNEL_TEXT), 1));
    print_result("writev to 99", writev(99, &vector, 1));
}

static void read_into(const char *what, void *target)
{
    print_result(what, read(STDIN_FILENO, target, CHUNK));
}

static void read_kernel_data(void)
{
    read_into("read, kernel data", pointer(KERNEL_DATA));
}

static void read_own_text(void)
{
    read_into("read, own text", pointer(PROGRAM_START));
}

static void read_unmapped(void)
{
    read_into("read, unmapped", pointer(UNMAPPED));
}

static void read_null(void)
{
    read_into("read, NULL", pointer(0));
}

static long call_writev(void *vector)
{
    return writev(STDOUT_FILENO, vector, 1);
}

static void bad_vectors(void)
{
    char *edge = heap_edge();
    struct iovec *array = (struct iovec *)(edge - 2 * PAGE);

    memset(edge - 2 * PAGE, 0, 2 * PAGE); /* pieces of 0 bytes at address 0 */
    for (size_t i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++)
        print_result(bad_pointers[i].name, call_writev(pointer(bad_pointers[i].address)));
    print_result("count -1", writev(STDOUT_FILENO, array, -1));
    print_result("count 0", writev(STDOUT_FILENO, array, 0));
    print_result("count 0, bad array", writev(STDOUT_FILENO, pointer(UNMAPPED), 0));
    print_result("count 1024", writev(STDOUT_FILENO, array, 1024));
    print_result("count 1025", writev(STDOUT_FILENO, array, 1025));
    print_result("largest count", writev(STDOUT_FILENO, array, INT_MAX));
    print_result("array runs off the heap", writev(STDOUT_FILENO, (void *)(edge - 8), 2));

    array[0] = (struct iovec){ pointer((uintptr_t)constant), 4 };
    array[1] = (struct iovec){ pointer(UNMAPPED), 4 };
    array[2] = array[0];
    print_result("bad piece at the start", writev(STDOUT_FILENO, array + 1, 2));
    array[1].iov_len = 0x80000000u;
    print_result("negative length", writev(STDOUT_FILENO, array, 3));
    array[0] = array[2] = (struct iovec){ pointer(UNMAPPED), INT_MAX };
    array[1] = array[0];
    print_result("lengths overflow", writev(STDOUT_FILENO, array, 3));
}

static long call_nanosleep(void *wanted)
{
    return nanosleep(wanted, NULL);
}

static void bad_nanosleep(void)
{
    for (size_t i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++)
        print_result(bad_pointers[i].name, call_nanosleep(pointer(bad_pointers[i].address)));
    struct timespec wanted = { 0, 1000000000 };
    print_result("10^9 ns", nanosleep(&wanted, NULL));
    wanted.tv_nsec = -1;
    print_result("-1 ns", nanosleep(&wanted, NULL));
    wanted = (struct timespec){ -1, 0 };
    print_result("-1 s", nanosleep(&wanted, NULL));
    wanted = (struct timespec){ 0, 1 };
    print_result("remaining to the kernel", nanosleep(&wanted, pointer(KERNEL_DATA)));
}

static void bad_numbers(void)
{
    static const long numbers[] = { 17,      511,     1000,          0x7FFF, 65535,
                                    INT_MAX, INT_MIN, INT_MIN + 100, -1,     -1000 };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        printf("number %ld, ", numbers[i]);
        print_result("result", syscall(numbers[i], -1, -1, -1));
    }
}

static void bad_kill(void)
{
    print_result("signal 99", kill(getpid(), 99));
    print_result("signal -1", kill(getpid(), -1));
    print_result("nobody", kill(INT_MAX, SIGTERM));
    print_result("signal 0 to itself", kill(getpid(), 0));
}

static void kill_itself(void)
{
    kill(getpid(), SIGKILL);
}

/* ---- The heap ---------------------------------------------------------------------------- */

static void brk_wild(void)
{
    static const uintptr_t places[] = { 0,           1,           PROGRAM_START, KERNEL_START,
                                        KERNEL_TEXT, 0xFFFFF000u, UINT32_MAX };
    uintptr_t old = (uintptr_t)sbrk(0);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uintptr_t now = (uintptr_t)syscall_raw(SYS_brk, (long)places[i], 0, 0);
        printf("brk to %#lx: %s\n", (unsigned long)places[i],
               now == old ? "unchanged" : "moved");
    }
    uintptr_t now = (uintptr_t)syscall_raw(SYS_brk, (long)&old, 0, 0);
    printf("brk to the stack: %s\n", now == old ? "unchanged" : "moved");
    print_result("sbrk by -2 GiB", (long)sbrk(INT_MIN));
}

static void brk_down_and_up(void)
{
    char *base = sbrk(0);

    for (int round = 0; round < 3; round++) {
        char *block = sbrk(64 * PAGE);
        unsigned dirty = 0;
        for (unsigned i = 0; i < 64 * PAGE; i++)
            dirty += block[i] != 0;
        memset(block, 'x', 64 * PAGE);
        printf("round %d: %s, %u bytes not zero\n", round,
               block == base ? "at the base" : "elsewhere", dirty);
        print_result("down to the base", brk(base));
    }
}

static void brk_then_touch(void)
{
    char *block = heap_edge() - PAGE;
    brk(block);
    *(volatile char *)block = 1;
}

/* Linux refuses, or ends somebody when memory is gone. */
static void out_of_memory(void)
{
    for (;;) {
        char *block = sbrk(MIB);
        if (block == (char *)-1)
            break;
        for (unsigned i = 0; i < MIB; i += PAGE)
            block[i] = 1;
    }
    print_result("sbrk", -1);
}

static char *volatile victim, *volatile neighbour;

static void two_blocks(void)
{
    victim = malloc(24);
    neighbour = malloc(24);
}

static void heap_overflow(void)
{
    two_blocks();
    memset(victim, 'A', 40);
    free(victim);
}

static void heap_one_byte(void)
{
    two_blocks();
    victim[28] = '\0'; /* 24 bytes become 28 */
    free(victim);
}

/* A loop with <= for <: the byte is in what alignment leaves behind the block. */
static void heap_off_by_one(void)
{
    two_blocks();
    for (unsigned i = 0; i <= 24; i++)
        victim[i] = 'A';
    free(victim);
    puts("not noticed");
}

static void heap_late_write(void)
{
    two_blocks();
    char *volatile stale = victim;
    free(victim);
    stale[12] = 'A';
    puts("not noticed");
}

static void heap_double_free(void)
{
    two_blocks();
    char *volatile again = victim;
    free(victim);
    free(again);
}

static void heap_use_after_free(void)
{
    two_blocks();
    char *volatile stale = victim;
    free(victim);
    memset(stale, 0, 24);
    victim = malloc(24);
}

static void heap_interior_free(void)
{
    victim = malloc(100);
    memset(victim, 0, 100);
    char *volatile inside = victim + 16;
    free(inside);
}

static void heap_foreign_free(void)
{
    char local[64], *volatile block = local;
    two_blocks();
    free(block);
}

/* ---- Wild accesses ----------------------------------------------------------------------- */

static void load(uintptr_t address)
{
    (void)*(volatile uint32_t *)pointer(address);
}

static void store(uintptr_t address)
{
    *(volatile uint32_t *)pointer(address) = 0;
}

static void jump(uintptr_t address)
{
    ((void (*)(void))pointer(address))();
}

#define LOAD_CASE(name, address) \
    static void name(void)       \
    {                            \
        load(address);           \
    }
#define STORE_CASE(name, address) \
    static void name(void)        \
    {                             \
        store(address);           \
    }
#define JUMP_CASE(name, address) \
    static void name(void)       \
    {                            \
        jump(address);           \
    }

LOAD_CASE(load_null, 0)
LOAD_CASE(load_first_64k, 0xFFFC)
LOAD_CASE(load_unmapped, UNMAPPED)
LOAD_CASE(load_before_program, PROGRAM_START - 4)
LOAD_CASE(load_into_program, PROGRAM_START - 2)
LOAD_CASE(load_behind_heap, (uintptr_t)heap_edge())
LOAD_CASE(load_off_heap, (uintptr_t)heap_edge() - 2)
LOAD_CASE(load_into_kernel, KERNEL_START - 2)
LOAD_CASE(load_kernel, KERNEL_TEXT)
LOAD_CASE(load_vmalloc, KERNEL_VMALLOC)
LOAD_CASE(load_last_word, UINT32_MAX - 3)
LOAD_CASE(load_around_4g, UINT32_MAX - 1)
STORE_CASE(store_null, 0)
STORE_CASE(store_text, PROGRAM_START)
STORE_CASE(store_constant, (uintptr_t)constant)
STORE_CASE(store_off_heap, (uintptr_t)heap_edge() - 2)
STORE_CASE(store_kernel, KERNEL_DATA)
STORE_CASE(store_kernel_text, KERNEL_TEXT)
STORE_CASE(store_last_word, UINT32_MAX - 3)
JUMP_CASE(jump_null, 0)
JUMP_CASE(jump_unmapped, UNMAPPED)
JUMP_CASE(jump_user_end, KERNEL_START - 1)
JUMP_CASE(jump_kernel, KERNEL_TEXT)
JUMP_CASE(jump_last_byte, UINT32_MAX)

/* movl 0, %eax: where data can be executed this faults, where it cannot the jump does. */
static const unsigned char null_load[] = { 0xA1, 0, 0, 0, 0 };

static void jump_heap(void)
{
    char *code = heap_edge() - PAGE;
    memcpy(code, null_load, sizeof(null_load));
    jump((uintptr_t)code);
}

static void jump_stack(void)
{
    volatile unsigned char code[sizeof(null_load)];
    for (size_t i = 0; i < sizeof(code); i++)
        code[i] = null_load[i];
    jump((uintptr_t)code);
}

static void run_off_heap(void)
{
    char *edge = heap_edge();
    memset(edge - 16, 0x90, 16); /* NOPs up to the last byte */
    jump((uintptr_t)edge - 16);
}

/* An old length that reaches into the kernel, or around 4 GiB: what is cut off there must not be
 * unmapped. */
static void remap_kernel(void)
{
    char *page = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    uintptr_t to_kernel = KERNEL_START - (uintptr_t)page;
    const size_t lengths[] = { to_kernel + PAGE, to_kernel + 16 * MIB, UINT32_MAX - PAGE };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int flags = MREMAP_MAYMOVE;
        print_result("shrink", (long)mremap(page, lengths[i], PAGE, flags));
        flags |= MREMAP_FIXED;
        print_result("move", (long)mremap(page, lengths[i], PAGE, flags, pointer(UNMAPPED)));
    }
}

/* ---- Data as code ------------------------------------------------------------------------ */

/* A function that only returns.  Where the page tables cannot forbid execution, the end of the code
 * segment does. */
static const unsigned char ret[] = { 0xC3 };

static void call(void *code)
{
    memcpy(code, ret, sizeof(ret));
    ((void (*)(void))code)();
}

static void execute(void *code)
{
    call(code);
    puts("executed");
}

static void execute_data(void)
{
    static unsigned char data[sizeof(ret)];
    execute(data);
}

static void execute_stack(void)
{
    unsigned char data[sizeof(ret)];
    execute(data);
}

static void execute_heap(void)
{
    execute(heap_edge() - PAGE);
}

static void *writable_page(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void execute_mapping(void)
{
    execute(writable_page());
}

/* What a just-in-time compiler does; this must work. */
static void execute_made_executable(void)
{
    void *page = writable_page();
    print_result("mprotect", mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    execute(page);
}

/* ... and is over when the right is taken back. */
static void execute_no_longer(void)
{
    void *page = writable_page();
    mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    call(page);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    execute(page);
}

/* ---- The stack --------------------------------------------------------------------------- */

static volatile unsigned depth;

static unsigned recurse(void)
{
    volatile char frame[256];
    frame[0] = (char)depth++;
    return depth == 0 ? 0 : recurse() + (unsigned)frame[0];
}

static void recursion(void)
{
    recurse();
}

/* A single array larger than the limit steps over any guard page. */
static void stack_leap(void)
{
    volatile char local;
    store((uintptr_t)&local - 16 * MIB);
}

static void stack_within_limit(void)
{
    volatile char local;
    store(((uintptr_t)&local - 4 * MIB) & ~3u);
    load(((uintptr_t)&local - 7 * MIB) & ~3u);
    puts("4 and 7 MiB below the stack pointer: ok");
}

/* The instruction sequences are one statement each: the compiler's code between them would need
 * the registers that they spoil. */
#define ASM_CASE(name, text)    \
    static void name(void)      \
    {                           \
        __asm__ volatile(text); \
    }

ASM_CASE(push_to_kernel, "movl $0xC0102000, %esp; pushl %eax")
ASM_CASE(push_to_text, "movl $0x08048100, %esp; pushl %eax")
ASM_CASE(push_below_zero, "xorl %esp, %esp; pushl %eax")
ASM_CASE(fault_without_stack, "movl $0xC0102000, %esp; movl %esp, %ebp; movl 0, %eax")

static void call_without_stack(void)
{
    long result;
    __asm__ volatile("movl %%esp, %%esi; movl $0xDEADBEEF, %%esp; int $0x80; movl %%esi, %%esp"
                     : "=a"(result)
                     : "0"(0x7FFF)
                     : "esi", "memory");
    printf("invalid call with a garbage stack pointer: %ld\n", result);
}

/* ---- Privileged and undefined instructions ----------------------------------------------- */

ASM_CASE(do_cli, "cli")
ASM_CASE(do_sti, "sti")
ASM_CASE(do_hlt, "hlt")
ASM_CASE(do_in, "inb $0x60, %al")
ASM_CASE(do_out, "movw $0xF4, %dx; movb $0, %al; outb %al, %dx")
ASM_CASE(read_cr0, "movl %cr0, %eax")
ASM_CASE(write_cr0, "movl %eax, %cr0")
ASM_CASE(read_cr3, "movl %cr3, %eax")
ASM_CASE(write_cr3, "movl %eax, %cr3")
ASM_CASE(write_dr7, "movl %eax, %dr7")
ASM_CASE(do_lgdt, "lgdt (%esp)")
ASM_CASE(do_lidt, "lidt (%esp)")
ASM_CASE(do_ltr, "movw $0x28, %ax; ltr %ax")
ASM_CASE(do_lldt, "xorl %eax, %eax; lldt %ax")
ASM_CASE(do_lmsw, "xorl %eax, %eax; lmsw %ax")
ASM_CASE(do_clts, "clts")
ASM_CASE(do_invd, "invd")
ASM_CASE(do_invlpg, "invlpg (%esp)")
ASM_CASE(do_rdmsr, "movl $0x174, %ecx; rdmsr")
ASM_CASE(do_wrmsr, "movl $0x174, %ecx; wrmsr")
ASM_CASE(do_ud2, "ud2")
ASM_CASE(do_f00f,
         ".byte 0xF0, 0x0F, 0xC7, 0xC8")     /* LOCK CMPXCHG8B EAX hung the first Pentiums */
ASM_CASE(too_long, ".fill 16, 1, 0x66; nop") /* 15 bytes are the longest instruction */
ASM_CASE(do_int3, "int3")
ASM_CASE(do_icebp, ".byte 0xF1")
ASM_CASE(do_into, "movb $0x7F, %al; addb $1, %al; into")
ASM_CASE(do_bound, "pushl $2; pushl $1; movl $7, %eax; bound %eax, (%esp)")
ASM_CASE(divide_by_zero, "xorl %ecx, %ecx; movl $1, %eax; cltd; idivl %ecx")
ASM_CASE(divide_overflow, "movl $0x80000000, %eax; cltd; movl $-1, %ecx; idivl %ecx")
ASM_CASE(fpu_divide, "fninit; pushl $0x037B; fldcw (%esp); fld1; fldz; fdivrp; fwait")
/* Ends with an exception pending: the next program to use the FPU must not get it. */
ASM_CASE(fpu_leave_pending, "fninit; pushl $0x037B; fldcw (%esp); fld1; fldz; fdivrp;"
                            "movl $1, %eax; xorl %ebx, %ebx; int $0x80")
ASM_CASE(int_debug, "int $1")
ASM_CASE(int_nmi, "int $2")
ASM_CASE(int_double_fault, "int $8")
ASM_CASE(int_protection, "int $13")
ASM_CASE(int_page_fault, "int $14")
ASM_CASE(int_timer, "int $32")
ASM_CASE(int_keyboard, "int $33")
ASM_CASE(int_beside, "int $0x81")
ASM_CASE(int_last, "int $255")

/* ---- Flags and segments ------------------------------------------------------------------ */

ASM_CASE(single_step, "pushfl; orl $0x100, (%esp); popfl; nop; nop")
ASM_CASE(nested_iret, "pushfl; orl $0x4000, (%esp); popfl; iretl")
ASM_CASE(iret_to_kernel_code, "pushfl; pushl $0x08; pushl $1f; iretl; 1: nop")
ASM_CASE(iret_to_null_code, "pushfl; pushl $0; pushl $1f; iretl; 1: nop")
ASM_CASE(iret_to_nowhere, "pushfl; pushl %cs; pushl $0xC0100000; iretl")
ASM_CASE(lret_to_kernel_code, "pushl $0x08; pushl $1f; lretl; 1: nop")
ASM_CASE(far_jump_to_kernel, "ljmp $0x08, $0xC0100000")
ASM_CASE(far_jump_to_tss, "ljmp $0x28, $0")
ASM_CASE(far_jump_off_table, "ljmp $0xFFFB, $0")
ASM_CASE(kernel_data_segment, "movw $0x10, %ax; movw %ax, %ds")
ASM_CASE(kernel_stack_segment, "movw $0x10, %ax; movw %ax, %ss")
ASM_CASE(null_stack_segment, "xorl %eax, %eax; movw %ax, %ss")
ASM_CASE(segment_off_table, "movw $0xFFFB, %ax; movw %ax, %es")
ASM_CASE(local_segment, "movw $7, %ax; movw %ax, %fs")
ASM_CASE(load_by_null_segment, "xorl %eax, %eax; movw %ax, %ds; movl 0x08048000, %eax")

static void call_with_null_segments(void)
{
    long result;
    __asm__ volatile("movw %%cx, %%ds; movw %%cx, %%es; movw %%cx, %%fs; movw %%cx, %%gs;"
                     "int $0x80; pushl %%ss; popl %%ds; pushl %%ss; popl %%es"
                     : "=a"(result)
                     : "0"(0x7FFF), "c"(0)
                     : "memory");
    printf("invalid call with null segments: %ld\n", result);
}

/* uname() with flags set; they are as before afterwards. */
static long uname_with_flags(uint32_t flags, struct utsname *name)
{
    long result;
    __asm__ volatile("pushfl; pushfl; orl %[flags], (%%esp); popfl; int $0x80; popfl"
                     : "=a"(result)
                     : "0"(SYS_uname), "b"(name), [flags] "r"(flags)
                     : "memory", "cc");
    return result;
}

static void call_with_flags(void)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } cases[] = {
        { "direction", 1u << 10 },
        { "alignment check", 1u << 18 },
        { "nested task", 1u << 14 },
        { "all three", 1u << 10 | 1u << 14 | 1u << 18 },
    };
    static struct utsname plain, flagged;

    uname(&plain);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&flagged, 0, sizeof(flagged));
        long result = uname_with_flags(cases[i].flags, &flagged);
        bool same = memcmp(&plain, &flagged, sizeof(plain)) == 0;
        printf("uname with %s: %ld, %s\n", cases[i].name, result, same ? "intact" : "damaged");
    }
}

/* POPF in ring 3 changes neither IOPL nor IF, and does not complain (SDM vol. 2, POPF). */
static void set_system_flags(void)
{
    uint32_t flags;
    __asm__ volatile("pushfl; orl $0x3000, (%%esp); andl $~0x200, (%%esp); popfl;"
                     "pushfl; popl %0"
                     : "=r"(flags)
                     :
                     : "memory", "cc");
    printf("IOPL %u, IF %u\n", flags >> 12 & 3, flags >> 9 & 1);
}

/* 1 if a system call keeps every register but EAX. */
int registers_are_kept(void);
__asm__(".text\n"
        "registers_are_kept:\n"
        "    pushl %ebp; pushl %ebx; pushl %esi; pushl %edi\n"
        "    movl $0x7FFF, %eax; movl $0xB0B0B0B0, %ebx; movl $0xC0C0C0C0, %ecx\n"
        "    movl $0xD0D0D0D0, %edx; movl $0x51515151, %esi; movl $0xD1D1D1D1, %edi\n"
        "    movl $0xE0E0E0E0, %ebp\n"
        "    int $0x80\n"
        "    cmpl $-38, %eax; jne 1f; cmpl $0xB0B0B0B0, %ebx; jne 1f\n"
        "    cmpl $0xC0C0C0C0, %ecx; jne 1f; cmpl $0xD0D0D0D0, %edx; jne 1f\n"
        "    cmpl $0x51515151, %esi; jne 1f; cmpl $0xD1D1D1D1, %edi; jne 1f\n"
        "    cmpl $0xE0E0E0E0, %ebp; jne 1f\n"
        "    movl $1, %eax; jmp 2f\n"
        "1:  xorl %eax, %eax\n"
        "2:  popl %edi; popl %esi; popl %ebx; popl %ebp; ret\n");

static void call_keeps_registers(void)
{
    puts(registers_are_kept() ? "registers kept" : "registers lost");
}

/* ---- The table --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    /* answered with an error */
    { "write-unmapped", write_unmapped },
    { "write-kernel-text", write_kernel_text },
    { "write-pointers", write_pointers },
    { "write-lengths", write_lengths },
    { "read-kernel-data", read_kernel_data },
    { "read-own-text", read_own_text },
    { "read-unmapped", read_unmapped },
    { "read-null", read_null },
    { "bad-descriptors", bad_descriptors },
    { "bad-vectors", bad_vectors },
    { "bad-uname", bad_uname },
    { "bad-sysinfo", bad_sysinfo },
    { "bad-getrusage", bad_getrusage },
    { "bad-mincore", bad_mincore },
    { "bad-nanosleep", bad_nanosleep },
    { "bad-numbers", bad_numbers },
    { "bad-kill", bad_kill },
    { "brk-wild", brk_wild },
    { "brk-down-and-up", brk_down_and_up },
    { "out-of-memory", out_of_memory },
    { "stack-within-limit", stack_within_limit },
    { "call-without-stack", call_without_stack },
    { "call-with-null-segments", call_with_null_segments },
    { "call-with-flags", call_with_flags },
    { "call-keeps-registers", call_keeps_registers },
    { "set-system-flags", set_system_flags },
    { "remap-kernel", remap_kernel },
    { "execute-made-executable", execute_made_executable },
    { "heap-off-by-one", heap_off_by_one },
    { "heap-late-write", heap_late_write },
    /* ended by a signal */
    { "kill-itself", kill_itself },
    { "brk-then-touch", brk_then_touch },
    { "heap-overflow", heap_overflow },
    { "heap-one-byte", heap_one_byte },
    { "heap-double-free", heap_double_free },
    { "heap-use-after-free", heap_use_after_free },
    { "heap-interior-free", heap_interior_free },
    { "heap-foreign-free", heap_foreign_free },
    { "load-null", load_null },
    { "load-first-64k", load_first_64k },
    { "load-unmapped", load_unmapped },
    { "load-before-program", load_before_program },
    { "load-into-program", load_into_program },
    { "load-behind-heap", load_behind_heap },
    { "load-off-heap", load_off_heap },
    { "load-into-kernel", load_into_kernel },
    { "load-kernel", load_kernel },
    { "load-vmalloc", load_vmalloc },
    { "load-last-word", load_last_word },
    { "load-around-4g", load_around_4g },
    { "store-null", store_null },
    { "store-text", store_text },
    { "store-constant", store_constant },
    { "store-off-heap", store_off_heap },
    { "store-kernel", store_kernel },
    { "store-kernel-text", store_kernel_text },
    { "store-last-word", store_last_word },
    { "jump-null", jump_null },
    { "jump-unmapped", jump_unmapped },
    { "jump-user-end", jump_user_end },
    { "jump-kernel", jump_kernel },
    { "jump-last-byte", jump_last_byte },
    { "jump-heap", jump_heap },
    { "jump-stack", jump_stack },
    { "run-off-heap", run_off_heap },
    { "execute-data", execute_data },
    { "execute-stack", execute_stack },
    { "execute-heap", execute_heap },
    { "execute-mapping", execute_mapping },
    { "execute-no-longer", execute_no_longer },
    { "recursion", recursion },
    { "stack-leap", stack_leap },
    { "push-to-kernel", push_to_kernel },
    { "push-to-text", push_to_text },
    { "push-below-zero", push_below_zero },
    { "fault-without-stack", fault_without_stack },
    { "cli", do_cli },
    { "sti", do_sti },
    { "hlt", do_hlt },
    { "in", do_in },
    { "out", do_out },
    { "cr0-read", read_cr0 },
    { "cr0-write", write_cr0 },
    { "cr3-read", read_cr3 },
    { "cr3-write", write_cr3 },
    { "dr7-write", write_dr7 },
    { "lgdt", do_lgdt },
    { "lidt", do_lidt },
    { "ltr", do_ltr },
    { "lldt", do_lldt },
    { "lmsw", do_lmsw },
    { "clts", do_clts },
    { "invd", do_invd },
    { "invlpg", do_invlpg },
    { "rdmsr", do_rdmsr },
    { "wrmsr", do_wrmsr },
    { "ud2", do_ud2 },
    { "f00f", do_f00f },
    { "too-long", too_long },
    { "int3", do_int3 },
    { "icebp", do_icebp },
    { "into", do_into },
    { "bound", do_bound },
    { "divide-by-zero", divide_by_zero },
    { "divide-overflow", divide_overflow },
    { "fpu-divide", fpu_divide },
    { "fpu-leave-pending", fpu_leave_pending },
    { "int-debug", int_debug },
    { "int-nmi", int_nmi },
    { "int-double-fault", int_double_fault },
    { "int-protection", int_protection },
    { "int-page-fault", int_page_fault },
    { "int-timer", int_timer },
    { "int-keyboard", int_keyboard },
    { "int-beside", int_beside },
    { "int-last", int_last },
    { "single-step", single_step },
    { "nested-iret", nested_iret },
    { "iret-to-kernel-code", iret_to_kernel_code },
    { "iret-to-null-code", iret_to_null_code },
    { "iret-to-nowhere", iret_to_nowhere },
    { "lret-to-kernel-code", lret_to_kernel_code },
    { "far-jump-to-kernel", far_jump_to_kernel },
    { "far-jump-to-tss", far_jump_to_tss },
    { "far-jump-off-table", far_jump_off_table },
    { "kernel-data-segment", kernel_data_segment },
    { "kernel-stack-segment", kernel_stack_segment },
    { "null-stack-segment", null_stack_segment },
    { "segment-off-table", segment_off_table },
    { "local-segment", local_segment },
    { "load-by-null-segment", load_by_null_segment },
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

int main(int argc, char **argv)
{
    const char *name = argc == 2 ? argv[1] : "";

    for (size_t i = 0; i < CASE_COUNT; i++) {
        if (strcmp(name, "LIST") == 0) {
            puts(cases[i].name);
        } else if (strcmp(name, cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    }
    if (strcmp(name, "LIST") == 0)
        return 0;
    puts("usage: hostile LIST | NAME");
    return 2;
}
