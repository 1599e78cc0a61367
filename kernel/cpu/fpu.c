/* The floating-point registers, switched only when somebody uses them.
 *
 * State      owner: whose values the registers hold (NULL: nobody's).
 *            current: the running thread's state (NULL: a kernel thread).
 * Invariant  CR0.TS is clear only while owner == current and current != NULL.
 * Switch     sets TS (or clears it, when the owner comes back).  A thread that touches the FPU
 *            then gets #NM: the registers are saved to the owner and loaded from current.
 * No FPU     CR0.EM makes every FPU instruction raise #NM; nothing handles it and the program
 *            is killed.  Nothing is emulated.
 * Formats    FXSAVE (512 bytes, with the SSE registers) where the CPU has it, else FNSAVE
 *            (108).
 * Reading    SDM vol. 3, chapter 13; SDM vol. 1, 8.1.10 and 10.5. */
#include "kernel/cpu/fpu.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/string.h"

/* Values after FNINIT, and MXCSR after reset: every exception masked, round to nearest. */
#define FPU_CONTROL_DEFAULT 0x037Fu
#define FPU_TAGS_EMPTY 0xFFFFu
#define MXCSR_DEFAULT 0x1F80u
#define MXCSR_OLDEST_MASK 0xFFBFu /* bits that every SSE processor has (not DAZ) */

/* First words of the FNSAVE format (32-bit protected mode): each register in the low half of a
 * double word.  The high half reads as ones. */
#define FNSAVE_HIGH_HALF 0xFFFF0000u
enum { FNSAVE_CONTROL, FNSAVE_STATUS, FNSAVE_TAGS };
/* Byte offsets in the FXSAVE format.  Its tag byte is inverted: 0 = all registers empty. */
#define FXSAVE_CONTROL 0
#define FXSAVE_MXCSR 24
#define FXSAVE_MXCSR_MASK 28

static struct {
    struct fpu_state *owner, *current;
    uint32_t mxcsr_mask; /* the bits of MXCSR that this processor has */
} fpu;

static void registers_save(struct fpu_state *state)
{
    if (cpu_has(CPU_FXSR))
        __asm__ volatile("fxsave %0" : "=m"(*state));
    else
        __asm__ volatile("fnsave %0" : "=m"(*state));
}

static void registers_load(const struct fpu_state *state)
{
    if (cpu_has(CPU_FXSR))
        __asm__ volatile("fxrstor %0" : : "m"(*state));
    else
        __asm__ volatile("frstor %0" : : "m"(*state));
}

/* An exception that a program which is gone has left pending would be raised by FRSTOR. */
static void drop_exceptions(void)
{
    __asm__ volatile("fnclex");
}

static void deny(void)
{
    cr0_write(cr0_read() | CR0_TS);
}

static void allow(void)
{
    __asm__ volatile("clts" ::: "memory");
}

/* #NM.  Interrupts are off.  The kernel has no business with the FPU: that is a bug to
 * report. */
static bool handle_no_fpu(struct trap_frame *frame)
{
    if (!trap_from_user(frame) || !cpu_has(CPU_FPU) || fpu.current == NULL)
        return false;
    allow();
    if (fpu.owner == fpu.current)
        return true;
    if (fpu.owner != NULL)
        registers_save(fpu.owner);
    else
        drop_exceptions();
    registers_load(fpu.current);
    fpu.owner = fpu.current;
    return true;
}

/* FXSAVE says which bits of MXCSR there are; 0 on the oldest (SDM vol. 1, 11.6.6). */
static void find_mxcsr_mask(void)
{
    struct fpu_state state;
    uint32_t mask;

    memset(&state, 0, sizeof(state));
    allow();
    registers_save(&state);
    memcpy(&mask, state.area + FXSAVE_MXCSR_MASK, sizeof(mask));
    fpu.mxcsr_mask = mask ? mask : MXCSR_OLDEST_MASK;
    deny();
}

void fpu_init(void)
{
    uint32_t cr0 = cr0_read() & ~(CR0_EM | CR0_MP);
    /* NE: errors as #MF, not through the PIC.  MP: WAIT obeys TS too. */
    cr0_write(cr0 | CR0_NE | CR0_TS | (cpu_has(CPU_FPU) ? CR0_MP : CR0_EM));
    if (cpu_has(CPU_FXSR)) {
        uint32_t cr4 = cr4_read() | CR4_OSFXSR;
        cr4_write(cpu_has(CPU_SSE) ? cr4 | CR4_OSXMMEXCPT : cr4);
        find_mxcsr_mask();
    }
    trap_set_handler(TRAP_NO_FPU, handle_no_fpu);
}

void fpu_state_init(struct fpu_state *state)
{
    memset(state, 0, sizeof(*state));
    if (cpu_has(CPU_FXSR)) {
        const uint16_t control = FPU_CONTROL_DEFAULT;
        const uint32_t mxcsr = MXCSR_DEFAULT;
        memcpy(state->area + FXSAVE_CONTROL, &control, sizeof(control));
        memcpy(state->area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
    } else {
        const uint32_t words[] = {
            [FNSAVE_CONTROL] = FNSAVE_HIGH_HALF | FPU_CONTROL_DEFAULT,
            [FNSAVE_STATUS] = FNSAVE_HIGH_HALF,
            [FNSAVE_TAGS] = FNSAVE_HIGH_HALF | FPU_TAGS_EMPTY,
        };
        memcpy(state->area, words, sizeof(words));
    }
}

void fpu_switch(struct fpu_state *state)
{
    fpu.current = state;
    if (state != NULL && state == fpu.owner)
        allow();
    else
        deny();
}

void fpu_release(struct fpu_state *state)
{
    uint32_t flags = irq_save();
    if (fpu.current == state)
        fpu_switch(NULL);
    if (fpu.owner == state)
        fpu.owner = NULL;
    irq_restore(flags);
}

void fpu_sync(struct fpu_state *owner)
{
    uint32_t flags = irq_save();

    if (fpu.owner == owner) { /* the registers are newer than the memory */
        allow();
        registers_save(owner);
        if (!cpu_has(CPU_FXSR))
            registers_load(owner); /* FNSAVE has reset them */
        fpu_switch(fpu.current);
    }
    irq_restore(flags);
}

void fpu_discard(struct fpu_state *owner)
{
    uint32_t flags = irq_save();

    if (fpu.owner == owner)
        fpu.owner = NULL; /* what is in the registers is no longer anybody's */
    fpu_switch(fpu.current);
    irq_restore(flags);
}

void fpu_sanitise(struct fpu_state *state)
{
    uint32_t mxcsr;

    if (!cpu_has(CPU_FXSR))
        return;
    memcpy(&mxcsr, state->area + FXSAVE_MXCSR, sizeof(mxcsr));
    mxcsr &= fpu.mxcsr_mask;
    memcpy(state->area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

void fpu_save_current(struct fpu_state *state, struct fpu_state *owner)
{
    fpu_sync(owner);
    memcpy(state, owner, sizeof(*state));
}
