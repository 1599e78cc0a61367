/* Loading a program.
 *
 * Nothing of the file is copied here: each segment becomes a range of the address space that
 * knows where its contents are, and page faults fetch what is really used.  First everything in
 * the headers is checked, then ranges are made.
 *
 * The stack as the program finds it (System V ABI, i386, figure 3-31), highest address first:
 *
 *     strings of argv, 16 random bytes
 *     auxiliary vector: pairs, the last is AT_NULL
 *     0                 end of the environment (which is empty)
 *     0                 end of argv
 *     argv[argc-1] .. argv[0]
 *     argc              <- ESP, divisible by 16 */
#include "kernel/proc/exec.h"

#include "kernel/cpu/timer.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "kernel/lib/string.h"
#include "mm/uaccess.h"

#define MAX_SEGMENTS 32u
#define MAX_ARGUMENTS 64
#define FIRST_STACK_BYTES (2 * PAGE_SIZE) /* the arguments fit into these */
#define STACK_ALIGN 16u

static bool header_is_valid(const struct elf32_ehdr *header, uint32_t nbytes)
{
    return nbytes >= sizeof(*header) && !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
           header->e_ident[EI_CLASS] == ELFCLASS32 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_type == ET_EXEC && header->e_machine == EM_386 &&
           header->e_phentsize == sizeof(struct elf32_phdr) && header->e_phnum > 0 &&
           header->e_phnum <= MAX_SEGMENTS && header->e_phoff <= nbytes &&
           header->e_phnum * sizeof(struct elf32_phdr) <= nbytes - header->e_phoff;
}

/* Inside the file, inside user memory, and such that file pages and memory pages coincide. */
static bool segment_is_valid(const struct elf32_phdr *segment, uint32_t nbytes)
{
    uint32_t limit = USER_STACK_TOP - USER_STACK_LIMIT - USER_STACK_GUARD;

    return segment->p_filesz <= segment->p_memsz && segment->p_offset <= nbytes &&
           segment->p_filesz <= nbytes - segment->p_offset && segment->p_vaddr >= USER_MIN &&
           segment->p_vaddr < limit && segment->p_memsz <= limit - segment->p_vaddr &&
           ((segment->p_vaddr ^ segment->p_offset) & PAGE_MASK) == 0;
}

static unsigned vma_flags(const struct elf32_phdr *segment)
{
    return (segment->p_flags & PF_R ? VMA_READ : 0) |
           (segment->p_flags & PF_W ? VMA_WRITE : 0) | (segment->p_flags & PF_X ? VMA_EXEC : 0);
}

static int map_segment(struct space *space, const char *name, const uint8_t *file,
                       const struct elf32_phdr *segment)
{
    uint32_t lead = segment->p_vaddr & PAGE_MASK; /* the page starts that much before it */
    struct vma_backing backing = { .name = name };
    uaddr_t end = ALIGN_UP(segment->p_vaddr + segment->p_memsz, PAGE_SIZE);

    if (segment->p_filesz > 0) {
        backing.data = file + segment->p_offset - lead;
        backing.nbytes = segment->p_filesz + lead;
        backing.file_offset = segment->p_offset - lead;
    }
    int error = space_map(space, segment->p_vaddr - lead, end, vma_flags(segment), &backing);
    return error == -EEXIST || error == -EINVAL ? -ENOEXEC : error;
}

/* All PT_LOAD segments; where the last one ends goes to *end, the program headers' place to
 * *phdrs. */
static int map_program(struct space *space, const char *name, const uint8_t *file,
                       uint32_t nbytes, uaddr_t *end, uaddr_t *phdrs)
{
    const struct elf32_ehdr *header = (const struct elf32_ehdr *)file;
    const struct elf32_phdr *segments = (const struct elf32_phdr *)(file + header->e_phoff);

    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && !segment_is_valid(&segments[i], nbytes))
            return -ENOEXEC;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const struct elf32_phdr *segment = &segments[i];
        if (segment->p_type == PT_INTERP || segment->p_type == PT_DYNAMIC)
            return -ENOEXEC; /* not static */
        if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
            continue;
        int error = map_segment(space, name, file, segment);
        if (error)
            return error;
        *end = MAX(*end, segment->p_vaddr + segment->p_memsz);
        if (header->e_phoff - segment->p_offset < segment->p_filesz)
            *phdrs = segment->p_vaddr + header->e_phoff - segment->p_offset;
    }
    return *end ? 0 : -ENOEXEC;
}

