/* user/lib/syscall.h - the kernel's front door: int 0x80 with Linux i386 numbers.
 * Number in EAX, arguments in EBX, ECX, EDX, ESI, EDI, EBP; the result comes back in EAX, errors as
 * -errno.  All other registers are kept. */
#pragma once

#define SYS_exit 1
#define SYS_fork 2
#define SYS_read 3
#define SYS_write 4
#define SYS_open 5
#define SYS_close 6
#define SYS_unlink 10
#define SYS_execve 11
#define SYS_chdir 12
#define SYS_getpid 20
#define SYS_alarm 27
#define SYS_pause 29
#define SYS_kill 37
#define SYS_rename 38
#define SYS_mkdir 39
#define SYS_rmdir 40
#define SYS_dup 41
#define SYS_pipe 42
#define SYS_brk 45
#define SYS_ioctl 54
#define SYS_dup2 63
#define SYS_getppid 64
#define SYS_getrusage 77
#define SYS_gettimeofday 78
#define SYS_symlink 83
#define SYS_reboot 88
#define SYS_munmap 91
#define SYS_setitimer 104
#define SYS_wait4 114
#define SYS_sysinfo 116
#define SYS_sigreturn 119
#define SYS_clone 120
#define SYS_uname 122
#define SYS_mprotect 125
#define SYS__llseek 140
#define SYS_msync 144
#define SYS_writev 146
#define SYS_sched_yield 158
#define SYS_nanosleep 162
#define SYS_mremap 163
#define SYS_poll 168
#define SYS_rt_sigreturn 173
#define SYS_rt_sigaction 174
#define SYS_rt_sigprocmask 175
#define SYS_sigaltstack 186
#define SYS_vfork 190
#define SYS_mmap2 192
#define SYS_fstat64 197
#define SYS_mincore 218
#define SYS_madvise 219
#define SYS_getdents64 220
#define SYS_fcntl64 221
#define SYS_gettid 224
#define SYS_futex 240
#define SYS_exit_group 252
#define SYS_clock_gettime 265
#define SYS_tgkill 270
#define SYS_fstatat64 300
#define SYS_prlimit64 340
#define SYS_getrandom 355

#ifndef __ASSEMBLER__

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

/* The same with all six (user/lib/syscall.S: compilers do not lend out EBP). */
long syscall_raw6(long number, long a, long b, long c, long d, long e, long f);

/* A raw result in C's convention: -1 and errno for an error. */
long syscall_result(long result);

static inline long syscall3(long number, long a, long b, long c)
{
    return syscall_result(syscall_raw(number, a, b, c));
}

#endif
