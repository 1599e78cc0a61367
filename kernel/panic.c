/* The last words of the kernel.
 *
 * A panic may come at any moment, from the console's own code too.  So it takes no lock,
 * allocates nothing, and follows no pointer that it has not checked.  A second panic on the way
 * prints one line; a third halts at once.
 *
 * The backtrace follows the chain of saved EBPs (frame pointers are kept in every build):
 *
 *     ebp --> | caller's ebp | return address |    up to higher addresses, the last is 0
 *
 * Each link must lie in mapped kernel memory, be aligned, and be higher than the one before. */
#include "kernel/panic.h"

#include "kernel/cpu/cpu.h"
#include "kernel/dev/console.h"
#include "kernel/dev/power.h"
#include "kernel/lib/format.h"
#include "kernel/lib/layout.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/symbols.h"

#define MESSAGE_MAX 256
#define BACKTRACE_MAX 24

/* The linked image, from boot/kernel.ld. */
extern const uint8_t kernel_start[], kernel_end[];

enum panic_action { PANIC_HALT, PANIC_POWEROFF, PANIC_REBOOT, PANIC_TEST_EXIT };

/* The status of a test kernel that panicked (0: passed, 1: failed). */
#define TEST_EXIT_PANIC 2

static struct {
    enum panic_action action;
    unsigned depth; /* panics under way */
    void (*catcher)(const char *message);
    void (*memory_report)(enum log_level level);
    bool (*is_mapped)(uintptr_t address);
    bool (*is_guard)(uintptr_t address);
    void (*details)(void);     /* of the panic that comes next */
    char message[MESSAGE_MAX]; /* not on the stack: the catcher may leave it */
} state;

/* Called by panic_entry.S with the caller's registers. */
_Noreturn void panic_called(const struct trap_frame *frame);
_Noreturn void assert_called(const struct trap_frame *frame);

static bool is_stack_word(uintptr_t address)
{
    if (address < KERNEL_BASE || !IS_ALIGNED(address, sizeof(uintptr_t)))
        return false;
    if (state.is_mapped != NULL)
        return state.is_mapped(address);
    return address >= (uintptr_t)kernel_start && address < (uintptr_t)kernel_end;
}

unsigned panic_backtrace(uintptr_t ebp, uintptr_t trace[], unsigned max)
{
    unsigned depth = 0;
    while (depth < max && is_stack_word(ebp) && is_stack_word(ebp + sizeof(uintptr_t))) {
        const uintptr_t *link = (const uintptr_t *)ebp;
        if (link[1] < KERNEL_BASE)
            break;
        trace[depth++] = link[1];
        if (link[0] <= ebp)
            break;
        ebp = link[0];
    }
    return depth;
}

static void print_backtrace(enum log_level level, uintptr_t ebp, uintptr_t eip)
{
    uintptr_t trace[BACKTRACE_MAX];
    char name[64];
    unsigned count = panic_backtrace(ebp, trace, BACKTRACE_MAX);
    log_write(level, "  #0 %#010x %s", (unsigned)eip, symbols_format(eip, name, sizeof(name)));
    for (unsigned i = 0; i < count; i++)
        log_write(level, "  #%u %#010x %s", i + 1, (unsigned)trace[i],
                  symbols_format_return(trace[i], name, sizeof(name)));
}

void panic_print_backtrace(uintptr_t ebp, uintptr_t eip)
{
    print_backtrace(LOG_WARNING, ebp, eip);
}

static void print_control_registers(enum log_level level, uintptr_t cr2)
{
    log_write(level, "cr0 %08x  cr2 %08x  cr3 %08x  cr4 %08x", (unsigned)cr0_read(),
              (unsigned)cr2, (unsigned)cr3_read(), cpu_has(CPU_CR4) ? (unsigned)cr4_read() : 0);
}

static void print_registers(enum log_level level, const struct trap_frame *frame, uintptr_t cr2)
{
    log_write(level, "eax %08x  ebx %08x  ecx %08x  edx %08x", (unsigned)frame->eax,
              (unsigned)frame->ebx, (unsigned)frame->ecx, (unsigned)frame->edx);
    log_write(level, "esi %08x  edi %08x  ebp %08x  esp %08x", (unsigned)frame->esi,
              (unsigned)frame->edi, (unsigned)frame->ebp, (unsigned)trap_frame_esp(frame));
    log_write(level, "eip %08x  eflags %08x  (ring %u)", (unsigned)frame->eip,
              (unsigned)frame->eflags, trap_from_user(frame) ? 3 : 0);
    log_write(level, "cs %04x  ds %04x  es %04x  fs %04x  gs %04x",
              (unsigned)(frame->cs & 0xFFFF), (unsigned)(frame->ds & 0xFFFF),
              (unsigned)(frame->es & 0xFFFF), (unsigned)(frame->fs & 0xFFFF),
              (unsigned)(frame->gs & 0xFFFF));
    print_control_registers(level, cr2);
}

/* A double fault is a stack overflow if what could not be reached lies in a guard page. */
static bool is_stack_overflow(const struct trap_frame *frame)
{
    return frame->vector == TRAP_DOUBLE_FAULT && state.is_guard != NULL &&
           (state.is_guard(cr2_read()) || state.is_guard(trap_frame_esp(frame)));
}

