/* tests/host/shim/host.h - what the host tests of mm/ stand on: a small machine made of ordinary memory,
 * caught panics, a random generator with a seed. */
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/lib/string.h"
#include "kernel/lib/types.h"

/* The random seed is the program's argument, 1 without one. */
void host_init(int argc, char *argv[]);
uint32_t host_random(void);
uint32_t host_random_below(uint32_t limit);

/* A new machine with so many frames, the first one reserved; everything else is forgotten. */
void host_machine(uint32_t nframes);

/* Stop the test with file, line and seed. */
_Noreturn void host_fail(const char *file, int line, const char *what);

#define CHECK(condition)                               \
    do {                                               \
        if (!(condition))                              \
            host_fail(__FILE__, __LINE__, #condition); \
    } while (0)

/* `statement` must fail an assertion whose message contains `part`. */
extern jmp_buf host_panic_jump;
void host_panic_arm(void);
void host_panic_expect(const char *part, const char *file, int line);

#define CHECK_PANIC(part, statement)                 \
    do {                                             \
        if (setjmp(host_panic_jump) == 0) {          \
            host_panic_arm();                        \
            statement;                               \
        }                                            \
        host_panic_expect(part, __FILE__, __LINE__); \
    } while (0)
