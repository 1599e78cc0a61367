/* The stack as a program finds it (System V ABI, i386, figure 3-31), highest address first:
 *
 *     top      0
 *              path of the program                     AT_EXECFN
 *              strings of envp, strings of argv        one block, as exec_strings has it
 *              "i686", 16 random bytes                 AT_PLATFORM, AT_RANDOM
 *              auxiliary vector: pairs, the last is AT_NULL
 *              0
 *              envp[envc-1] .. envp[0]
 *              0
 *              argv[argc-1] .. argv[0]
 *     ESP ->   argc                                    divisible by 16
 *
 * It is built downwards; only the pages that it fills become resident. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/exec_internal.h"
#include "mm/uaccess.h"

#define STACK_ALIGN 16u
#define CLOCK_TICKS_PER_SECOND 100u /* USER_HZ */
#define WORDS_AT_ONCE 32u
#define FIXED_BYTES 512u /* all but strings, pointers and path: at most */

static const char platform[] = "i686";

/* `error` sticks, so that one test at the end is enough. */
struct stack_builder {
    uaddr_t sp;
    int error;
};

static uaddr_t push(struct stack_builder *stack, const void *bytes, size_t nbytes)
{
    stack->sp -= (uaddr_t)nbytes;
    if (copy_to_user(stack->sp, bytes, nbytes) != 0)
        stack->error = -ENOMEM;
    return stack->sp;
}

static uaddr_t push_string(struct stack_builder *stack, const char *string)
{
    return push(stack, string, strlen(string) + 1);
}

/* AT_RANDOM: for stack protectors. */
static uaddr_t push_random(struct stack_builder *stack)
{
    uint8_t bytes[16];

    random_bytes(bytes, sizeof(bytes));
    return push(stack, bytes, sizeof(bytes));
}

uint32_t exec_stack_bytes(const struct exec_start *start)
{
    const struct exec_strings *strings = start->strings;

    return strings->nbytes + (strings->argc + strings->envc) * (uint32_t)sizeof(uaddr_t) +
           (uint32_t)strlen(start->path) + FIXED_BYTES;
}

/* Write the addresses of `count` strings, which lie one after the other from bytes[*at] on and
 * in the program's memory from `block` on, to `array`, and a 0. */
static int write_pointers(const struct exec_strings *strings, uaddr_t block, uint32_t *at,
                          unsigned count, uaddr_t array)
{
    uaddr_t words[WORDS_AT_ONCE];
    unsigned filled = 0;

    for (unsigned i = 0; i <= count; i++) {
        words[filled++] = i < count ? block + *at : 0;
        if (i < count)
            *at += (uint32_t)strlen(strings->bytes + *at) + 1;
        if (filled < WORDS_AT_ONCE && i < count)
            continue;
        if (copy_to_user(array, words, filled * sizeof(words[0])) != 0)
            return -ENOMEM;
        array += filled * (uaddr_t)sizeof(words[0]);
        filled = 0;
    }
    return 0;
}

/* argc, argv, envp below what is there already, such that ESP is divisible by 16; `block`: the
 * strings. */
static int push_vectors(struct stack_builder *stack, struct space *space,
                        const struct exec_start *start, uaddr_t block)
{
    const struct exec_strings *strings = start->strings;
    const uint32_t argc = strings->argc;
    uaddr_t argv = stack->sp - (argc + 1 + strings->envc + 1) * (uaddr_t)sizeof(uaddr_t);
    uint32_t at = 0;

    int error = write_pointers(strings, block, &at, argc, argv);
    space->arg_start = block;
    space->arg_end = space->env_start = block + at;
    if (!error)
        error = write_pointers(strings, block, &at, strings->envc,
                               argv + (argc + 1) * (uaddr_t)sizeof(uaddr_t));
    space->env_end = block + at;
    stack->sp = argv;
    push(stack, &argc, sizeof(argc));
    return error ? error : stack->error;
}

int exec_build_stack(struct space *space, uaddr_t top, const struct exec_start *start,
                     uaddr_t *sp)
{
    struct stack_builder stack = { .sp = top - (uaddr_t)sizeof(uint32_t) };
    const struct exec_strings *strings = start->strings;
    uaddr_t path = push_string(&stack, start->path);
    uaddr_t block = push(&stack, strings->bytes, strings->nbytes);
    uaddr_t platform_at = push(&stack, platform, sizeof(platform));
    const struct elf32_auxv vector[] = {
        { AT_HWCAP, cpu_info.hwcap },
        { AT_PAGESZ, PAGE_SIZE },
        { AT_CLKTCK, CLOCK_TICKS_PER_SECOND },
        { AT_PHDR, start->phdrs },
        { AT_PHENT, sizeof(struct elf32_phdr) },
        { AT_PHNUM, start->header->e_phnum },
        { AT_BASE, 0 },
        { AT_FLAGS, 0 },
        { AT_ENTRY, start->entry },
        { AT_UID, 0 },
        { AT_EUID, 0 },
        { AT_GID, 0 },
        { AT_EGID, 0 },
        { AT_SECURE, 0 },
        { AT_RANDOM, push_random(&stack) },
        { AT_EXECFN, path },
        { AT_PLATFORM, platform_at },
        { AT_NULL, 0 },
    };
    uint32_t below = (1 + strings->argc + 1 + strings->envc + 1) * (uint32_t)sizeof(uint32_t);
    stack.sp = ALIGN_DOWN(stack.sp - (uint32_t)sizeof(vector) - below, STACK_ALIGN) + below +
               (uint32_t)sizeof(vector);
    push(&stack, vector, sizeof(vector));
    int error = push_vectors(&stack, space, start, block);
    *sp = stack.sp;
    return error;
}
