/* ioctl on what is no terminal, FIONREAD, errors. */
#include "tests/abi/abi.h"
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
    struct termios settings;
    struct winsize size;
    int fds[2], waiting = -1, null = MUST(open("/dev/null", O_RDWR));

    MUST(pipe(fds));
    outcome("settings of a pipe", tcgetattr(fds[0], &settings));
    outcome("settings of /dev/null", tcgetattr(null, &settings));
    outcome("size of a pipe", ioctl(fds[0], TIOCGWINSZ, &size));
    say("isatty: %d", isatty(null));
    MUST(write(fds[1], "12345", 5));
    outcome("FIONREAD", ioctl(fds[0], FIONREAD, &waiting));
    say("waiting: %d", waiting);
    outcome("not open", ioctl(NO_SUCH_FD, TCGETS, &settings));
    outcome("unknown", ioctl(fds[0], 0x12345678, 0));
    return 0;
}
