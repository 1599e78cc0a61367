/* System calls that tell what machine this is: uname(2), sysinfo(2), the log; and switch it off. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/random.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/power.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/loadavg.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"
#include "kernel/syscall/syscall.h"
#include "mm/memstat.h"
#include "mm/uaccess.h"

/* ---- names ---- */

#define UTS_LENGTH 64u /* without the NUL */

/* struct new_utsname.  Programs compare the first field and parse the third: they must find the
 * system that they were built for. */
struct uts_name {
    char system[UTS_LENGTH + 1], node[UTS_LENGTH + 1], release[UTS_LENGTH + 1];
    char version[UTS_LENGTH + 1], machine[UTS_LENGTH + 1], domain[UTS_LENGTH + 1];
};

static struct uts_name uts = {
    .system = "Linux",
    .node = "strata",
    .release = "6.1.0-strata",
    .version = "#1 Strata",
    .domain = "(none)",
};

#define OLDEST_FAMILY 3u
#define NEWEST_FAMILY 6u /* everything since is an i686 */

static int32_t sys_uname(struct trap_frame *frame)
{
    uint32_t family = MAX(OLDEST_FAMILY, MIN(cpu_info.family, NEWEST_FAMILY));

    snprintf(uts.machine, sizeof(uts.machine), "i%u86", family);
    return copy_to_user(ARG1(frame), &uts, sizeof(uts)) ? -EFAULT : 0;
}

static int32_t set_name(const struct trap_frame *frame, char *name)
{
    char copy[UTS_LENGTH + 1] = "";

    if (ARG2(frame) > UTS_LENGTH)
        return -EINVAL;
    if (copy_from_user(copy, ARG1(frame), ARG2(frame)))
        return -EFAULT;
    strlcpy(name, copy, sizeof(copy));
    return 0;
}

static int32_t sys_sethostname(struct trap_frame *frame)
{
    return set_name(frame, uts.node);
}

static int32_t sys_setdomainname(struct trap_frame *frame)
{
    return set_name(frame, uts.domain);
}

/* ---- state ---- */

struct sysinfo { /* of i386: 64 bytes */
    uint32_t uptime, loads[3];
    uint32_t total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
    uint16_t processes, padding;
    uint32_t total_high, free_high, unit;
    uint8_t reserved[8];
};
_Static_assert(sizeof(struct sysinfo) == 64, "struct sysinfo of i386");

static int32_t sys_sysinfo(struct trap_frame *frame)
{
    struct process_stats stats;
    struct memstat memory;
    struct sysinfo info = { .unit = 1 };

    process_get_stats(&stats);
    memstat_get(&memory);
    info.uptime = (uint32_t)(timer_ns() / NS_PER_SECOND);
    loadavg_get(info.loads);
    info.total_ram = memory.mem_total * KiB;
    info.free_ram = memory.mem_free * KiB;
    info.shared_ram = memory.shmem * KiB;
    info.processes = (uint16_t)stats.tasks;
    info.total_high = memory.high_total * KiB;
    info.free_high = memory.high_free * KiB;
    return copy_to_user(ARG1(frame), &info, sizeof(info)) ? -EFAULT : 0;
}

static int32_t sys_getcpu(struct trap_frame *frame)
{
    const uint32_t zero = 0;

    if (ARG1(frame) && copy_to_user(ARG1(frame), &zero, sizeof(zero)))
        return -EFAULT;
    return ARG2(frame) && copy_to_user(ARG2(frame), &zero, sizeof(zero)) ? -EFAULT : 0;
}

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u
#define CHUNK 256u

static int32_t sys_getrandom(struct trap_frame *frame)
{
    uint32_t flags = ARG3(frame), done = 0;
    uint32_t nbytes = MIN(ARG2(frame), (uint32_t)INT32_MAX);
    uint8_t bytes[CHUNK];

    if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    while (done < nbytes && !(done > 0 && signal_is_pending())) {
        uint32_t part = MIN(nbytes - done, CHUNK);
        random_bytes(bytes, part);
        uint32_t left = (uint32_t)copy_to_user(ARG1(frame) + done, bytes, part);
        done += part - left;
        if (left)
            return done ? (int32_t)done : -EFAULT;
    }
    return (int32_t)done;
}

/* ---- log ---- */

enum syslog_action {
    SYSLOG_CLOSE,
    SYSLOG_OPEN,
    SYSLOG_READ,
    SYSLOG_READ_ALL,
    SYSLOG_READ_CLEAR,
    SYSLOG_CLEAR,
    SYSLOG_CONSOLE_OFF,
    SYSLOG_CONSOLE_ON,
    SYSLOG_CONSOLE_LEVEL,
    SYSLOG_SIZE_UNREAD,
    SYSLOG_SIZE_BUFFER,
};
#define LOG_BUFFER_SIZE (32u * KiB) /* what dmesg(1) makes room for; the ring is not larger */

