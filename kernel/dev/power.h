/* kernel/dev/power.h - end or restart of the machine. */
#pragma once

#include "kernel/lib/types.h"

/* Switch off: QEMU (PIIX4 ACPI: port 0x604, older 0xB004), Bochs ("Shutdown" to port 0x8900);
 * where nothing answers, say that it is safe to switch off, and halt. */
_Noreturn void power_off(void);

/* Reset through the 8042, or else by a triple fault. */
_Noreturn void power_reboot(void);

/* End of a test kernel: QEMU's isa-debug-exit (iobase 0xf4) makes the exit status code*2+1;
 * where there is none, power_off(). */
_Noreturn void power_test_exit(uint8_t code);
