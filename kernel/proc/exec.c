/* Another program in a process: execve(2).
 *
 * Nothing of the file is copied here: each segment becomes ranges of the new address space that
 * know where their contents are, and page faults fetch what is really used.
 *
 * Order       Everything that can fail works on a new space, which only the running thread has
 *             loaded; the process still owns the old one, and a failure goes back to it.  Then
 *             the other threads end; then exec_commit() exchanges the two, which cannot fail.
 * Scripts     "#! interpreter argument": the interpreter is loaded instead, and argv becomes
 *             interpreter, argument, path of the script, argv[1] ...
 * Addresses   as on Linux, each part moved by a random distance (unless "norandmaps"):
 *
 *               program | bss | .. heap ->     <- mmap area |  gap  | <- stack | top
 *
 *             An ET_EXEC lies where it says.  An ET_DYN goes low, so that the code segment's
 *             limit, which must lie above all code, keeps heap and mmap area from being executed.
 *
 * Who lays out the stack: exec_stack.c.
 * Reading     System V ABI, chapters 4 and 5; i386 supplement, chapter 3; execve(2). */
#include "kernel/proc/exec.h"

#include "kernel/cpu/cpu.h"
#include "kernel/fs/path.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "kernel/lib/string.h"
#include "kernel/proc/exec_internal.h"
#include "kernel/proc/process_internal.h"
#include "mm/kmalloc.h"

#define SCRIPT_LINE_MAX 256u /* as Linux's BINPRM_BUF_SIZE */
#define SCRIPT_DEPTH_MAX 5u  /* interpreters that are scripts */
#define DYN_BASE 0x00400000u /* where a static-pie program goes, plus a random distance */

#define DYN_RANDOM_PAGES 256u    /* 1 MiB */
#define STACK_RANDOM_PAGES 2048u /* 8 MiB */
#define MMAP_RANDOM_PAGES 256u   /* 1 MiB */
#define BRK_RANDOM_PAGES 8192u   /* 32 MiB */
#define MMAP_GAP_MIN (128u * MiB)
#define MMAP_GAP_MAX (USER_END / 6 * 5)
#define STACK_SLACK (128u * KiB) /* mapped below the arguments from the start */

/* What is known of the file that is loaded; too large for the kernel's stack. */
struct loader {
    struct inode *file;         /* a reference */
    char name[SCRIPT_LINE_MAX]; /* of an interpreter: what it was called */
    char line[SCRIPT_LINE_MAX];
    struct elf32_ehdr header;
    struct elf32_phdr segments[ELF_SEGMENTS_MAX];
    uint32_t base; /* ET_DYN: added to all its addresses */
    uaddr_t end, phdrs;
};

/* ---- the file ---- */

static int check_file(const struct inode *file)
{
    return inode_is(file, S_IFREG) && (file->mode & 0111) && file->cache ? 0 : -EACCES;
}

