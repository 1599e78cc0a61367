/* What a C library asks of a kernel at its start: set_tid_address, robust list, rseq, TLS. */
#include "tests/abi/abi.h"
#include <asm/ldt.h>
#include <linux/futex.h>

int main(void)
{
    struct robust_list_head list = { { &list.list }, 0, NULL }, *got;
    struct user_desc bad = { .entry_number = 1 };
    size_t length;
    int tid;

    judge("set_tid_address", syscall(SYS_set_tid_address, &tid) == gettid());
    outcome("robust list", syscall(SYS_set_robust_list, &list, sizeof list));
    outcome("robust list of another size", syscall(SYS_set_robust_list, &list, 5));
    outcome("asked for", syscall(SYS_get_robust_list, 0, &got, &length));
    judge("as set", got == &list && length == sizeof list);
    long result = syscall(SYS_rseq, NULL, 0, 0, 0);
    judge("rseq refused", result == -1 && (errno == ENOSYS || errno == EINVAL));
    outcome("thread area, no such entry", syscall(SYS_set_thread_area, &bad));
    outcome("thread area, bad pointer", syscall(SYS_set_thread_area, BAD_POINTER));
    judge("errno is in thread-local storage", (uintptr_t)&errno > PAGE);
    return 0;
}
