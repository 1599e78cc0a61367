/* The terminal: who gets the keys.
 *
 * In the foreground is either a process group or the kernel's shell.  The shell takes bytes as they come
 * (its own editor echoes); programs read lines, or raw bytes, as the settings say (tty_line.c).
 * Keys that are signals are seen to in the interrupt, so that they reach a program that reads nothing.
 *
 * Job control   A group in the background that reads is sent SIGTTIN, and reads when it is in the
 *               foreground again; the same with SIGTTOU for changing settings, and for writing if TOSTOP
 *               is set.
 * Output        What a program writes in one call comes out in one piece, up to CHUNK bytes, whoever else
 *               writes.
 * Lock          interrupts off (the console's queue is filled by interrupt handlers); the mutex
 *               "terminal output" for output. */
#include "kernel/proc/tty.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/console.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/proc/tty_internal.h"
#include "kernel/sched/mutex.h"
#include "mm/uaccess.h"

#define CTRL(letter) ((letter)&0x1F)
#define CHUNK 512u /* bytes on their way between the program and the terminal */
#define TICKS_PER_DECISECOND (TIMER_HZ / 10)

/* Device numbers as on Linux. */
#define DEVICE(major, minor) ((major) << 8 | (minor))
#define DEVICE_TTY DEVICE(5u, 0u)
#define DEVICE_CONSOLE DEVICE(5u, 1u)

static struct {
    struct wait_queue readers;
    struct wait_queue sleeper; /* the shell in tty_sleep_ticks(); only Ctrl-C wakes it */
    bool sleeping;
    bool lent; /* a program may have changed the settings, or begun to read a line */
} tty;

static struct mutex output = MUTEX_INIT(output, "terminal output");

/* ---- keys, in interrupt context ---- */

static int signal_of_key(uint8_t byte)
{
    if (!tty_has(ISIG))
        return 0;
    if (tty_is_key(byte, VINTR))
        return SIGINT;
    if (tty_is_key(byte, VQUIT))
        return SIGQUIT;
    return tty_is_key(byte, VSUSP) ? SIGTSTP : 0;
}

static void send_to(struct process *process, void *info)
{
    signal_send(process, info);
}

static bool take_shell_key(uint8_t byte)
{
    if (byte != CTRL('C') || !tty.sleeping)
        return false;
    wait_queue_wake_all(&tty.sleeper);
    console_flush_input();
    console_write("^C\n", 3);
    return true;
}

static void note_if_ours(struct process *process, void *ours)
{
    *(bool *)ours |= process->mode != PROCESS_CHILD;
}

/* "^C".  A program's shell starts a new line then; the kernel's does not. */
static void echo_signal(uint8_t byte, uint32_t group)
{
    bool ours = false;

    tty_echo(byte);
    process_for_each(group, note_if_ours, &ours);
    if (ours)
        console_write("\n", 1);
}

static bool take_key(uint8_t byte)
{
    uint32_t group = process_foreground();

    if (group == 0)
        return take_shell_key(byte);
    struct signal_info info = { .signal = signal_of_key(byte), .code = SI_KERNEL };
    if (info.signal == 0)
        return false;
    if (!tty_has(NOFLSH))
        tty_input_flush();
    if (tty_has(ECHO))
        echo_signal(byte, group);
    process_for_each(group, send_to, &info);
    return true;
}

static void wake_readers(void)
{
    wait_queue_wake_all(&tty.readers);
    poll_notify();
}

/* ---- the kernel's shell ---- */

void tty_reset(void)
{
    uint32_t irq = irq_save();

    tty.lent = false;
    tty_settings_reset();
    tty_line_drop();
    irq_restore(irq);
}

void tty_put_aside(struct tty_aside *aside)
{
    uint32_t irq = irq_save();

    *aside = (struct tty_aside){ .used = true, .termios = tty_settings.termios };
    tty_reset();
    irq_restore(irq);
}

