/* /proc/self/status, stat and statm say the same of this process. */
#include "tests/abi/abi.h"

int main(void)
{
    static char status[8192], stat_line[1024], statm[256];
    char *name, *rest, state;
    int ppid, group;

    map_pages(100, PROT_READ | PROT_WRITE)[0] = 1;
    MUST(read_text("/proc/self/status", status, sizeof status));
    MUST(read_text("/proc/self/statm", statm, sizeof statm));
    MUST(read_text("/proc/self/stat", stat_line, sizeof stat_line));
    name = strchr(stat_line, '(') + 1;
    rest = strrchr(stat_line, ')');
    MUST(sscanf(rest + 1, " %c %d %d", &state, &ppid, &group) == 3 ? 0 : -1);
    judge("stat: pid", atoi(stat_line) == getpid());
    say("stat: name %.11s", name);
    say("stat: state %c", state);
    judge("stat: parent", ppid == getppid());
    judge("stat: group", group == getpgrp());
    judge("status: pid", text_field(status, "Pid:\t") == getpid());
    judge("status: parent", text_field(status, "PPid:\t") == getppid());
    judge("status: name", strstr(status, "Name:\tproc-status\n") != NULL);
    say("status: threads %lld", text_field(status, "Threads:\t"));
    judge("size in status and statm", text_field(status, "VmSize:") == atol(statm) * 4);
    judge("resident is less than size",
          text_field(status, "VmRSS:") > 0 &&
              text_field(status, "VmRSS:") < text_field(status, "VmSize:"));
    judge("peak", text_field(status, "VmPeak:") >= text_field(status, "VmSize:"));
    judge("data, stack, text", text_field(status, "VmData:") >= 400 &&
                                   text_field(status, "VmStk:") > 0 &&
                                   text_field(status, "VmExe:") > 100);
    return 0;
}
