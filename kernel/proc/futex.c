/* futex(2): the kernel's part of locks that programs build in their own memory.
 *
 * Problem     A thread that finds a lock taken must sleep until it is released, and the kernel is not to
 *             be asked while nobody has to wait.
 * Key         Threads meet at a word of memory.  In private memory it is named by address space and
 *             address; in a shared mapping by the file and the place in it, because each process may
 *             have it at another address.
 * State       A waiter is on the stack of its thread, in the list of the bucket that its key hashes to.
 * WAIT        enters the waiter first and reads the word then: whoever changes the word and wakes
 *             afterwards finds the waiter.  If the word has another value, the waiter leaves again.
 * WAKE_OP     changes a second word in one step for all threads of the machine: interrupts are off, and
 *             there is one processor.
 * Limits      Requeueing keeps the order of arrival within a bucket.  Locks with priority inheritance
 *             (FUTEX_LOCK_PI ...) are not there: there are no priorities.
 * Lock        "futexes".
 * Reading     futex(2); Franke, Russell, Kirkwood: Fuss, Futexes and Furwocks (2002). */
#include "kernel/proc/futex.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/dev/rtc.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"
#include "mm/uaccess.h"

#define FUTEX_WAIT 0u
#define FUTEX_WAKE 1u
#define FUTEX_REQUEUE 3u
#define FUTEX_CMP_REQUEUE 4u
#define FUTEX_WAKE_OP 5u
#define FUTEX_WAIT_BITSET 9u
#define FUTEX_WAKE_BITSET 10u
#define FUTEX_PRIVATE_FLAG 0x80u
#define FUTEX_CLOCK_REALTIME 0x100u
#define FUTEX_BITSET_ALL UINT32_MAX

/* In a robust lock's word. */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3FFFFFFFu
#define ROBUST_LIST_LIMIT 2048u /* a program may have made a ring of it */

#define BUCKETS 64u /* a power of two */

struct futex_key {
    const void *object; /* address space, or page cache */
    uint32_t place;     /* address, or page index */
    uint32_t offset;    /* in the page; shared ones only */
};

struct futex_waiter {
    struct list_node node;
    struct futex_key key;
    uint32_t bitset;
    bool woken;
    struct wait_queue sleeper;
};

static struct {
    struct spinlock lock;
    struct list_node buckets[BUCKETS]; /* next == NULL: never used */
} futexes = { .lock = SPINLOCK_INIT("futexes") };

/* ---- keys ---- */

static int make_key(uaddr_t address, uint32_t op, struct futex_key *key)
{
    struct space *space = process_current()->space;

    if (!IS_ALIGNED(address, sizeof(uint32_t)))
        return -EINVAL;
    if (!user_range_is_valid(address, sizeof(uint32_t)))
        return -EFAULT;
    *key = (struct futex_key){ .object = space, .place = address };
    if (op & FUTEX_PRIVATE_FLAG)
        return 0;
    uint32_t irq = spin_lock(&space->lock);
    struct vma *vma = vma_find(&space->vmas, address);
    if (vma && (vma->flags & VMA_SHARED) && vma->backing.file)
        *key = (struct futex_key){ .object = vma->backing.file,
                                   .place = vma_page_index(vma, address),
                                   .offset = address & PAGE_MASK };
    spin_unlock(&space->lock, irq);
    return vma ? 0 : -EFAULT;
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->place == b->place && a->offset == b->offset;
}

