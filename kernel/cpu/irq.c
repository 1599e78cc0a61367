/* The two 8259A interrupt controllers, the second behind line 2 of the first.
 *
 * The BIOS leaves them at vectors 8..15 and 0x70..0x77, where the first eight collide with
 * exceptions; we move them to 32..47.
 *
 * End of interrupt is sent before the handler: it runs with interrupts off, so nothing can
 * nest, and the scheduler may leave for another thread right after it.
 *
 * Spurious interrupts: if a request goes away before it is acknowledged, the controller has no
 * line to report and says 7.  Such an interrupt is not "in service", and must not be ended:
 * that would end another one.  The second controller's spurious 7 (line 15) is a true interrupt
 * for the first. */
#include "kernel/cpu/irq.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/spinlock.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/assert.h"

#define LINES_PER_PIC 8
#define PIC1 0x20
#define PIC2 0xA0
#define PIC_COMMAND 0
#define PIC_DATA 1

/* Intel 8259A data sheet: initialisation command words (ICW) and operation command words
 * (OCW). */
#define ICW1_INIT_WITH_ICW4 0x11
#define ICW4_8086_MODE 0x01
#define OCW2_END_OF_INTERRUPT 0x20
#define OCW3_READ_REQUESTED 0x0A
#define OCW3_READ_IN_SERVICE 0x0B
#define SPURIOUS_LINE 7

static struct {
    void (*handlers[IRQ_COUNT])(void);
    uint32_t counts[IRQ_COUNT];
    uint16_t masked; /* bit per line; 1 = off */
} irq;

static uint16_t pic_of(unsigned line)
{
    return line < LINES_PER_PIC ? PIC1 : PIC2;
}

static void pic_setup(uint16_t pic, uint8_t first_vector, uint8_t cascade)
{
    out8(pic + PIC_COMMAND, ICW1_INIT_WITH_ICW4);
    out8(pic + PIC_DATA, first_vector);
    out8(pic + PIC_DATA, cascade);
    out8(pic + PIC_DATA, ICW4_8086_MODE);
}

static void write_masks(void)
{
    out8(PIC1 + PIC_DATA, irq.masked & 0xFF);
    out8(PIC2 + PIC_DATA, irq.masked >> LINES_PER_PIC);
}

void irq_init(void)
{
    pic_setup(PIC1, TRAP_IRQ_BASE, 1 << IRQ_CASCADE);
    pic_setup(PIC2, TRAP_IRQ_BASE + LINES_PER_PIC, IRQ_CASCADE);
    irq.masked = 0xFFFF & ~(1u << IRQ_CASCADE);
    write_masks();
}

void irq_set_handler(unsigned line, void (*handler)(void))
{
    ASSERT(line < IRQ_COUNT, "interrupt line %u does not exist", line);
    uint32_t flags = irq_save();
    irq.handlers[line] = handler;
    irq.masked &= ~(1u << line);
    write_masks();
    irq_restore(flags);
}

/* Bit of `line` in one of its controller's registers. */
static bool pic_bit(unsigned line, uint8_t which_register)
{
    uint16_t pic = pic_of(line);
    out8(pic + PIC_COMMAND, which_register);
    return (in8(pic + PIC_COMMAND) >> (line % LINES_PER_PIC)) & 1;
}

bool irq_is_pending(unsigned line)
{
    return pic_bit(line, OCW3_READ_REQUESTED);
}

static bool is_spurious(unsigned line)
{
    return line % LINES_PER_PIC == SPURIOUS_LINE && !pic_bit(line, OCW3_READ_IN_SERVICE);
}

void irq_dispatch(unsigned line)
{
    bool spurious = is_spurious(line);
    if (line >= LINES_PER_PIC && !spurious)
        out8(PIC2 + PIC_COMMAND, OCW2_END_OF_INTERRUPT);
    if (line >= LINES_PER_PIC || !spurious)
        out8(PIC1 + PIC_COMMAND, OCW2_END_OF_INTERRUPT);
    if (spurious)
        return;
    irq.counts[line]++;
    if (irq.handlers[line] != NULL)
        irq.handlers[line]();
}

uint32_t irq_count(unsigned line)
{
    return irq.counts[line];
}

#ifdef STRATA_STRESS
void (*spin_stress_hook)(void); /* see spinlock.h */
#endif