static char *skip_blanks(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

/* Cut "#! interpreter argument" into its two words; `argument` becomes NULL if there is
 * none. */
static int parse_script(char *line, char **interpreter, char **argument)
{
    char *end = strchr(line, '\n');

    if (!end) /* a file that ends with it */
        end = line + strlen(line);
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    *interpreter = skip_blanks(line + 2);
    if (**interpreter == '\0')
        return -ENOEXEC;
    char *blank = *interpreter;
    while (*blank != '\0' && *blank != ' ' && *blank != '\t')
        blank++;
    *argument = *blank ? skip_blanks(blank + 1) : NULL;
    *blank = '\0';
    return 0;
}

/* The file is a script: its interpreter takes its place. */
static int open_interpreter(struct loader *loader, struct inode *cwd, const char *path,
                            struct exec_strings *strings)
{
    char *interpreter, *argument;
    struct inode *file;
    int error = parse_script(loader->line, &interpreter, &argument);

    if (error)
        return error;
    const char *script = loader->name[0] ? loader->name : path;
    const char *words[3] = { interpreter, argument ? argument : script, script };
    error = exec_strings_replace_first(strings, argument ? 3 : 2, words);
    if (!error)
        error = path_lookup(cwd, interpreter, PATH_FOLLOW, &file);
    if (error)
        return error;
    inode_put(loader->file);
    loader->file = file;
    strlcpy(loader->name, interpreter, sizeof(loader->name));
    return check_file(file);
}

/* Follow scripts until there is something else. */
static int find_binary(struct loader *loader, struct inode *cwd, const char *path,
                       struct exec_strings *strings)
{
    int error = check_file(loader->file);

    for (unsigned depth = 0; !error; depth++) {
        memset(loader->line, 0, sizeof(loader->line));
        int32_t nbytes = inode_read(loader->file, 0, loader->line, sizeof(loader->line) - 1);
        if (nbytes < 0)
            return nbytes;
        if (loader->line[0] != '#' || loader->line[1] != '!')
            return 0;
        if (depth == SCRIPT_DEPTH_MAX)
            return -ELOOP;
        error = open_interpreter(loader, cwd, path, strings);
    }
    return error;
}

/* Exactly so many bytes of the file: 0, -ENOEXEC, -ENOMEM. */
static int read_exactly(struct inode *file, uint32_t offset, void *dst, uint32_t nbytes)
{
    int32_t done = inode_read(file, offset, dst, nbytes);

    if (done < 0)
        return done == -ENOMEM ? -ENOMEM : -ENOEXEC;
    return (uint32_t)done == nbytes ? 0 : -ENOEXEC;
}

/* Headers, all of them checked. */
static int read_headers(struct loader *loader)
{
    struct elf32_ehdr *header = &loader->header;
    int error = read_exactly(loader->file, 0, header, sizeof(*header));

    if (error)
        return error;
    if (!elf_header_is_valid(header))
        return -ENOEXEC;
    error = read_exactly(loader->file, header->e_phoff, loader->segments,
                         header->e_phnum * (uint32_t)sizeof(loader->segments[0]));
    if (error)
        return error;
    loader->base = header->e_type == ET_DYN ? DYN_BASE + space_random_bytes(DYN_RANDOM_PAGES)
                                            : 0;
    uint64_t size = inode_size(loader->file);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const struct elf32_phdr *segment = &loader->segments[i];
        if (segment->p_type == PT_INTERP)
            return -ENOEXEC; /* wants a dynamic linker */
        if (segment->p_type == PT_LOAD && !elf_segment_is_valid(segment, loader->base, size))
            return -ENOEXEC;
    }
    return 0;
}

/* ---- the segments ---- */

static unsigned vma_flags(const struct elf32_phdr *segment)
{
    return (segment->p_flags & PF_R ? VMA_READ : 0) |
           (segment->p_flags & PF_W ? VMA_WRITE : 0) | (segment->p_flags & PF_X ? VMA_EXEC : 0);
}

/* The pages with bytes of the file; behind them, in whole pages, zeros. */
static int map_segment(const struct loader *loader, struct space *space,
                       const struct elf32_phdr *segment)
{
    struct elf_extent extent = elf_segment_extent(segment, loader->base);
    const struct vma_backing backing = {
        .file = loader->file->cache,
        .page_offset = extent.file_page - extent.start / PAGE_SIZE,
        .file_end = segment->p_memsz > segment->p_filesz ? extent.file_end : VMA_WHOLE_FILE,
    };
    unsigned flags = vma_flags(segment);
    int error = 0;

    if (extent.start < extent.middle)
        error = space_map(space, extent.start, extent.middle, flags, &backing);
    if (!error && extent.middle < extent.end)
        error = space_map(space, extent.middle, extent.end, flags, NULL);
    return error == -EEXIST || error == -EINVAL ? -ENOEXEC : error;
}

