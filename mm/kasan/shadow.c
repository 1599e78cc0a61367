/* The address sanitizer: the shadow and the checks.
 *
 * Problem     A pointer that goes a few bytes too far, or into memory that was given back, does no
 *             harm that one sees at once.  The crash comes later and elsewhere.
 * Idea        For each 8 bytes of the kernel's gigabyte one byte of shadow says which of them may
 *             be used.  The compiler puts a call before each access (-fsanitize=kernel-address),
 *             and the function called looks in the shadow:
 *
 *               kmalloc(13)   |13 bytes     |...redzone and notes.....|   memory
 *                             | 00 | 05 | FC | FC | FC ...                shadow: 5 of the second 8
 *
 * Who writes the shadow
 *             buddy           free frames (FF), all usable when handed out
 *             slab, kmalloc   objects (00, last part 1 .. 7), redzones (FC), free objects (FB)
 *             the compiler    redzones between variables on the stack (F1, F2, F3), written by each
 *                             function that has arrays or takes addresses, and taken back at its end
 *             constructors    redzones behind global variables (F9): one function in each file,
 *                             called by kasan_init()
 * Addresses   shadow(a) = SHADOW_START + (a - KERNEL_BASE) / 8 (kernel/lib/layout.h).  Behind the
 *             shadow of low memory and of the vmalloc area are frames of its own, taken before buddy
 *             has them: 1/8 of memory.  For all other addresses one frame of zeros is mapped,
 *             read-only: what is not mapped faults by itself, and windows on HIGHMEM are not checked.
 * Early       Functions write to the shadow of their stack from the first instruction on.  Until
 *             kasan_init() all of the shadow is one frame, written by all and read by none.
 * Left out    The Makefile lists the files that are compiled without checks: those of this
 *             directory; slab.c and its like, which keep their lists in free objects; panic.c, which
 *             looks at any stack.  Assembly is not checked; memset(), memcpy() and memmove() are
 *             replaced here by functions that check first.
 * Limits      An access far beyond the redzone may hit another object.  Memory that was reused is
 *             good memory: hence the quarantine, see objects.c.
 * Reading     Serebryany et al., "AddressSanitizer: A Fast Address Sanity Checker", USENIX ATC 2012;
 *             Linux, Documentation/dev-tools/kasan.rst. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/kasan/internal.h"
#include "mm/memmap.h"
#include "mm/page.h"
#include "mm/paging.h"

#define SHADOW_PAGES ((SHADOW_END - SHADOW_START) / PAGE_SIZE)
#define SHADOW_TABLES (SHADOW_PAGES / PTES_PER_TABLE)
#define VMALLOC_SHADOW_BYTES ((VMALLOC_END - VMALLOC_START) / GRANULE)

/* __asan_register_globals() is called once for each file. */
#define MODULES_MAX 512u

extern pte_t boot_page_directory[PTES_PER_TABLE]; /* boot/entry.S */
extern void (*const init_array_start[])(void);    /* boot/kernel.ld */
extern void (*const init_array_end[])(void);

static struct {
    bool checking;
    uint32_t bytes; /* of memory, taken for the shadow */
    unsigned module_count;
    struct {
        const struct asan_global *globals;
        size_t count;
    } modules[MODULES_MAX];
} state;

/* What all of the shadow is at first. */
static pte_t early_table[PTES_PER_TABLE] __attribute__((aligned(PAGE_SIZE)));
static uint8_t early_shadow[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* ---- setting up ---- */

/* Called by entry.S before any function that the compiler has worked on. */
void kasan_early_init(void)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        early_table[i] = virt_to_paddr(early_shadow) | PTE_PRESENT | PTE_WRITE;
    for (unsigned i = 0; i < SHADOW_TABLES; i++)
        boot_page_directory[SHADOW_START / LARGE_PAGE_SIZE + i] = virt_to_paddr(early_table) |
                                                                  PTE_PRESENT | PTE_WRITE;
}

/* Map `frames` at the shadow of [start, start + nbytes of shadow * 8). */
static void map_shadow(pte_t *tables, uintptr_t start, paddr_t frames, uint32_t nbytes)
{
    pte_t *slot = tables + ((uintptr_t)shadow_of(start) - SHADOW_START) / PAGE_SIZE;

    for (uint32_t offset = 0; offset < nbytes; offset += PAGE_SIZE)
        *slot++ = (frames + offset) | PTE_PRESENT | PTE_WRITE;
}

static void run_constructors(void)
{
    for (void (*const *constructor)(void) = init_array_start; constructor < init_array_end;
         constructor++)
        (*constructor)();
}

/* One piece of memory: tables, a frame of zeros, the shadow of low memory, that of the vmalloc area,
 * the notes on frames. */
