/* Time: ticks that the PIT's interrupt counts, and the PIT's counter for what lies between
 * them.
 *
 * Channel 0 in mode 2 counts down from PIT_DIVISOR to 1 and starts over, with an interrupt at
 * each reload.  Time is therefore ticks * PIT_DIVISOR + (PIT_DIVISOR - counter) periods of
 * 838 ns.
 *
 * The two are not read at one instant.  With interrupts off the counter may have started over
 * while the tick waits in the PIC: then one tick is added, provided that the counter was read
 * after the reload (it is in its first half).  If interrupts stay off for two reloads a tick is
 * lost; the clock then runs late, but is never seen to run backwards. */
#include "kernel/cpu/timer.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/irq.h"

/* Intel 8254 data sheet. */
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_LATCH_CHANNEL0 0x00
#define PIT_CHANNEL0_MODE2 0x34 /* low byte, then high byte; rate generator; binary */
#define PIT_DIVISOR ((TIMER_PIT_HZ + TIMER_HZ / 2) / TIMER_HZ)

/* 10^9 / TIMER_PIT_HZ, as an integer and a binary fraction of 32 bits: no division at run
 * time. */
#define NS_PER_COUNT (NS_PER_SECOND / TIMER_PIT_HZ)
#define NS_PER_COUNT_FRACTION \
    ((uint32_t)(((uint64_t)(NS_PER_SECOND % TIMER_PIT_HZ) << 32) / TIMER_PIT_HZ))

static struct {
    uint64_t ticks;
    uint64_t last_ns; /* what timer_ns() returned last */
    bool running;
    void (*tick_handler)(void);
} timer;

static void timer_interrupt(void)
{
    timer.ticks++;
    if (timer.tick_handler != NULL)
        timer.tick_handler();
}

void timer_init(void)
{
    out8(PIT_COMMAND, PIT_CHANNEL0_MODE2);
    out8(PIT_CHANNEL0, PIT_DIVISOR & 0xFF);
    out8(PIT_CHANNEL0, PIT_DIVISOR >> 8);
    timer.running = true;
    irq_set_handler(IRQ_TIMER, timer_interrupt);
}

void timer_set_tick_handler(void (*handler)(void))
{
    timer.tick_handler = handler;
}

uint64_t timer_ticks(void)
{
    uint32_t flags = irq_save();
    uint64_t ticks = timer.ticks;
    irq_restore(flags);
    return ticks;
}

static uint32_t counts_since_reload(void)
{
    out8(PIT_COMMAND, PIT_LATCH_CHANNEL0);
    uint32_t counter = in8(PIT_CHANNEL0);
    counter |= (uint32_t)in8(PIT_CHANNEL0) << 8;
    return counter <= PIT_DIVISOR ? PIT_DIVISOR - counter : 0;
}

static uint64_t counts_to_ns(uint64_t counts)
{
    uint32_t high = counts >> 32, low = (uint32_t)counts;
    return counts * NS_PER_COUNT + (uint64_t)high * NS_PER_COUNT_FRACTION +
           (((uint64_t)low * NS_PER_COUNT_FRACTION) >> 32);
}

uint64_t timer_ns(void)
{
    if (!timer.running)
        return 0;
    uint32_t flags = irq_save();
    uint32_t counts = counts_since_reload();
    if (counts < PIT_DIVISOR / 2 && irq_is_pending(IRQ_TIMER))
        counts += PIT_DIVISOR;
    uint64_t now = counts_to_ns(timer.ticks * PIT_DIVISOR + counts);
    if (now < timer.last_ns)
        now = timer.last_ns;
    timer.last_ns = now;
    irq_restore(flags);
    return now;
}