static int map_program(struct loader *loader, struct space *space)
{
    const struct elf32_ehdr *header = &loader->header;

    for (unsigned i = 0; i < header->e_phnum; i++) {
        const struct elf32_phdr *segment = &loader->segments[i];
        if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
            continue;
        int error = map_segment(loader, space, segment);
        if (error)
            return error;
        uaddr_t address = segment->p_vaddr + loader->base;
        loader->end = MAX(loader->end, address + segment->p_memsz);
        if (header->e_phoff - segment->p_offset < segment->p_filesz)
            loader->phdrs = address + header->e_phoff - segment->p_offset;
    }
    return loader->end ? 0 : -ENOEXEC;
}

/* The mmap area ends so far below the stack that this can grow to its limit. */
static uaddr_t choose_mmap_top(uint32_t stack_limit)
{
    uint32_t pad = STACK_RANDOM_PAGES * PAGE_SIZE + USER_STACK_GUARD;
    uint32_t gap = stack_limit <= MMAP_GAP_MAX ? stack_limit + pad : MMAP_GAP_MAX;

    gap = ALIGN_UP(MIN(MAX(gap, MMAP_GAP_MIN), MMAP_GAP_MAX), PAGE_SIZE);
    return USER_END - gap - space_random_bytes(MMAP_RANDOM_PAGES);
}

/* Stack, heap and mmap area; the top of the stack goes to *top. */
static int map_areas(const struct loader *loader, struct space *space, uint32_t argument_bytes,
                     uaddr_t *top)
{
    uint32_t limit = space->limits.stack, nbytes = argument_bytes + STACK_SLACK;

    if (argument_bytes > MAX(limit / 4, EXEC_STRINGS_MIN))
        return -E2BIG;
    nbytes = ALIGN_UP(MAX(argument_bytes, MIN(nbytes, limit)), PAGE_SIZE);
    *top = USER_STACK_TOP - space_random_bytes(STACK_RANDOM_PAGES);
    space->mmap_top = choose_mmap_top(limit);
    space_set_brk_start(space, ALIGN_UP(loader->end, PAGE_SIZE) +
                                   space_random_bytes(BRK_RANDOM_PAGES));
    int error = space_map_stack(space, *top, nbytes);
    return error == -EEXIST ? -ENOEXEC : error;
}

/* All of the new space, which is active. */
static int fill_space(struct loader *loader, struct space *space, const char *path,
                      const struct exec_strings *strings, struct exec_image *image)
{
    struct exec_start start = {
        .strings = strings,
        .path = path,
        .header = &loader->header,
    };
    uaddr_t top;
    int error = map_program(loader, space);

    if (!error)
        error = map_areas(loader, space, exec_stack_bytes(&start), &top);
    if (error)
        return error;
    image->entry = loader->header.e_entry + loader->base;
    start.entry = image->entry;
    start.phdrs = loader->phdrs;
    return exec_build_stack(space, top, &start, &image->stack);
}

static int load_into_new_space(struct loader *loader, const char *path,
                               const struct exec_strings *strings,
                               const struct space_limits *limits, struct space **result,
                               struct exec_image *image)
{
    struct space *before = thread_current()->space, *space = space_create();

    if (!space)
        return -ENOMEM;
    space->limits = *limits;
    thread_set_space(space);
    int error = fill_space(loader, space, path, strings, image);
    if (error) {
        thread_set_space(before);
        space_put(space);
        return error;
    }
    *result = space;
    return 0;
}

int exec_load(struct inode *cwd, struct inode *file, const char *path,
              struct exec_strings *strings, const struct space_limits *limits,
              struct space **space, struct exec_image *image, struct inode **executable)
{
    struct loader *loader = kmalloc(sizeof(*loader), PAGE_ZERO);

    if (!loader)
        return -ENOMEM;
    loader->file = inode_get(file);
    int error = find_binary(loader, cwd, path, strings);
    if (!error)
        error = read_headers(loader);
    if (!error)
        error = load_into_new_space(loader, path, strings, limits, space, image);
    if (error)
        inode_put(loader->file);
    else
        *executable = loader->file;
    kfree(loader);
    return error;
}