void kasan_init(void)
{
    uint32_t lowmem = (uint32_t)MIN(memmap_end(), (uint64_t)LOWMEM_MAX_BYTES);
    uint32_t low_shadow = ALIGN_UP(lowmem / GRANULE, PAGE_SIZE);
    uint32_t tables_bytes = SHADOW_TABLES * PAGE_SIZE;
    uint32_t notes = lowmem / PAGE_SIZE * (uint32_t)sizeof(struct kasan_track);

    state.bytes = tables_bytes + PAGE_SIZE + low_shadow + VMALLOC_SHADOW_BYTES +
                  ALIGN_UP(notes, PAGE_SIZE);
    paddr_t paddr = memmap_alloc(state.bytes, lowmem);
    ASSERT(paddr != 0, "KASAN needs %u KiB of contiguous memory", state.bytes / KiB);
    unchecked_memset(paddr_to_virt(paddr), 0, state.bytes);

    pte_t *tables = paddr_to_virt(paddr);
    paddr_t zeros = paddr + tables_bytes, shadow = zeros + PAGE_SIZE;
    for (unsigned i = 0; i < SHADOW_PAGES; i++)
        tables[i] = zeros | PTE_PRESENT;
    map_shadow(tables, KERNEL_BASE, shadow, low_shadow);
    map_shadow(tables, VMALLOC_START, shadow + low_shadow, VMALLOC_SHADOW_BYTES);
    for (unsigned i = 0; i < SHADOW_TABLES; i++)
        boot_page_directory[SHADOW_START / LARGE_PAGE_SIZE + i] = (paddr + i * PAGE_SIZE) |
                                                                  PTE_PRESENT | PTE_WRITE;
    tlb_flush_all();
    kasan_set_frame_tracks(paddr_to_virt(shadow + low_shadow + VMALLOC_SHADOW_BYTES));
    run_constructors();
    state.checking = true;
    log_info("kasan: each access is checked; the shadow takes %u KiB", state.bytes / KiB);
}

void kasan_stop(void)
{
    state.checking = false;
}

void kasan_get_stats(struct kasan_stats *stats)
{
    *stats = (struct kasan_stats){ .shadow_bytes = state.bytes, .traces = kasan_trace_count() };
    stats->quarantined_bytes = kasan_quarantined(NULL);
}

/* ---- writing the shadow ---- */

/* Is it the shadow of low memory, or of the vmalloc area? */
static bool has_shadow(uintptr_t address)
{
    return state.bytes != 0 &&
           ((address >= KERNEL_BASE && address < KERNEL_BASE + LOWMEM_MAX_BYTES) ||
            (address >= VMALLOC_START && address < VMALLOC_END));
}

void kasan_poison(const void *start, size_t nbytes, enum shadow_value value)
{
    if (has_shadow((uintptr_t)start))
        unchecked_memset(shadow_of((uintptr_t)start), value, DIV_ROUND_UP(nbytes, GRANULE));
}

void kasan_unpoison(const void *start, size_t nbytes)
{
    uint8_t *shadow = shadow_of((uintptr_t)start);

    if (!has_shadow((uintptr_t)start))
        return;
    unchecked_memset(shadow, SHADOW_USABLE, nbytes / GRANULE);
    if (nbytes % GRANULE != 0)
        shadow[nbytes / GRANULE] = (uint8_t)(nbytes % GRANULE);
}

/* A kernel stack ends where its pages end; the static ones are not longer than a few pages, and what is
 * above them is made usable at worst. */
void kasan_unpoison_stack(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)(GRANULE - 1);
    uintptr_t end = ALIGN_UP(here + 1, PAGE_SIZE);

    if (!has_shadow(here))
        return;
    if (here >= VMALLOC_START)
        while (paging_lookup(&kernel_directory, end) != 0)
            end += PAGE_SIZE;
    kasan_unpoison((void *)here, end - here);
}

/* ---- reading it ---- */

uintptr_t kasan_first_bad(uintptr_t start, size_t nbytes)
{
    uintptr_t end = start + nbytes;

    for (uintptr_t address = start; address < end;
         address = ALIGN_DOWN(address, GRANULE) + GRANULE) {
        uint8_t shadow = *shadow_of(address);
        uintptr_t last = MIN(end - 1, address | (GRANULE - 1));
        if (shadow == SHADOW_USABLE || (shadow < GRANULE && last % GRANULE < shadow))
            continue;
        return shadow >= GRANULE ? address
                                 : MAX(address, ALIGN_DOWN(address, GRANULE) + shadow);
    }
    return 0;
}

