/* Random numbers.
 *
 * Problem   Programs start at addresses that differ from run to run; libraries want a few bytes for
 *           their stack protectors and hash tables.
 * Idea      A generator of 128 bits of state (Marsaglia's xorshift128 and a counter against its
 *           linearity), into which each request stirs the time: the time-stamp counter where there
 *           is one, the timer else.
 * Limits    Nothing here is secret.  Who knows the time to the nanosecond, or reads some output, can
 *           compute the rest; under an emulator that counts instructions every run is the same.  Do
 *           not make keys of it.
 * Reading   G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software, 2003. */
#include "kernel/cpu/random.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/lib/string.h"

#define WEYL_STEP 362437u /* Marsaglia's, for the counter: odd, so that it takes all values */

static struct {
    uint32_t x[4]; /* never all zero */
    uint32_t counter;
} state = { .x = { 123456789, 362436069, 521288629, 88675123 } }; /* his seeds */

/* Interrupts off. */
static uint32_t next(void)
{
    uint32_t t = state.x[3], s = state.x[0];

    t ^= t << 11;
    t ^= t >> 8;
    state.x[3] = state.x[2];
    state.x[2] = state.x[1];
    state.x[1] = s;
    state.x[0] = t ^ s ^ s >> 19;
    state.counter += WEYL_STEP;
    return state.x[0] + state.counter;
}

/* Interrupts off. */
static void stir(uint32_t value)
{
    state.counter += value;
    state.x[0] ^= value;
    state.x[3] |= 1; /* not all zero */
    next();
}

static void stir_time(void)
{
    uint64_t time = cpu_has(CPU_TSC) ? tsc_read() : timer_ns();

    stir((uint32_t)time);
    stir((uint32_t)(time >> 32));
}

void random_bytes(void *bytes, size_t nbytes)
{
    uint8_t *to = bytes;

    for (size_t done = 0, length; done < nbytes; done += length) {
        uint32_t irq = irq_save();
        if (done == 0)
            stir_time();
        uint32_t value = next();
        irq_restore(irq);
        length = MIN(sizeof(value), nbytes - done);
        memcpy(to + done, &value, length);
    }
}

uint32_t random_u32(void)
{
    uint32_t value;

    random_bytes(&value, sizeof(value));
    return value;
}

void random_stir(const void *bytes, size_t nbytes)
{
    const uint8_t *from = bytes;

    for (size_t i = 0; i < nbytes; i++) {
        uint32_t irq = irq_save();
        stir(from[i]);
        irq_restore(irq);
    }
}
