/* Segments, and the two task state segments.
 *
 * Problem   The 386 wants segments; we want paging only.  So every segment is flat: base 0,
 *           and for data limit 4 GiB.  What is left of segmentation is the privilege level in CS, and:
 * W^X       The page tables of the i386 have no bit that forbids execution.  The user code segment
 *           has a limit, though: it is kept at the end of the highest executable mapping of the
 *           running program.  Programs lie low, heap and stack high, so that what they write
 *           cannot be executed (OpenBSD and Exec Shield did it so before the NX bit).  The
 *           processor looks at the descriptor when CS is loaded: at the next IRET.
 *           The kernel's code segment ends where its text ends, or with the highest area that
 *           mm/vmalloc made to be executed.  Below that, page tables keep text from being written;
 *           above it lie constants, data, heap, stacks.  A pointer to a function that was
 *           overwritten with the address of data raises #GP at the very call.
 * TLS       Three descriptors are the running thread's own, for set_thread_area(2): a segment
 *           whose base is the thread's block of thread-local variables.
 * TSS       The processor looks up the kernel's stack (SS0:ESP0) in the main TSS whenever an
 *           interrupt comes from ring 3.  We switch threads in software and change only ESP0.
 * #DF       When a kernel stack overflows into its guard page, the page fault cannot be pushed
 *           on that very stack, and the processor raises #DF.  Its gate is a task gate: the
 *           processor stores all registers in the main TSS and loads all of them, ESP included,
 *           from the double-fault TSS.  That is the one exception entry that needs no valid
 *           stack.
 *
 *      main task (overflowing stack)           double-fault task (own stack and CR3)
 *        push -> #PF -> #DF  ------------------>  gdt_double_fault(): copy what faulted, let
 *                                                 the main TSS start double_fault_report()
 *        double_fault_report(), other stack  <--  IRET with NT set: back to the main task
 *
 *           Going back before reporting leaves the machine as it was before the fault: the task
 *           register is the main TSS again, the double-fault TSS is ready for the next one, and
 *           a test that commits a stack overflow on purpose can go on afterwards.
 * Limits    The processor does not save CR3 in a TSS; after a #DF the kernel's own directory is
 *           loaded, not the one of the process that ran.
 * Reading   SDM vol. 3, 3.4.5 (descriptors), 8.2 (TSS), 8.3 and 8.4 (task switch, nesting),
 *           6.15 (#DF). */
#include "kernel/cpu/gdt.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/trap.h"

/* SDM vol. 3, figure 8-2.  Selectors are 16 bits wide; the other half of their word is
 * reserved. */
struct tss {
    uint32_t previous_task;
    uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    uint32_t cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t debug_trap;
    uint16_t io_map; /* offset; at or beyond the segment's end: ring 3 may use no port */
} __attribute__((aligned(128))); /* must not cross a page boundary during a task switch */

#define TSS_LIMIT (offsetof(struct tss, io_map) + sizeof(uint16_t) - 1)

/* Descriptor bits 40..47 (access) and 52..55 (flags). */
#define ACCESS_PRESENT 0x80u
#define ACCESS_RING3 0x60u
#define ACCESS_CODE 0x1Au     /* code or data segment, executable, readable */
#define ACCESS_DATA 0x12u     /* code or data segment, writable */
#define ACCESS_TSS 0x09u      /* system segment: 32-bit TSS, available */
#define ACCESS_SEGMENT 0x10u  /* code or data, not a system segment */
#define ACCESS_WRITABLE 0x02u /* data: writable; code: readable */
#define FLAG_PAGES 0x8u       /* the limit counts pages */
#define FLAG_32BIT 0x4u
#define FLAG_AVAILABLE 0x1u /* means nothing to the processor */
#define FLAGS_FLAT (FLAG_PAGES | FLAG_32BIT)
#define FLAT_LIMIT 0xFFFFFu
#define CONTENTS_SHIFT 2 /* of the access byte: expand-down, or code and conforming */

#define GDT_ENTRIES (GDT_TLS_FIRST + GDT_TLS_COUNT) /* null, 4 segments, 2 TSS, threads' own */

