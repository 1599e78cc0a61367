/* kernel/lib/types.h - the integer types and small macros that every file uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t paddr_t; /* physical address below 4 GiB (the map's own are uint64_t) */
typedef uint32_t pfn_t;   /* page frame number: physical address / PAGE_SIZE */
typedef uint32_t
    uaddr_t; /* address in a user program; an integer on purpose, see mm/uaccess.h */

#define PAGE_SHIFT 12
#define PAGE_SIZE (1u << PAGE_SHIFT)
#define PAGE_MASK (PAGE_SIZE - 1)

#define KiB 1024u
#define MiB (1024u * KiB)
#define GiB (1024u * MiB)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Rounding; `align` is a power of two of the same width as `x`. */
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define ALIGN_UP(x, align) ALIGN_DOWN((x) + ((__typeof__(x))(align)-1), align)
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The structure of `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
