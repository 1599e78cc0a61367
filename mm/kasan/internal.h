/* mm/kasan/internal.h - what the files of the address sanitizer share.  For nobody else. */
#pragma once

#include "kernel/lib/layout.h"
#include "mm/kasan.h"

#define GRANULE 8u /* bytes that one byte of the shadow stands for */

/* A byte of the shadow: 0 = all 8 bytes may be used; 1 .. 7 = only so many, from the first on; else
 * none, and why.  The values are Linux's (mm/kasan/kasan.h); those of the stack and of globals are
 * the compiler's (GCC, gcc/asan.h). */
enum shadow_value {
    SHADOW_USABLE = 0x00,
    SHADOW_STACK_LEFT = 0xF1,   /* before the first variable of a function */
    SHADOW_STACK_MID = 0xF2,    /* between two */
    SHADOW_STACK_RIGHT = 0xF3,  /* behind the last one */
    SHADOW_STACK_SCOPE = 0xF8,  /* a variable whose block has been left */
    SHADOW_GLOBAL = 0xF9,       /* behind a global variable */
    SHADOW_SLAB_FREE = 0xFB,    /* an object that is not handed out */
    SHADOW_SLAB_REDZONE = 0xFC, /* between the objects of a slab */
    SHADOW_PAGE_REDZONE = 0xFE, /* behind what was asked for, in a block of kmalloc() */
    SHADOW_PAGE_FREE = 0xFF,    /* a free frame */
};

static inline uint8_t *shadow_of(uintptr_t address)
{
    return (uint8_t *)(SHADOW_START + (address - KERNEL_BASE) / GRANULE);
}

/* Fill the shadow of whole granules; a last part of a granule becomes as the rest of it. */
void kasan_poison(const void *start, size_t nbytes, enum shadow_value value);

/* The first of the bytes that may not be used; 0: all may. */
uintptr_t kasan_first_bad(uintptr_t start, size_t nbytes);

/* Forget what functions that are left by longjmp(), or never, have poisoned on the stack in use. */
void kasan_unpoison_stack(void);

/* No check from here on: the reporter may go where nobody else may. */
void kasan_stop(void);

/* ---- notes: who allocated and freed what ---- */

typedef uint16_t trace_id; /* a backtrace; 0: not known */

struct kasan_track {
    trace_id allocated, freed;
    uint32_t nbytes; /* as asked for */
};

#define TRACE_DEPTH 8u

/* Keep the callers of the function that calls this. */
#define kasan_save_trace() kasan_save_trace_from((uintptr_t)__builtin_frame_address(0))
trace_id kasan_save_trace_from(uintptr_t ebp);

/* The return addresses of a trace, and how many. */
unsigned kasan_load_trace(trace_id id, const uintptr_t **pcs);
uint32_t kasan_trace_count(void);

struct kasan_track *kasan_track_of(const struct slab_cache *cache, void *object);
struct kasan_track *kasan_frame_track(paddr_t paddr); /* of the frame of low memory */

/* Where the notes on frames lie: an entry for each of low memory, zeroed. */
void kasan_set_frame_tracks(struct kasan_track *tracks);

/* ---- report.c ---- */

enum access_kind { ACCESS_READ, ACCESS_WRITE };

_Noreturn void kasan_report(uintptr_t address, size_t nbytes, enum access_kind kind);
_Noreturn void kasan_report_double_free(struct slab_cache *cache, void *object);

/* The compiler's description of a global variable (GCC, libsanitizer/asan: __asan_global). */
struct asan_location {
    const char *file;
    int line, column;
};
struct asan_global {
    uintptr_t start;
    size_t nbytes;
    size_t nbytes_with_redzone;
    const char *name;
    const char *module;
    uintptr_t has_dynamic_init;
    const struct asan_location *location; /* may be NULL */
    uintptr_t odr_indicator;
};

/* The registered variable that `address` lies in or behind; NULL: none is near. */
const struct asan_global *kasan_global_near(uintptr_t address);