/* Lock held.  Addresses of words differ from bit 2 on, those of structures from bit 5 or so. */
static struct list_node *bucket_of(const struct futex_key *key)
{
    uint32_t hash = (uint32_t)(uintptr_t)key->object / 32 + key->place / 4 +
                    key->place / PAGE_SIZE + key->offset / 4;
    struct list_node *bucket = &futexes.buckets[hash % BUCKETS];

    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

/* ---- wake, requeue ---- */

/* Lock held.  The waiter's stack may be gone as soon as it has run. */
static void wake_waiter(struct futex_waiter *waiter)
{
    list_remove(&waiter->node);
    waiter->woken = true;
    wait_queue_wake_all(&waiter->sleeper);
}

/* Lock held. */
static int wake_key(const struct futex_key *key, int count, uint32_t bitset)
{
    int woken = 0;

    list_for_each_safe(node, bucket_of(key)) {
        struct futex_waiter *waiter = list_entry(node, struct futex_waiter, node);
        if (!same_key(&waiter->key, key) || !(waiter->bitset & bitset))
            continue;
        wake_waiter(waiter);
        if (++woken >= count)
            break;
    }
    return woken;
}

static int wake(uaddr_t address, uint32_t op, int count, uint32_t bitset)
{
    struct futex_key key;
    int error = make_key(address, op, &key);

    if (error)
        return error;
    uint32_t irq = spin_lock(&futexes.lock);
    int woken = wake_key(&key, count, bitset);
    spin_unlock(&futexes.lock, irq);
    return woken;
}

int futex_wake(uaddr_t address, int count)
{
    return wake(address, 0, count, FUTEX_BITSET_ALL);
}

/* Lock held.  Move up to `count` waiters to another key. */
static int move_waiters(const struct futex_key *from, const struct futex_key *to, int count)
{
    int moved = 0;

    if (same_key(from, to))
        return 0;
    list_for_each_safe(node, bucket_of(from)) {
        struct futex_waiter *waiter = list_entry(node, struct futex_waiter, node);
        if (!same_key(&waiter->key, from))
            continue;
        if (moved >= count)
            break;
        list_remove(node);
        waiter->key = *to;
        list_add_tail(bucket_of(to), node);
        moved++;
    }
    return moved;
}

struct futex_args {
    uaddr_t address, second;
    uint32_t op; /* with its flags */
    uint32_t value, value2, value3;
};

enum compare { NO_COMPARE, COMPARE };

/* 0, -EAGAIN: another value, -EFAULT. */
static int compare_word(uaddr_t address, uint32_t value)
{
    uint32_t word;

    if (copy_from_user(&word, address, sizeof(word)))
        return -EFAULT;
    return word == value ? 0 : -EAGAIN;
}

static int requeue(const struct futex_args *args, enum compare compare)
{
    struct futex_key from, to;
    int wakes = (int)args->value, moves = (int)args->value2, woken = 0, moved = 0;
    int error = wakes < 0 || moves < 0 ? -EINVAL : make_key(args->address, args->op, &from);

    if (!error)
        error = make_key(args->second, args->op, &to);
    if (!error && compare == COMPARE) /* once to have the page there, with interrupts on */
        error = compare_word(args->address, args->value3);
    if (error)
        return error;
    uint32_t irq = spin_lock(&futexes.lock);
    if (compare == COMPARE)
        error = compare_word(args->address, args->value3);
    if (!error && wakes > 0)
        woken = wake_key(&from, wakes, FUTEX_BITSET_ALL);
    if (!error)
        moved = move_waiters(&from, &to, moves);
    spin_unlock(&futexes.lock, irq);
    return error ? error : compare == COMPARE ? woken + moved : woken;
}

/* ---- wake op ---- */

/* value3 = operation:4, comparison:4, operand:12, comparand:12 (futex(2), FUTEX_WAKE_OP). */
enum { OP_SET, OP_ADD, OP_OR, OP_ANDN, OP_XOR };
enum { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
#define OP_ARGUMENT_SHIFT 8u /* the operand is a bit number */

static int32_t sign_extend_12(uint32_t field)
{
    return (int32_t)(field << 20) >> 20;
}

static int apply(uint32_t code, uint32_t old, uint32_t *new)
{
    uint32_t operation = code >> 28, operand = (uint32_t)sign_extend_12(code >> 12);

    if (operation & OP_ARGUMENT_SHIFT)
        operand = 1u << (operand & 31);
    switch (operation & ~OP_ARGUMENT_SHIFT) {
    case OP_SET:
        *new = operand;
        return 0;
    case OP_ADD:
        *new = old + operand;
        return 0;
    case OP_OR:
        *new = old | operand;
        return 0;
    case OP_ANDN:
        *new = old & ~operand;
        return 0;
    case OP_XOR:
        *new = old ^ operand;
        return 0;
    default:
        return -ENOSYS;
    }
}

static int compare_old(uint32_t code, int32_t old)
{
    int32_t with = sign_extend_12(code);

    switch ((code >> 24) & 15) {
    case CMP_EQ:
        return old == with;
    case CMP_NE:
        return old != with;
    case CMP_LT:
        return old < with;
    case CMP_LE:
        return old <= with;
    case CMP_GT:
        return old > with;
    case CMP_GE:
        return old >= with;
    default:
        return -ENOSYS;
    }
}

/* Change the word; was its old value as the comparison asks?  1, 0, -EFAULT, -ENOSYS. */
static int change_word(uaddr_t address, uint32_t code)
{
    uint32_t old, new;
    int error = -EFAULT;

    if (copy_from_user(&old, address, sizeof(old)))
        return error;
    uint32_t irq = irq_save();
    if (!copy_from_user(&old, address, sizeof(old))) {
        error = apply(code, old, &new);
        if (!error && copy_to_user(address, &new, sizeof(new)))
            error = -EFAULT;
    }
    irq_restore(irq);
    return error ? error : compare_old(code, (int32_t)old);
}

static int wake_op(const struct futex_args *args)
{
    struct futex_key first, second;
    int error = make_key(args->address, args->op, &first);

    if (!error)
        error = make_key(args->second, args->op, &second);
    if (error)
        return error;
    int both = change_word(args->second, args->value3);
    if (both < 0)
        return both;
    uint32_t irq = spin_lock(&futexes.lock);
    int woken = wake_key(&first, (int)args->value, FUTEX_BITSET_ALL);
    if (both)
        woken += wake_key(&second, (int)args->value2, FUTEX_BITSET_ALL);
    spin_unlock(&futexes.lock, irq);
    return woken;
}

/* ---- wait ---- */

static void enter(struct futex_waiter *waiter)
{
    uint32_t irq = spin_lock(&futexes.lock);
    list_add_tail(bucket_of(&waiter->key), &waiter->node);
    spin_unlock(&futexes.lock, irq);
}

/* False if it has been woken meanwhile. */
static bool leave(struct futex_waiter *waiter)
{
    uint32_t irq = spin_lock(&futexes.lock);
    bool waiting = !waiter->woken;
    if (waiting)
        list_remove(&waiter->node);
    spin_unlock(&futexes.lock, irq);
    return waiting;
}

static enum sleep_end sleep_as(struct futex_waiter *waiter, uint64_t deadline)
{
    enum sleep_end end = SLEEP_WOKEN;
    uint32_t irq = irq_save();