extern const char kernel_text_end[]; /* from kernel.ld */

static uint64_t gdt[GDT_ENTRIES];
static struct tss main_tss, double_fault_tss;
static struct trap_frame double_fault_frame;
static uint8_t double_fault_stack[4096] __attribute__((aligned(16)));
static uint8_t report_stack[8192] __attribute__((aligned(16)));

/* trap_entry.S: calls gdt_double_fault(), then IRET. */
void double_fault_task(void);
void gdt_double_fault(void);

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags)
{
    uint32_t low = (base << 16) | (limit & 0xFFFF);
    uint32_t high = (base & 0xFF000000) | (flags << 20) | (limit & 0xF0000) | (access << 8) |
                    ((base >> 16) & 0xFF);
    return ((uint64_t)high << 32) | low;
}

static void set_segment(unsigned selector, uint32_t access, uint32_t last_page)
{
    gdt[selector / 8] = descriptor(0, last_page, ACCESS_PRESENT | access, FLAGS_FLAT);
}

/* The last page of the kernel's code segment, if code above the text ends at `end`. */
static uint32_t kernel_code_last_page(uintptr_t end)
{
    return (MAX(end, (uintptr_t)kernel_text_end) - 1) >> PAGE_SHIFT;
}

static void set_tss(unsigned selector, const struct tss *tss)
{
    gdt[selector / 8] = descriptor((uintptr_t)tss, TSS_LIMIT, ACCESS_PRESENT | ACCESS_TSS, 0);
}

static void load_gdt(void)
{
    const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = { sizeof(gdt) - 1, (uintptr_t)gdt };

    /* Only a far jump loads CS. */
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp %1, $1f\n"
                     "1:\n\t"
                     "movl %2, %%ds\n\t"
                     "movl %2, %%es\n\t"
                     "movl %2, %%ss\n\t"
                     "movl %3, %%fs\n\t"
                     "movl %3, %%gs\n\t"
                     "ltr %w4"
                     :
                     : "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA),
                       "r"(0), "r"(SELECTOR_TSS)
                     : "memory");
}

/* What a task that starts in the kernel has in its registers. */
static void prepare_task(struct tss *tss, void (*entry)(void), const uint8_t *stack_top)
{
    tss->eip = (uintptr_t)entry;
    tss->esp = (uintptr_t)stack_top;
    tss->ebp = 0;               /* ends the backtrace */
    tss->eflags = EFLAGS_FIXED; /* interrupts off */
    tss->cs = SELECTOR_KERNEL_CODE;
    tss->ds = tss->es = tss->ss = SELECTOR_KERNEL_DATA;
    tss->fs = tss->gs = tss->ldt = 0;
}

void gdt_init(void)
{
    set_segment(SELECTOR_KERNEL_CODE, ACCESS_CODE, kernel_code_last_page(0));
    set_segment(SELECTOR_KERNEL_DATA, ACCESS_DATA, FLAT_LIMIT);
    set_segment(SELECTOR_USER_CODE, ACCESS_CODE | ACCESS_RING3, FLAT_LIMIT);
    set_segment(SELECTOR_USER_DATA, ACCESS_DATA | ACCESS_RING3, FLAT_LIMIT);
    set_tss(SELECTOR_TSS, &main_tss);
    set_tss(SELECTOR_DOUBLE_FAULT_TSS, &double_fault_tss);

    main_tss.ss0 = SELECTOR_KERNEL_DATA;
    main_tss.io_map = double_fault_tss.io_map = sizeof(struct tss);
    prepare_task(&double_fault_tss, double_fault_task,
                 double_fault_stack + sizeof(double_fault_stack));
    gdt_set_double_fault_cr3(cr3_read());
    load_gdt();
}

void gdt_set_kernel_stack(uintptr_t top)
{
    main_tss.esp0 = top;
}

void gdt_set_double_fault_cr3(paddr_t cr3)
{
    double_fault_tss.cr3 = cr3;
}

void gdt_set_user_code_limit(uint32_t end)
{
    set_segment(SELECTOR_USER_CODE, ACCESS_CODE | ACCESS_RING3,
                end ? (end - 1) >> PAGE_SHIFT : 0);
}

