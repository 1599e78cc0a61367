/* ioctl(2) on the terminal (ioctl_tty(2)). */
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/proc/tty_internal.h"
#include "mm/uaccess.h"

/* Of struct termios2: nobody can measure the speed of this line. */
#define SPEED 38400u

static int32_t get_settings(uaddr_t argument)
{
    const struct termios *termios = &tty_settings.termios;

    return copy_to_user(argument, termios, sizeof(*termios)) ? -EFAULT : 0;
}

static int32_t get_settings2(uaddr_t argument)
{
    const uint32_t speeds[2] = { SPEED, SPEED };

    if (get_settings(argument) ||
        copy_to_user(argument + sizeof(struct termios), speeds, sizeof(speeds)))
        return -EFAULT;
    return 0;
}

enum flush { KEEP_INPUT, FLUSH_INPUT };

/* Output is never on its way: TCSETSW need not wait for it. */
static int32_t set_settings(uaddr_t argument, enum flush flush)
{
    struct termios termios;
    int error = tty_may_change();

    if (error)
        return error;
    if (copy_from_user(&termios, argument, sizeof(termios)))
        return -EFAULT;
    if (flush == FLUSH_INPUT)
        tty_input_flush();
    tty_settings.termios = termios;
    return 0;
}

static int32_t get_u32(uaddr_t argument, uint32_t value)
{
    return copy_to_user(argument, &value, sizeof(value)) ? -EFAULT : 0;
}

static void send_to(struct process *process, void *info)
{
    signal_send(process, info);
}

static int32_t set_size(uaddr_t argument)
{
    struct signal_info info = { .signal = SIGWINCH, .code = SI_KERNEL };
    struct winsize size, *old = &tty_settings.size;

    if (copy_from_user(&size, argument, sizeof(size)))
        return -EFAULT;
    bool changed = size.rows != old->rows || size.columns != old->columns;
    *old = size;
    if (changed && process_foreground())
        process_for_each(process_foreground(), send_to, &info);
    return 0;
}

static void note_background(struct process *leader, void *background)
{
    *(bool *)background = leader->mode == PROCESS_BACKGROUND;
}

/* A session that the kernel's shell has in the background has no terminal.  It must be told: a
 * program's shell that can see who has the terminal waits until it is itself. */
static bool is_without_terminal(void)
{
    bool background = false;

    return process_with(process_current()->sid, note_background, &background) == 0 &&
           background;
}

struct session_check {
    uint32_t sid;
    bool same;
};

static void check_session(struct process *process, void *context)
{
    struct session_check *check = context;
    check->same |= process->sid == check->sid;
}

static int32_t set_foreground(uaddr_t argument)
{
    struct session_check check = { .sid = process_current()->sid };
    int32_t pgid;
    int error = is_without_terminal() ? -ENOTTY : tty_may_change();

    if (error)
        return error;
    if (copy_from_user(&pgid, argument, sizeof(pgid)))
        return -EFAULT;
    if (pgid < 0)
        return -EINVAL;
    if (pgid == 0 || process_for_each((uint32_t)pgid, check_session, &check) == 0)
        return -ESRCH;
    if (!check.same)
        return -EPERM;
    process_set_foreground((uint32_t)pgid);
    return 0;
}

static int32_t flush_queue(uint32_t which)
{
    int error = tty_may_change();

    if (error)
        return error;
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        tty_input_flush();
    return 0;
}

static uint32_t bytes_to_read(void)
{
    uint32_t irq = irq_save();
    size_t nbytes;

    if (tty_has(ICANON)) {
        tty_line_fill();
        nbytes = tty_line_available();
    } else {
        nbytes = tty_raw_available();
    }
    irq_restore(irq);
    return (uint32_t)nbytes;
}

static int32_t get_size(uaddr_t argument)
{
    return copy_to_user(argument, &tty_settings.size, sizeof(tty_settings.size)) ? -EFAULT : 0;
}

/* Those that set something, or let bytes go. */
static int32_t change(uint32_t request, uaddr_t argument)
{
    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETS2:
    case TCSETSW2:
        return set_settings(argument, KEEP_INPUT);
    case TCSETSF:
    case TCSETSF2:
        return set_settings(argument, FLUSH_INPUT);
    case TCFLSH:
        return flush_queue(argument);
    case TCSBRK:
    case TCSBRKP:
        return tty_may_change();
    case TIOCSPGRP:
        return set_foreground(argument);
    case TIOCSWINSZ:
        return set_size(argument);
    case TCXONC:
    case TIOCSCTTY:
    case TIOCNOTTY:
        return 0; /* there is one terminal, and it is everybody's */
    default:
        return -ENOTTY;
    }
}

int32_t tty_ioctl(struct file *file, uint32_t request, uaddr_t argument)
{
    (void)file;
    switch (request) {
    case TCGETS:
        return get_settings(argument);
    case TCGETS2:
        return get_settings2(argument);
    case TIOCGWINSZ:
        return get_size(argument);
    case TIOCGPGRP:
        return is_without_terminal() ? -ENOTTY : get_u32(argument, process_foreground());
    case TIOCGSID:
        return is_without_terminal() ? -ENOTTY : get_u32(argument, process_current()->sid);
    case TIOCOUTQ:
        return get_u32(argument, 0);
    case FIONREAD:
        return get_u32(argument, bytes_to_read());
    default:
        return change(request, argument);
    }
}