void tty_take_back(struct tty_aside *aside)
{
    uint32_t irq = irq_save();

    if (aside->used) {
        tty_settings.termios = aside->termios;
        tty.lent = true;
    }
    aside->used = false;
    irq_restore(irq);
}

int tty_read_byte(void)
{
    uint32_t irq = irq_save();
    int byte;

    if (tty.lent)
        tty_reset();
    while ((byte = console_read_byte()) < 0)
        if (!wait_queue_sleep(&tty.readers))
            break;
    irq_restore(irq);
    return byte;
}

int tty_read_byte_ticks(uint64_t nticks)
{
    uint32_t irq = irq_save();
    int byte;

    if (tty.lent)
        tty_reset();
    byte = console_read_byte();
    if (byte < 0) {
        wait_queue_sleep_ticks(&tty.readers, nticks);
        byte = console_read_byte();
    }
    irq_restore(irq);
    return byte;
}

int tty_sleep_ticks(uint64_t nticks)
{
    uint32_t irq = irq_save();

    tty.sleeping = true;
    bool interrupted = wait_queue_sleep_ticks(&tty.sleeper, nticks);
    tty.sleeping = false;
    irq_restore(irq);
    return interrupted ? -EINTR : 0;
}

/* ---- job control ---- */

/* The running process's group is not in the foreground: stop it with `signal`, if that makes sense. */
static int stop_group(int signal, int if_unwanted)
{
    struct signal_info info = { .signal = signal, .code = SI_KERNEL };
    uint32_t pgid = process_current()->pgid;

    if (signal_is_blocked_or_ignored(signal))
        return if_unwanted;
    if (signal_group_is_orphaned(pgid))
        return -EIO;
    process_for_each(pgid, send_to, &info);
    thread_interrupt(thread_current()); /* even if another thread takes the signal */
    return -ERESTARTSYS;
}

static bool in_foreground(void)
{
    return process_current()->pgid == process_foreground();
}

int tty_may_read(void)
{
    return in_foreground() ? 0 : stop_group(SIGTTIN, -EIO);
}

int tty_may_change(void)
{
    int error = in_foreground() ? 0 : stop_group(SIGTTOU, 0);

    tty.lent |= error == 0;
    return error;
}

/* ---- programs read ---- */

/* Wait for a line and take as much of it as fits.  Bytes (0: end of file), -EAGAIN, -ERESTARTSYS,
 * -EIO. */
static int32_t take_line(const struct file *file, char *dst, size_t size)
{
    uint32_t irq = irq_save();
    int32_t result;

    for (;;) {
        result = tty_may_read();
        if (result)
            break;
        if (tty_line_fill()) {
            result = (int32_t)tty_line_take(dst, size);
            break;
        }
        result = file->flags & O_NONBLOCK ? -EAGAIN : -ERESTARTSYS;
        if (result == -EAGAIN || !wait_queue_sleep(&tty.readers))
            break;
    }
    irq_restore(irq);
    return result;
}

static int32_t take_rest_of_line(char *dst, size_t size)
{
    uint32_t irq = irq_save();
    int32_t result = tty_line_available() ? (int32_t)tty_line_take(dst, size) : 0;
    irq_restore(irq);
    return result;
}

static int32_t read_line(struct file *file, uaddr_t buffer, uint32_t nbytes)
{
    char bytes[CHUNK];
    uint32_t done = 0;
    int32_t part = take_line(file, bytes, MIN(nbytes, CHUNK));

    while (part > 0) {
        if (copy_to_user(buffer + done, bytes, (size_t)part))
            return done ? (int32_t)done : -EFAULT;
        done += (uint32_t)part;
        if (done == nbytes || bytes[part - 1] == '\n')
            break;
        part = take_rest_of_line(bytes, MIN(nbytes - done, CHUNK));
    }
    return done ? (int32_t)done : part;
}

/* Wait for raw input after `done` bytes.  1: look again; 0: what there is must do; -EAGAIN,
 * -ERESTARTSYS.  Interrupts off.  (termios(3), "Canonical and noncanonical mode".) */