/* The exception in words: "page fault: kernel write to a read-only page at 0xc0101000". */
static void describe(const struct trap_frame *frame, uintptr_t cr2, char *text, size_t size)
{
    char fault[64];
    if (is_stack_overflow(frame))
        snprintf(text, size, "kernel stack overflow: double fault, esp %#x, cr2 %#x",
                 (unsigned)trap_frame_esp(frame), (unsigned)cr2);
    else if (frame->vector == TRAP_PAGE_FAULT)
        snprintf(text, size, "page fault: %s at %#x",
                 trap_page_fault_describe(frame->error, fault, sizeof(fault)), (unsigned)cr2);
    else
        snprintf(text, size, "%s (vector %u, error code %#x)", trap_name(frame->vector),
                 (unsigned)frame->vector, (unsigned)frame->error);
}

static void print_frame(enum log_level level, const struct trap_frame *frame, uintptr_t cr2)
{
    print_registers(level, frame, cr2);
    if (!trap_from_user(frame))
        print_backtrace(level, frame->ebp, frame->eip);
}

static void print_memory(enum log_level level)
{
    if (state.memory_report != NULL)
        state.memory_report(level);
}

void panic_print_frame(const struct trap_frame *frame, uintptr_t cr2)
{
    char what[MESSAGE_MAX];
    describe(frame, cr2, what, sizeof(what));
    log_write(LOG_WARNING, "%s", what);
    print_frame(LOG_WARNING, frame, cr2);
    print_memory(LOG_WARNING);
}

static _Noreturn void stop(void)
{
    bochs_breakpoint();
    if (state.action == PANIC_POWEROFF)
        power_off();
    if (state.action == PANIC_REBOOT)
        power_reboot();
    if (state.action == PANIC_TEST_EXIT)
        power_test_exit(TEST_EXIT_PANIC);
    log_write(LOG_EMERG, "halted (in `make run`: Ctrl-] x ends QEMU)");
    cpu_halt();
}

/* The catcher gets one panic, and none that happens inside the report of another. */
static void offer_to_catcher(void)
{
    void (*catcher)(const char *message) = state.catcher;
    void (*details)(void) = state.details;
    state.catcher = NULL;
    state.details = NULL;
    if (catcher != NULL && state.depth == 0)
        catcher(state.message);
    state.details = details;
}

/* Is there already a panic under way?  Then say so in a line, or, if even that failed, be
 * silent. */
static void check_recursion(const char *message)
{
    if (state.depth == 0)
        return;
    if (state.depth++ == 1)
        log_write(LOG_EMERG, "PANIC during the report: %s", message);
    stop();
}

static _Noreturn void report(const struct trap_frame *frame)
{
    state.depth = 1;
    console_reset();
    log_write(LOG_EMERG, "KERNEL PANIC: %s", state.message);
    print_frame(LOG_EMERG, frame, cr2_read());
    if (state.details != NULL)
        state.details();
    print_memory(LOG_EMERG);
    log_write(LOG_EMERG, "look further: `make debug` (gdb) or `make bochs`, and boot again");
    stop();
}

/* Interrupts are off. */
static _Noreturn void panic_with(const char *message, const struct trap_frame *frame)
{
    check_recursion(message);
    strlcpy(state.message, message, sizeof(state.message));
    offer_to_catcher();
    report(frame);
}

/* What lies above the return address: the caller's arguments. */
static const uint32_t *arguments_of(const struct trap_frame *frame)
{
    return (const uint32_t *)trap_frame_esp(frame) + 1;
}

/* panic(fmt, ...).  On i386 a va_list is the address of the next argument. */
void panic_called(const struct trap_frame *frame)
{
    const uint32_t *arguments = arguments_of(frame);
    char message[MESSAGE_MAX];

    vsnprintf(message, sizeof(message), (const char *)arguments[0], (va_list)&arguments[1]);
    panic_with(message, frame);
}

/* assert_failed(file, line, function, fmt, ...) */
void assert_called(const struct trap_frame *frame)
{
    const uint32_t *arguments = arguments_of(frame);
    char message[MESSAGE_MAX];
    int used = snprintf(message, sizeof(message), "%s:%u %s: ", (const char *)arguments[0],
                        arguments[1], (const char *)arguments[2]);

    if (used > 0 && (size_t)used < sizeof(message))
        vsnprintf(message + used, sizeof(message) - (size_t)used, (const char *)arguments[3],
                  (va_list)&arguments[4]);
    panic_with(message, frame);
}

void panic_trap(const struct trap_frame *frame)
{
    char message[MESSAGE_MAX];

    irq_disable();
    describe(frame, cr2_read(), message, sizeof(message));
    panic_with(message, frame);
}

void panic_init(const char *cmdline)
{
    static const char *const names[] = { [PANIC_HALT] = "halt",
                                         [PANIC_POWEROFF] = "poweroff",
                                         [PANIC_REBOOT] = "reboot",
                                         [PANIC_TEST_EXIT] = "test-exit" };
    char value[16];

    trap_set_fatal_handler(panic_trap);
    if (!parse_option(cmdline, "panic", value, sizeof(value)))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            state.action = (enum panic_action)i;
            return;
        }
    }
    log_warning("panic=%s: expected halt, poweroff, reboot or test-exit", value);
}

void panic_set_memory_report(void (*memory_report)(enum log_level level))
{
    state.memory_report = memory_report;
}

void panic_set_mapped_check(bool (*is_mapped)(uintptr_t address))
{
    state.is_mapped = is_mapped;
}

void panic_set_stack_check(bool (*is_guard)(uintptr_t address))
{
    state.is_guard = is_guard;
}

void panic_set_details(void (*print)(void))
{
    state.details = print;
}

void panic_set_catcher(void (*catcher)(const char *message))
{
    state.catcher = catcher;
}