/* Addresses below the kernel's fault by themselves if they are wrong. */
static ALWAYS_INLINE void check(uintptr_t address, size_t nbytes, enum access_kind kind)
{
    if (unlikely(!state.checking) || address < KERNEL_BASE || nbytes == 0)
        return;
    /* Nearly always the bytes lie in one granule, and all of it may be used. */
    if (likely(address / GRANULE == (address + nbytes - 1) / GRANULE &&
               *shadow_of(address) == SHADOW_USABLE))
        return;
    if (unlikely(kasan_first_bad(address, nbytes) != 0))
        kasan_report(address, nbytes, kind);
}

void kasan_check_read(const void *start, size_t nbytes)
{
    check((uintptr_t)start, nbytes, ACCESS_READ);
}

void kasan_check_write(const void *start, size_t nbytes)
{
    check((uintptr_t)start, nbytes, ACCESS_WRITE);
}

/* For all other files. */
#undef memset
#undef memcpy
#undef memmove

void *memset(void *dst, int byte, size_t nbytes)
{
    check((uintptr_t)dst, nbytes, ACCESS_WRITE);
    return unchecked_memset(dst, byte, nbytes);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t nbytes)
{
    check((uintptr_t)src, nbytes, ACCESS_READ);
    check((uintptr_t)dst, nbytes, ACCESS_WRITE);
    return unchecked_memcpy(dst, src, nbytes);
}

void *memmove(void *dst, const void *src, size_t nbytes)
{
    check((uintptr_t)src, nbytes, ACCESS_READ);
    check((uintptr_t)dst, nbytes, ACCESS_WRITE);
    return unchecked_memmove(dst, src, nbytes);
}

/* ---- what the compiler calls ---- */

#define DEFINE_CHECKS(nbytes)                         \
    void __asan_load##nbytes##_noabort(uintptr_t);    \
    void __asan_store##nbytes##_noabort(uintptr_t);   \
    void __asan_load##nbytes##_noabort(uintptr_t at)  \
    {                                                 \
        check(at, nbytes, ACCESS_READ);               \
    }                                                 \
    void __asan_store##nbytes##_noabort(uintptr_t at) \
    {                                                 \
        check(at, nbytes, ACCESS_WRITE);              \
    }
DEFINE_CHECKS(1)
DEFINE_CHECKS(2)
DEFINE_CHECKS(4)
DEFINE_CHECKS(8)
DEFINE_CHECKS(16)

void __asan_loadN_noabort(uintptr_t address, size_t nbytes);
void __asan_loadN_noabort(uintptr_t address, size_t nbytes)
{
    check(address, nbytes, ACCESS_READ);
}

void __asan_storeN_noabort(uintptr_t address, size_t nbytes);
void __asan_storeN_noabort(uintptr_t address, size_t nbytes)
{
    check(address, nbytes, ACCESS_WRITE);
}

/* Before a call that does not return. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
    kasan_unpoison_stack();
}

/* A large variable goes out of scope, or comes into it. */
void __asan_poison_stack_memory(uintptr_t start, size_t nbytes);
void __asan_poison_stack_memory(uintptr_t start, size_t nbytes)
{
    kasan_poison((void *)start, nbytes, SHADOW_STACK_SCOPE);
}

void __asan_unpoison_stack_memory(uintptr_t start, size_t nbytes);
void __asan_unpoison_stack_memory(uintptr_t start, size_t nbytes)
{
    kasan_unpoison((void *)start, nbytes);
}

/* From the constructors. */
void __asan_register_globals(const struct asan_global *globals, size_t count);
void __asan_register_globals(const struct asan_global *globals, size_t count)
{
    ASSERT(state.module_count < MODULES_MAX, "more than %u files with variables", MODULES_MAX);
    state.modules[state.module_count].globals = globals;
    state.modules[state.module_count++].count = count;
    for (size_t i = 0; i < count; i++) {
        kasan_poison((void *)globals[i].start, globals[i].nbytes_with_redzone, SHADOW_GLOBAL);
        kasan_unpoison((void *)globals[i].start, globals[i].nbytes);
    }
}

/* From the destructors, which nobody calls. */
void __asan_unregister_globals(const struct asan_global *globals, size_t count);
void __asan_unregister_globals(const struct asan_global *globals, size_t count)
{
    (void)globals, (void)count;
}

const struct asan_global *kasan_global_near(uintptr_t address)
{
    for (unsigned m = 0; m < state.module_count; m++) {
        const struct asan_global *globals = state.modules[m].globals;
        for (size_t i = 0; i < state.modules[m].count; i++)
            if (address - globals[i].start < globals[i].nbytes_with_redzone)
                return &globals[i];
    }
    return NULL;
}
