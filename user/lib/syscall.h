/* user/lib/syscall.h - the kernel's front door: int 0x80 with Linux i386 numbers.
 * Number in EAX, arguments in EBX, ECX, EDX, ESI, EDI; the result comes back in EAX, errors as
 * -errno.  All other registers are kept. */
#pragma once

#define SYS_exit 1
#define SYS_read 3
#define SYS_write 4
#define SYS_getpid 20
#define SYS_kill 37
#define SYS_brk 45
#define SYS_getrusage 77
#define SYS_sysinfo 116
#define SYS_uname 122
#define SYS_writev 146
#define SYS_sched_yield 158
#define SYS_nanosleep 162
#define SYS_mincore 218
#define SYS_exit_group 252

/* A raw call: the result may be -errno.  Arguments that a call does not have are ignored. */
static inline long syscall_raw(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c)
                     : "memory");
    return result;
}