    while (!waiter->woken && end == SLEEP_WOKEN)
        end = sleep_until(&waiter->sleeper, deadline);
    irq_restore(irq);
    return end;
}

/* `deadline` is a time of timer_ns(). */
static int wait(const struct futex_args *args, uint32_t bitset, uint64_t deadline)
{
    struct futex_waiter waiter = { .bitset = bitset };
    uint32_t word;

    if (bitset == 0)
        return -EINVAL;
    int error = make_key(args->address, args->op, &waiter.key);
    if (error)
        return error;
    wait_queue_init(&waiter.sleeper);
    enter(&waiter);
    if (copy_from_user(&word, args->address, sizeof(word)))
        error = -EFAULT;
    else if (word != args->value)
        error = -EAGAIN;
    enum sleep_end end = error ? SLEEP_WOKEN : sleep_as(&waiter, deadline);
    if (!leave(&waiter))
        return 0;
    if (error)
        return error;
    return end == SLEEP_TIMED_OUT ? -ETIMEDOUT : -ERESTARTSYS;
}

static void get_args(const struct trap_frame *frame, struct futex_args *args)
{
    *args = (struct futex_args){ .address = ARG1(frame),
                                 .op = ARG2(frame),
                                 .value = ARG3(frame),
                                 .value2 = ARG4(frame),
                                 .second = ARG5(frame),
                                 .value3 = ARG6(frame) };
}

static bool is_wait_bitset(uint32_t op)
{
    return (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) == FUTEX_WAIT_BITSET;
}

/* A wait with a time limit that a stop has cut short: to the same end as before. */
static int32_t wait_on(struct trap_frame *frame)
{
    struct task *task = task_current();
    uint64_t deadline = task->restart_until;
    struct futex_args args;

    get_args(frame, &args);
    int result = wait(&args, is_wait_bitset(args.op) ? args.value3 : FUTEX_BITSET_ALL,
                      deadline);
    if (result != -ERESTARTSYS)
        return result;
    task->restart = wait_on;
    return -ERESTART_RESTARTBLOCK;
}

static int32_t wait_call(struct trap_frame *frame, const struct futex_args *args,
                         enum time_format format)
{
    uaddr_t limit_address = ARG4(frame);
    uint64_t now = timer_ns(), limit;

