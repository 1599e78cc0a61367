/* kernel/dev/devices.h - the devices behind the console.  Only console.c and main.c use
 * these. */
#pragma once

#include "kernel/lib/types.h"

/* COM1, a 16550 UART: 115200 8N1, FIFO on.  Output polls the line status (an emulator may drop
 * what is written while the transmitter is not empty); input is by interrupt once
 * serial_enable_input(). */
bool serial_init(void); /* false: there is no UART */
void serial_write(const char *bytes, size_t nbytes);
void serial_enable_input(void);
/* The input queue has room again: read on if reading was stopped. */
void serial_resume_input(void);

/* VGA text, 80 x 25, at the direct map's 0xB8000: scrolling, hardware cursor, 16 colours,
 * ANSI. */
void vga_init(void);
/* Normal colours, visible cursor, no sequence half read: whatever a program has left. */
void vga_reset(void);
void vga_write(const char *bytes, size_t nbytes);

/* PS/2 keyboard (8042, scan code set 1), US layout with shift, ctrl, alt, caps lock. */
void keyboard_init(void);