static uint64_t log_cleared; /* READ_ALL starts here */

/* Move *cursor `nbytes` on. */
static uint32_t log_skip(uint64_t *cursor, uint32_t nbytes)
{
    char text[CHUNK];
    uint32_t done = 0;
    size_t part = 1;

    while (part > 0 && done < nbytes) {
        part = log_read(cursor, text, MIN(nbytes - done, CHUNK));
        done += (uint32_t)part;
    }
    return done;
}

/* The last `size` bytes. */
static int32_t log_copy(uaddr_t address, uint32_t size)
{
    uint64_t cursor = log_cleared;
    uint32_t available = log_skip(&cursor, UINT32_MAX), done = 0;
    char text[CHUNK];
    size_t part;

    cursor = log_cleared;
    if (available > size)
        log_skip(&cursor, available - size);
    while (done < size && (part = log_read(&cursor, text, MIN(size - done, CHUNK))) > 0) {
        if (copy_to_user(address + done, text, part))
            return -EFAULT;
        done += (uint32_t)part;
    }
    return (int32_t)done;
}

static int32_t log_get(uint32_t action, uaddr_t address, int32_t size)
{
    if (!address || size < 0)
        return -EINVAL;
    if (!user_range_is_valid(address, (uint32_t)size))
        return -EFAULT;
    int32_t result = log_copy(address, (uint32_t)size);
    if (result >= 0 && action == SYSLOG_READ_CLEAR)
        log_skip(&log_cleared, UINT32_MAX);
    return result;
}

static int32_t log_set_level(int32_t level)
{
    if (level < 1 || level > LOG_DEBUG + 1)
        return -EINVAL;
    log_set_console_level((enum log_level)(level - 1));
    return 0;
}

static int32_t sys_syslog(struct trap_frame *frame)
{
    static enum log_level saved = LOG_INFO;
    uint32_t action = ARG1(frame);
    uint64_t cursor = log_cleared;

    switch (action) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
        return 0;
    case SYSLOG_READ:
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        return log_get(action, ARG2(frame), (int32_t)ARG3(frame));
    case SYSLOG_CLEAR:
        log_skip(&log_cleared, UINT32_MAX);
        return 0;
    case SYSLOG_CONSOLE_OFF:
        saved = log_console_level();
        return log_set_level(1);
    case SYSLOG_CONSOLE_ON:
        log_set_console_level(saved);
        return 0;
    case SYSLOG_CONSOLE_LEVEL:
        return log_set_level((int32_t)ARG3(frame));
    case SYSLOG_SIZE_UNREAD:
        return (int32_t)log_skip(&cursor, UINT32_MAX);
    case SYSLOG_SIZE_BUFFER:
        return LOG_BUFFER_SIZE;
    default:
        return -EINVAL;
    }
}

/* ---- the end ---- */

#define REBOOT_MAGIC 0xFEE1DEADu
static const uint32_t reboot_magic2[] = { 0x28121969, 0x05121996, 0x16041998, 0x20112000 };
#define REBOOT_RESTART 0x01234567u
#define REBOOT_HALT 0xCDEF0123u
#define REBOOT_POWER_OFF 0x4321FEDCu
#define REBOOT_CAD_ON 0x89ABCDEFu
#define REBOOT_CAD_OFF 0u

static int32_t sys_reboot(struct trap_frame *frame)
{
    bool known = false;

    for (unsigned i = 0; i < ARRAY_SIZE(reboot_magic2); i++)
        known |= ARG2(frame) == reboot_magic2[i];
    if (ARG1(frame) != REBOOT_MAGIC || !known)
        return -EINVAL;
    switch (ARG3(frame)) {
    case REBOOT_CAD_ON:
    case REBOOT_CAD_OFF:
        return 0;
    case REBOOT_RESTART:
        power_reboot();
    case REBOOT_HALT:
    case REBOOT_POWER_OFF:
        power_off();
    default:
        return -EINVAL;
    }
}

const struct syscall_entry info_syscalls[] = {
    { 74, "sethostname", sys_sethostname, NULL },
    { 88, "reboot", sys_reboot, "restart, halt, power off" },
    { 103, "syslog", sys_syslog, "SYSLOG_ACTION_READ does not wait" },
    { 116, "sysinfo", sys_sysinfo, NULL },
    { 121, "setdomainname", sys_setdomainname, NULL },
    { 122, "uname", sys_uname, NULL },
    { 318, "getcpu", sys_getcpu, NULL },
    { 355, "getrandom", sys_getrandom, "not cryptographic" },
    { 0, NULL, NULL, NULL },
};
