/* user/lib/start.c - from the initial stack to main(), and back to the kernel by exit(). */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp);
_Noreturn void start_program(uintptr_t *stack);

char **environ;

_Noreturn void start_program(uintptr_t *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)&stack[1];

    environ = argv + argc + 1;
    exit(main(argc, argv, environ));
}