/* The stack grows down while it is built; `error` sticks, so that one test at the end is
 * enough. */
struct stack_builder {
    uaddr_t sp;
    int error;
};

static void push(struct stack_builder *stack, const void *bytes, size_t nbytes)
{
    stack->sp -= (uaddr_t)nbytes;
    if (copy_to_user(stack->sp, bytes, nbytes) != 0)
        stack->error = -ENOMEM;
}

static void push_word(struct stack_builder *stack, uint32_t word)
{
    push(stack, &word, sizeof(word));
}

/* AT_RANDOM: for stack protectors.  Not secret: there is no entropy here but the time. */
static uaddr_t push_random(struct stack_builder *stack)
{
    uint64_t bytes[2] = { timer_ns() * 6364136223846793005u + 1442695040888963407u };

    bytes[1] = bytes[0] * 6364136223846793005u + 1442695040888963407u;
    push(stack, bytes, sizeof(bytes));
    return stack->sp;
}

/* What lies above ESP is a multiple of 16 bytes; `nwords` are still to come. */
static void align_for(struct stack_builder *stack, unsigned nwords)
{
    stack->sp = ALIGN_DOWN(stack->sp - nwords * 4, STACK_ALIGN) + nwords * 4;
}

static int build_stack(uaddr_t top, int argc, char *const argv[],
                       const struct elf32_ehdr *header, uaddr_t phdrs, uaddr_t *sp)
{
    struct stack_builder stack = { .sp = top };
    uaddr_t strings[MAX_ARGUMENTS];

    for (int i = argc - 1; i >= 0; i--) {
        push(&stack, argv[i], strlen(argv[i]) + 1);
        strings[i] = stack.sp;
    }
    const struct elf32_auxv vector[] = {
        { AT_PHDR, phdrs },
        { AT_PHENT, sizeof(struct elf32_phdr) },
        { AT_PHNUM, header->e_phnum },
        { AT_PAGESZ, PAGE_SIZE },
        { AT_ENTRY, header->e_entry },
        { AT_UID, 0 },
        { AT_EUID, 0 },
        { AT_GID, 0 },
        { AT_EGID, 0 },
        { AT_SECURE, 0 },
        { AT_RANDOM, push_random(&stack) },
        { AT_NULL, 0 },
    };
    align_for(&stack, sizeof(vector) / 4 + 1 + (unsigned)argc + 1 + 1);
    push(&stack, vector, sizeof(vector));
    push_word(&stack, 0); /* environment */
    push_word(&stack, 0); /* end of argv */
    push(&stack, strings, (size_t)argc * sizeof(strings[0]));
    push_word(&stack, (uint32_t)argc);
    *sp = stack.sp;
    return stack.error;
}

int exec_load(struct space *space, const char *name, const uint8_t *file, uint32_t nbytes,
              int argc, char *const argv[], struct exec_image *image)
{
    const struct elf32_ehdr *header = (const struct elf32_ehdr *)file;
    uaddr_t end = 0, phdrs = 0;

    if (!header_is_valid(header, nbytes))
        return -ENOEXEC;
    if (argc > MAX_ARGUMENTS)
        return -E2BIG;
    int error = map_program(space, name, file, nbytes, &end, &phdrs);
    if (!error)
        error = space_map_stack(space, USER_STACK_TOP, FIRST_STACK_BYTES);
    if (error)
        return error;
    space_set_brk_start(space, ALIGN_UP(end, PAGE_SIZE));
    image->entry = header->e_entry;
    return build_stack(USER_STACK_TOP, argc, argv, header, phdrs, &image->stack);
}