static int wait_raw(const struct file *file, uint32_t done)
{
    uint32_t least = tty_settings.termios.keys[VMIN];
    uint32_t limit = tty_settings.termios.keys[VTIME] * TICKS_PER_DECISECOND;

    if (done >= MAX(least, 1u) || (least == 0 && limit == 0))
        return 0;
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    bool limited = limit && (least == 0 || done > 0);
    bool woken = limited ? wait_queue_sleep_ticks(&tty.readers, limit)
                         : wait_queue_sleep(&tty.readers);
    if (woken)
        return 1;
    return thread_current()->interrupted ? -ERESTARTSYS : 0;
}

/* Bytes, 0: no more, or -EAGAIN, -ERESTARTSYS, -EIO. */
static int32_t take_raw(const struct file *file, char *dst, size_t size, uint32_t done)
{
    uint32_t irq = irq_save();
    int32_t result;

    do {
        result = tty_may_read();
        if (result)
            break;
        result = (int32_t)tty_raw_take(dst, size);
        if (result)
            break;
        result = wait_raw(file, done);
    } while (result == 1);
    irq_restore(irq);
    return result;
}

static int32_t read_raw(struct file *file, uaddr_t buffer, uint32_t nbytes)
{
    char bytes[CHUNK];
    uint32_t done = 0;
    int32_t part = 0;

    while (done < nbytes) {
        part = take_raw(file, bytes, MIN(nbytes - done, CHUNK), done);
        if (part <= 0)
            break;
        if (copy_to_user(buffer + done, bytes, (size_t)part)) {
            part = -EFAULT;
            break;
        }
        done += (uint32_t)part;
    }
    return done ? (int32_t)done : part;
}

static int32_t tty_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    (void)offset;
    int error = tty_may_read();
    if (error || nbytes == 0)
        return error;
    tty.lent = true;
    return tty_has(ICANON) ? read_line(file, buffer, nbytes) : read_raw(file, buffer, nbytes);
}

/* ---- programs write ---- */

static void put_chunk(const char *bytes, uint32_t nbytes)
{
    const uint32_t converts = OPOST | ONLCR;

    mutex_lock(&output);
    if ((tty_settings.termios.oflag & converts) == converts)
        console_write(bytes, nbytes);
    else
        console_write_raw(bytes, nbytes);
    mutex_unlock(&output);
}

static int32_t tty_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    char bytes[CHUNK];
    uint32_t done = 0;

    (void)file, (void)offset;
    int error = tty_has(TOSTOP) && !in_foreground() ? stop_group(SIGTTOU, 0) : 0;
    if (error)
        return error;
    while (done < nbytes && !process_kill_pending()) {
        uint32_t part = MIN(nbytes - done, CHUNK);
        if (copy_from_user(bytes, buffer + done, part) != 0)
            return done ? (int32_t)done : -EFAULT;
        put_chunk(bytes, part);
        done += part;
    }
    return (int32_t)done;
}

/* ---- poll ---- */

static unsigned tty_poll(struct file *file)
{
    unsigned possible = POLLOUT | POLLWRNORM;
    uint32_t irq = irq_save();

    (void)file;
    if (in_foreground() && (tty_has(ICANON) ? tty_line_fill() : tty_raw_available() > 0))
        possible |= POLLIN | POLLRDNORM;
    tty.lent |= in_foreground();
    irq_restore(irq);
    return possible;
}

const struct file_ops tty_file_ops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};

void tty_init(void)
{
    wait_queue_init(&tty.readers);
    wait_queue_init(&tty.sleeper);
    tty_settings_reset();
    console_set_input_hooks(take_key, wake_readers);
    int error = fs_add_device("console", DEVICE_CONSOLE, &tty_file_ops);
    if (!error)
        error = fs_add_device("tty", DEVICE_TTY, &tty_file_ops);
    ASSERT(!error, "no memory for /dev/console (%d)", error);
}
