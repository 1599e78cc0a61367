/* COM1: a 16550 UART.
 *
 * Output polls: a byte is written only when the transmitter is idle, because some emulators
 * drop what comes earlier.  Input is by interrupt.  When the console's queue is full, the bytes
 * stay in the UART's FIFO and its receive interrupt is turned off; the FIFO fills, the emulator
 * (or a modem with hardware flow control) holds back the sender, and a script piped into the
 * machine is read without loss however slow the reader is.
 * Reading: National Semiconductor PC16550D data sheet, chapter 8 (registers). */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/irq.h"
#include "kernel/dev/console.h"
#include "kernel/dev/devices.h"

#define COM1 0x3F8

/* Registers, as offsets; the divisor replaces the first two while DLAB is set. */
enum uart_register {
    UART_DATA = 0,
    UART_DIVISOR_LOW = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_DIVISOR_HIGH = 1,
    UART_INTERRUPT_ID = 2, /* read */
    UART_FIFO_CONTROL = 2, /* write */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_SCRATCH = 7,
};

#define DIVISOR_115200 1
#define INTERRUPT_ON_RECEIVE 0x01
#define FIFO_ENABLE 0x01 /* a receive interrupt for each byte */
#define QUIET_POLLS 200  /* without a byte: nothing more is under way */
#define LINE_8N1 0x03
#define LINE_DLAB 0x80
#define MODEM_DTR_RTS 0x03
#define MODEM_OUT2 0x08 /* connects the UART to the interrupt controller */
#define STATUS_DATA_READY 0x01
#define STATUS_TRANSMITTER_IDLE 0x60 /* holding register and shift register are empty */

/* A byte takes 87 us; a port access about 1 us.  Longer than this: nobody is there. */
#define TRANSMIT_POLLS 100000u

static struct {
    bool present;
    bool input_on;
    bool stopped; /* the queue was full: bytes wait in the FIFO */
} serial;

static void uart_write(enum uart_register reg, uint8_t value)
{
    out8(COM1 + reg, value);
}

static uint8_t uart_read(enum uart_register reg)
{
    return in8(COM1 + reg);
}

static bool data_ready(void)
{
    return (uart_read(UART_LINE_STATUS) & STATUS_DATA_READY) != 0;
}

/* A 16550 keeps what is written to its scratch register; an empty port reads as ones. */
static bool uart_exists(void)
{
    const uint8_t pattern = 0x5A;
    uart_write(UART_SCRATCH, pattern);
    return uart_read(UART_SCRATCH) == pattern;
}

/* Turning the FIFO on clears it.  First take what was sent while the machine booted, and what
 * follows on its heels: a sender that was held up (a pipe into an emulator) goes on after each
 * byte. */
static void take_early_input(void)
{
    for (unsigned quiet = 0; quiet < QUIET_POLLS && console_input_has_room(); quiet++) {
        if (!data_ready())
            continue;
        console_input(uart_read(UART_DATA));
        quiet = 0;
    }
}

bool serial_init(void)
{
    serial.present = uart_exists();
    if (!serial.present)
        return false;
    uart_write(UART_INTERRUPT_ENABLE, 0);
    uart_write(UART_LINE_CONTROL, LINE_DLAB);
    uart_write(UART_DIVISOR_LOW, DIVISOR_115200);
    uart_write(UART_DIVISOR_HIGH, 0);
    uart_write(UART_LINE_CONTROL, LINE_8N1);
    uart_write(UART_MODEM_CONTROL, MODEM_DTR_RTS | MODEM_OUT2);
    take_early_input();
    if (!data_ready()) /* the queue is full: do without the FIFO rather than lose a byte */
        uart_write(UART_FIFO_CONTROL, FIFO_ENABLE);
    return true;
}

void serial_write(const char *bytes, size_t nbytes)
{
    for (size_t i = 0; serial.present && i < nbytes; i++) {
        unsigned polls = 0;
        while ((uart_read(UART_LINE_STATUS) & STATUS_TRANSMITTER_IDLE) !=
                   STATUS_TRANSMITTER_IDLE &&
               polls < TRANSMIT_POLLS)
            polls++;
        uart_write(UART_DATA, (uint8_t)bytes[i]);
    }
}

/* Move bytes from the FIFO to the queue until one is empty or the other full.  Interrupts are
 * off. */
static void receive(void)
{
    bool more;
    while ((more = data_ready()) && console_input_has_room())
        console_input(uart_read(UART_DATA));
    if (more == serial.stopped)
        return;
    serial.stopped = more;
    uart_write(UART_INTERRUPT_ENABLE, more ? 0 : INTERRUPT_ON_RECEIVE);
}

static void serial_interrupt(void)
{
    uart_read(UART_INTERRUPT_ID); /* acknowledges what is not a received byte */
    receive();
}

void serial_enable_input(void)
{
    if (!serial.present)
        return;
    uint32_t flags = irq_save();
    irq_set_handler(IRQ_COM1, serial_interrupt);
    serial.input_on = true;
    serial.stopped = true; /* as if the queue had been full: receive() turns the interrupt on */
    receive();
    irq_restore(flags);
}

void serial_resume_input(void)
{
    uint32_t flags = irq_save();
    if (serial.input_on && serial.stopped)
        receive();
    irq_restore(flags);
}