/* ---- in the place of the old program ---- */

void exec_set_frame(struct trap_frame *frame, const struct exec_image *image)
{
    *frame = (struct trap_frame){
        .ds = SELECTOR_USER_DATA,
        .es = SELECTOR_USER_DATA,
        .vector = TRAP_SYSCALL,
        .error = SIGNAL_NO_SYSCALL,
        .eip = image->entry,
        .cs = SELECTOR_USER_CODE,
        .eflags = EFLAGS_IF,
        .user_esp = image->stack,
        .user_ss = SELECTOR_USER_DATA,
    };
}

void exec_commit(struct space *space, struct inode *executable, const char *path)
{
    struct task *task = task_current();
    struct process *process = task->process;
    const char *slash = strrchr(path, '/');
    uint32_t irq = spin_lock(&processes.lock);
    struct space *old_space = process->space;
    struct inode *old_executable = process->executable;

    if (old_space)
        process_account_space(process, old_space);
    process->space = space;
    process->executable = executable;
    process->executed = true;
    task->tid = process->pid;
    strlcpy(process->name, slash ? slash + 1 : path, sizeof(process->name));
    strlcpy(task->thread->name, process->name, sizeof(task->thread->name));
    spin_unlock(&processes.lock, irq);
    thread_reset_user();
    signal_exec(process);
    process_release_vfork(process);
    if (old_space)
        space_put(old_space);
    if (old_executable)
        inode_put(old_executable);
}

/* A table of descriptors that another process has, too, must not be changed by close-on-exec.  The
 * copy is made while there is a way back; other threads use the old one until they have ended. */
static int copy_shared_files(struct process *process, struct file_table **copy)
{
    *copy = process->files_shared ? file_table_copy(process->files) : NULL;
    return process->files_shared && !*copy ? -ENOMEM : 0;
}

static void replace_files(struct process *process, struct file_table *copy)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct file_table *shared = process->files;

    process->files = copy;
    process->files_shared = false;
    spin_unlock(&processes.lock, irq);
    file_table_release(shared);
}

/* Futexes of the old program lie in the old memory. */
static void leave_old_memory(struct task *task, struct space *new_space)
{
    if (!task->robust_list && !task->clear_child_tid)
        return;
    thread_set_space(task->process->space);
    task_leave_memory(task);
    thread_set_space(new_space);
}

static struct inode *hold_cwd(struct process *process)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct inode *cwd = inode_get(process->cwd);
    spin_unlock(&processes.lock, irq);
    return cwd;
}

static int load_by_path(struct process *process, const char *path, struct exec_strings *strings,
                        struct space **space, struct exec_image *image,
                        struct inode **executable)
{
    struct inode *cwd = hold_cwd(process), *file;
    struct space_limits limits;
    int error = path_lookup(cwd, path, PATH_FOLLOW, &file);

    if (!error) {
        process_space_limits(process, &limits);
        error = exec_load(cwd, file, path, strings, &limits, space, image, executable);
        inode_put(file);
    }
    inode_put(cwd);
    return error;
}

int exec_replace(const char *path, struct exec_strings *strings, struct trap_frame *frame)
{
    struct task *task = task_current();
    struct process *process = task->process;
    struct exec_image image;
    struct space *space;
    struct inode *executable;
    struct file_table *files = NULL;
    int error = load_by_path(process, path, strings, &space, &image, &executable);

    if (error)
        return error;
    error = copy_shared_files(process, &files);
    if (!error)
        error = process_become_single();
    if (error) {
        if (files)
            file_table_release(files);
        thread_set_space(process->space);
        space_put(space);
        inode_put(executable);
        return error;
    }
    if (files)
        replace_files(process, files);
    leave_old_memory(task, space);
    file_table_close_on_exec(process->files);
    exec_commit(space, executable, path);
    exec_set_frame(frame, &image);
    return 0;
}
