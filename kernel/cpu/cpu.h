/* kernel/cpu/cpu.h - the processor's instructions that C cannot express.
 * This directory has the only inline assembly of the kernel; one function, one instruction (or
 * the few that belong together).  Source: Intel SDM vol. 2 for the instructions, vol. 3 for the
 * registers. */
#pragma once

/* Segment selectors: index in the GDT times 8, plus the requested privilege level. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_CODE (0x18 | 3)
#define SELECTOR_USER_DATA (0x20 | 3)
#define SELECTOR_TSS 0x28
#define SELECTOR_DOUBLE_FAULT_TSS 0x30
/* 0x38, 0x40, 0x48: kept for thread-local segments (set_thread_area). */

#ifndef __ASSEMBLER__

#include "kernel/lib/types.h"

/* EFLAGS bits (SDM vol. 1, 3.4.3). */
#define EFLAGS_FIXED (1u << 1) /* always 1 */
#define EFLAGS_TF (1u << 8)
#define EFLAGS_IF (1u << 9)
#define EFLAGS_AC (1u << 18)
#define EFLAGS_ID (1u << 21)

/* Control register bits (SDM vol. 3, 2.5). */
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_PSE (1u << 4)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t eflags_read(void)
{
    uint32_t flags;
    __asm__ volatile("pushfl; popl %0" : "=r"(flags));
    return flags;
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

/* Turn interrupts off; returns what irq_restore() needs to bring back the state before. */
static inline uint32_t irq_save(void)
{
    uint32_t flags;
    __asm__ volatile("pushfl; popl %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static inline void irq_restore(uint32_t flags)
{
    __asm__ volatile("pushl %0; popfl" ::"r"(flags) : "memory", "cc");
}

/* Wait for the next interrupt with interrupts on.  STI takes effect one instruction later, so
 * no interrupt can slip in between the two (SDM vol. 2, STI). */
static inline void cpu_wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

static inline _Noreturn void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

#define DEFINE_CONTROL_REGISTER(name)                                     \
    static inline uint32_t name##_read(void)                              \
    {                                                                     \
        uint32_t value;                                                   \
        __asm__ volatile("movl %%" #name ", %0" : "=r"(value)::"memory"); \
        return value;                                                     \
    }                                                                     \
    static inline void name##_write(uint32_t value)                       \
    {                                                                     \
        __asm__ volatile("movl %0, %%" #name ::"r"(value) : "memory");    \
    }
DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4) /* exists only where cpu_has(CPU_CR4) */

/* Forget one page's translation (SDM vol. 3, 4.10.4.1). */
static inline void tlb_flush_page(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* Forget every translation that is not global. */
static inline void tlb_flush_all(void)
{
    cr3_write(cr3_read());
}

/* Write the cache line of `address` back to memory and forget it, in every cache; only where
 * cpu_has(CPU_CLFLUSH).  Faults as a read would. */
static inline void clflush(uintptr_t address)
{
    __asm__ volatile("clflush (%0)" ::"r"(address) : "memory");
}

/* Write every cache line back and forget all.  Thousands of cycles, or millions; a 486 has it, too. */
static inline void wbinvd(void)
{
    __asm__ volatile("wbinvd" ::: "memory");
}

/* The compiler keeps reads and writes on their side of it: enough against interrupts. */
static inline void compiler_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

/* All reads and writes before it are done before any after it.  A locked instruction does that on
 * every processor (SDM vol. 3, 8.2.5); MFENCE came with SSE2. */
static inline void memory_barrier(void)
{
    __asm__ volatile("lock; addl $0, (%%esp)" ::: "memory", "cc");
}

/* Time-stamp counter; only where cpu_has(CPU_TSC). */
static inline uint64_t tsc_read(void)
{
    uint64_t value;
    __asm__ volatile("rdtsc" : "=A"(value)::"memory");
    return value;
}

/* Bochs' magic breakpoint: stops in its debugger, does nothing elsewhere. */
static inline void bochs_breakpoint(void)
{
    __asm__ volatile("xchgw %%bx, %%bx" ::: "memory");
}

/* What this processor can do.  Found once by cpu_detect(). */
enum cpu_feature {
    CPU_CPUID, /* the instruction itself; late 486 and newer */
    CPU_FPU,
    CPU_CR4, /* register CR4 exists */
    CPU_PSE, /* 4 MiB pages */
    CPU_TSC,
    CPU_PGE, /* global pages */
    CPU_CLFLUSH,
    CPU_FXSR, /* FXSAVE/FXRSTOR */
    CPU_SSE,
    CPU_SMEP, /* the kernel may not execute user pages */
    CPU_SMAP, /* the kernel may not touch user pages, except between STAC and CLAC */
    CPU_UMIP, /* ring 3 may not read the descriptor tables' addresses */
    CPU_FEATURE_COUNT
};

struct cpu_info {
    char vendor[13]; /* "GenuineIntel"; "i486" where there is no CPUID */
    char model_name[49];
    uint32_t family, model, stepping;
    uint32_t features; /* bit set, enum cpu_feature */
    uint32_t hwcap;    /* CPUID leaf 1, EDX, as programs find it in AT_HWCAP; 0 without CPUID */
    uint32_t clflush_bytes; /* what CLFLUSH flushes: a cache line; 0 without it */
};

extern struct cpu_info cpu_info;

static inline bool cpu_has(enum cpu_feature feature)
{
    return (cpu_info.features >> feature) & 1;
}

/* CPUID with a leaf (EAX) and, for the leaves that have them, a subleaf (ECX); only where
 * cpu_has(CPU_CPUID). */
struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* Forget every translation, the global ones too: a change of CR4.PGE does that (SDM vol. 3,
 * 4.10.4.1). */
static inline void tlb_flush_global(void)
{
    uint32_t cr4 = cpu_has(CPU_PGE) ? cr4_read() : 0;

    if (cr4 & CR4_PGE) {
        cr4_write(cr4 & ~CR4_PGE);
        cr4_write(cr4);
    } else {
        tlb_flush_all();
    }
}

/* Name of a feature in lower case, as Linux's /proc/cpuinfo spells it. */
const char *cpu_feature_name(enum cpu_feature feature);

/* Fill cpu_info; no feature is turned on.  First thing at boot. */
void cpu_detect(void);

/* Turn on what protects the kernel and helps memory: WP always; PSE is already on where it
 * exists; SMEP, SMAP, UMIP where the CPU has them.  (PGE: mm/paging.c, when its tables are
 * ready; FXSR and SSE: cpu/fpu.c, which saves their registers.) */
void cpu_enable_features(void);

/* Replace `nbytes` of kernel code at `site`, even if it is mapped read-only.  For instructions
 * that only some processors have: the code holds no-operations, and boot puts the instruction
 * in. */
void cpu_patch_code(void *site, const uint8_t *bytes, size_t nbytes);

/* Reset the machine: with an empty IDT an exception cannot be delivered, nor the #DF that
 * follows, and the third fault shuts the processor down (SDM vol. 3, 6.15, interrupt 8). */
_Noreturn void cpu_triple_fault(void);

#endif
