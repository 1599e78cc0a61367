/* kernel/cpu/irq.h - hardware interrupts through the two 8259A PICs (Intel 8259A data
 * sheet). */
#pragma once

#include "kernel/lib/types.h"

enum irq_line {
    IRQ_TIMER = 0,
    IRQ_KEYBOARD = 1,
    IRQ_CASCADE = 2,
    IRQ_COM1 = 4,
    IRQ_COUNT = 16
};

/* Program both PICs to vectors 32..47 with every line masked. */
void irq_init(void);

/* Register `handler` for a line and unmask it.  It runs with interrupts off. */
void irq_set_handler(unsigned line, void (*handler)(void));

/* Called by trap.c for vectors 32..47: end of interrupt, spurious interrupts, the handler. */
void irq_dispatch(unsigned line);

/* Number of interrupts that came in on a line so far. */
uint32_t irq_count(unsigned line);

/* Has the line asked for an interrupt that was not delivered yet? */
bool irq_is_pending(unsigned line);