void gdt_set_kernel_code_limit(uintptr_t end)
{
    /* No interrupt may load CS from half a descriptor. */
    uint32_t irq = irq_save();

    set_segment(SELECTOR_KERNEL_CODE, ACCESS_CODE, kernel_code_last_page(end));
    __asm__ volatile("ljmp %0, $1f\n1:" ::"i"(SELECTOR_KERNEL_CODE) : "memory");
    irq_restore(irq);
}

uintptr_t gdt_kernel_code_end(void)
{
    uint32_t last_byte;
    __asm__ volatile("lsl %1, %0"
                     : "=r"(last_byte)
                     : "r"(SELECTOR_KERNEL_CODE)
                     : "memory", "cc");
    return last_byte + 1;
}

void gdt_load_tls(const uint64_t descriptors[GDT_TLS_COUNT])
{
    for (unsigned i = 0; i < GDT_TLS_COUNT; i++)
        gdt[GDT_TLS_FIRST + i] = descriptors[i];
    /* The kernel leaves FS and GS as it finds them, and saves them with each interrupt.  One that names
     * a descriptor which is gone could not be loaded back; ring 3 gets its own from its frame. */
    __asm__ volatile("movl %0, %%fs\n\t"
                     "movl %0, %%gs"
                     :
                     : "r"(0));
}

uint64_t gdt_make_tls(const struct gdt_user_desc *desc)
{
    uint32_t access = ACCESS_SEGMENT | ACCESS_RING3 |
                      (uint32_t)desc->contents << CONTENTS_SHIFT |
                      (desc->read_exec_only ? 0 : ACCESS_WRITABLE) |
                      (desc->seg_not_present ? 0 : ACCESS_PRESENT);
    uint32_t flags = (desc->limit_in_pages ? FLAG_PAGES : 0) |
                     (desc->seg_32bit ? FLAG_32BIT : 0) | (desc->useable ? FLAG_AVAILABLE : 0);
    return descriptor(desc->base, desc->limit, access, flags);
}

void gdt_parse_tls(uint64_t bits, struct gdt_user_desc *desc)
{
    uint32_t low = (uint32_t)bits, high = (uint32_t)(bits >> 32);
    uint32_t access = (high >> 8) & 0xFF, flags = (high >> 20) & 0xF;

    *desc = (struct gdt_user_desc){
        .base = (low >> 16) | ((high & 0xFF) << 16) | (high & 0xFF000000),
        .limit = (low & 0xFFFF) | (high & 0xF0000),
        .contents = (access >> CONTENTS_SHIFT) & 3,
        .read_exec_only = !(access & ACCESS_WRITABLE),
        .seg_not_present = !(access & ACCESS_PRESENT),
        .limit_in_pages = flags & FLAG_PAGES,
        .seg_32bit = flags & FLAG_32BIT,
        .useable = flags & FLAG_AVAILABLE,
    };
}

/* In the main task again, on a stack of its own. */
static void double_fault_report(void)
{
    trap_fatal(&double_fault_frame);
}

/* In the double-fault task: the main TSS holds the faulting context, valid from the task switch
 * on. */
void gdt_double_fault(void)
{
    double_fault_frame = (struct trap_frame){
        .gs = main_tss.gs,
        .fs = main_tss.fs,
        .es = main_tss.es,
        .ds = main_tss.ds,
        .edi = main_tss.edi,
        .esi = main_tss.esi,
        .ebp = main_tss.ebp,
        .kernel_esp = main_tss.esp - TRAP_FRAME_BELOW_ESP,
        .ebx = main_tss.ebx,
        .edx = main_tss.edx,
        .ecx = main_tss.ecx,
        .eax = main_tss.eax,
        .vector = TRAP_DOUBLE_FAULT,
        .eip = main_tss.eip,
        .cs = main_tss.cs,
        .eflags = main_tss.eflags,
        .user_esp = main_tss.esp,
        .user_ss = main_tss.ss,
    };
    prepare_task(&main_tss, double_fault_report, report_stack + sizeof(report_stack));
    main_tss.cr3 = double_fault_tss.cr3;
}