    if (!limit_address)
        return wait(args, is_wait_bitset(args->op) ? args->value3 : FUTEX_BITSET_ALL, NEVER);
    int error = timespec_get(limit_address, format, &limit);
    if (error)
        return error;
    /* WAIT: how long.  WAIT_BITSET: until when, on one of two clocks. */
    uint64_t since = args->op & FUTEX_CLOCK_REALTIME ? rtc_now_ns() : now;
    if (is_wait_bitset(args->op))
        limit = limit > since ? limit - since : 0;
    task_current()->restart_until = time_after(now, limit);
    return wait_on(frame);
}

static int32_t futex(struct trap_frame *frame, enum time_format format)
{
    struct futex_args args;

    get_args(frame, &args);
    uint32_t operation = args.op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
    if ((args.op & FUTEX_CLOCK_REALTIME) && !waits)
        return -ENOSYS;
    switch (operation) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return wait_call(frame, &args, format);
    case FUTEX_WAKE:
        return wake(args.address, args.op, (int)args.value, FUTEX_BITSET_ALL);
    case FUTEX_WAKE_BITSET:
        return args.value3 == 0 ? -EINVAL
                                : wake(args.address, args.op, (int)args.value, args.value3);
    case FUTEX_REQUEUE:
        return requeue(&args, NO_COMPARE);
    case FUTEX_CMP_REQUEUE:
        return requeue(&args, COMPARE);
    case FUTEX_WAKE_OP:
        return wake_op(&args);
    default:
        return -ENOSYS;
    }
}

int32_t sys_futex(struct trap_frame *frame)
{
    return futex(frame, TIME_32);
}

int32_t sys_futex_time64(struct trap_frame *frame)
{
    return futex(frame, TIME_64);
}

/* ---- robust locks ---- */

struct robust_list_head {
    uaddr_t next;
    int32_t futex_offset; /* of the word from the entry */
    uaddr_t pending;      /* being taken or released when the thread ended */
};
#define ROBUST_ENTRY_PI 1u /* lowest bit of an entry's address */
enum abandoned { LISTED, PENDING };

/* Mark one lock, if it was this thread's, and wake one who waits for it.  PENDING: if it is free,
 * the thread may have ended between releasing it and FUTEX_WAKE. */
static void abandon(uaddr_t word_address, uint32_t tid, enum abandoned which)
{
    uint32_t word;

    if (!IS_ALIGNED(word_address, sizeof(word)))
        return;
    uint32_t irq = irq_save();
    bool known = !copy_from_user(&word, word_address, sizeof(word));
    bool owned = known && (word & FUTEX_TID_MASK) == tid;
    bool released = known && (word & FUTEX_TID_MASK) == 0 && which == PENDING;
    uint32_t left = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    owned = owned && !copy_to_user(word_address, &left, sizeof(left));
    irq_restore(irq);
    if (released || (owned && (word & FUTEX_WAITERS)))
        futex_wake(word_address, 1);
}

void futex_exit_robust(struct task *task)
{
    struct robust_list_head head;
    uaddr_t entry, next;

    if (!task->robust_list || copy_from_user(&head, task->robust_list, sizeof(head)))
        return;
    entry = head.next;
    for (unsigned n = 0; n < ROBUST_LIST_LIMIT; n++) {
        entry &= ~ROBUST_ENTRY_PI;
        if (entry == task->robust_list || copy_from_user(&next, entry, sizeof(next)))
            break;
        if (entry != (head.pending & ~ROBUST_ENTRY_PI))
            abandon(entry + (uint32_t)head.futex_offset, task->tid, LISTED);
        entry = next;
    }
    if (head.pending)
        abandon((head.pending & ~ROBUST_ENTRY_PI) + (uint32_t)head.futex_offset, task->tid,
                PENDING);
}
