/* Switching off takes ACPI: find the tables, interpret their byte code, write two values to a
 * port.  The emulators' ports are known, so we write there without asking; on other machines
 * the writes go nowhere, and somebody has to press the button. */
#include "kernel/dev/power.h"

#include "kernel/cpu/cpu.h"
#include "kernel/dev/console.h"

#define QEMU_PM_CONTROL 0x604  /* PIIX4's PM1a control register, where SeaBIOS puts it */
#define OLD_PM_CONTROL 0xB004  /* the same in Bochs' BIOS and old QEMU */
#define PM_SLEEP_ENABLE 0x2000 /* with sleep type 0: soft off */
#define BOCHS_SHUTDOWN_PORT 0x8900
#define QEMU_DEBUG_EXIT_PORT 0xF4

/* The 8042 keyboard controller's output line 0 is wired to the processor's reset. */
#define KBC_STATUS_COMMAND 0x64
#define KBC_INPUT_FULL 0x02
#define KBC_PULSE_RESET 0xFE
#define KBC_POLLS 100000u

/* Reading this port does nothing and takes about 1 us. */
#define DELAY_PORT 0x80
#define RESET_DELAY_US 100000u
#define POWER_OFF_DELAY_US 500000u

static void delay_us(unsigned us)
{
    while (us-- > 0)
        in8(DELAY_PORT);
}

void power_off(void)
{
    irq_disable();
    out16(QEMU_PM_CONTROL, PM_SLEEP_ENABLE);
    out16(OLD_PM_CONTROL, PM_SLEEP_ENABLE);
    for (const char *s = "Shutdown"; *s != '\0'; s++)
        out8(BOCHS_SHUTDOWN_PORT, (uint8_t)*s);
    delay_us(POWER_OFF_DELAY_US); /* an emulator goes on for a moment */
    console_printf("It is now safe to switch off the machine.\n");
    cpu_halt();
}

void power_reboot(void)
{
    irq_disable();
    for (unsigned i = 0; i < KBC_POLLS && (in8(KBC_STATUS_COMMAND) & KBC_INPUT_FULL); i++)
        ;
    out8(KBC_STATUS_COMMAND, KBC_PULSE_RESET);
    delay_us(RESET_DELAY_US);
    cpu_triple_fault();
}

void power_test_exit(uint8_t code)
{
    out8(QEMU_DEBUG_EXIT_PORT, code);
    power_off();
}
