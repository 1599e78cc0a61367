/* tests/linux/init.c - /init of a Linux kernel that runs our programs for comparison.
 * Its arguments are what the kernel finds on its command line after "--", behind parameters that it
 * does not know.  So each program with its arguments follows a ";" of its own:
 *     -- ; /bin/bench ; /bin/fuzz 1 1000
 * After the last one the machine switches itself off. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYS_mount 21

static void run(char **argv)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    while (child != -1 && wait(&status) != child)
        continue; /* somebody's orphan */
    printf("init: %s ended with %s %d\n", argv[0], WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    mkdir("/proc", 0755);
    mkdir("/tmp", 0777);
    if (syscall(SYS_mount, "proc", "/proc", "proc", 0L, NULL) != 0)
        perror("init: /proc");
    for (int i = 1, first = 0; i <= argc; i++) {
        if (i < argc && strcmp(argv[i], ";") != 0)
            continue;
        argv[i] = NULL;
        if (first != 0 && first < i)
            run(&argv[first]);
        first = i + 1;
    }
    ioctl(STDOUT_FILENO, TCSBRK, 1); /* until the serial line has sent it all */
    reboot(RB_POWER_OFF);
    return 1;
}
