/* Counters of memory move with what is done: minor faults in rusage, stat and vmstat. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

#define NPAGES 50

static char text[65536];

static long own_faults(void)
{
    struct rusage used;

    MUST(getrusage(RUSAGE_SELF, &used));
    return used.ru_minflt;
}

static long stat_faults(void)
{
    long faults;

    MUST(read_text("/proc/self/stat", text, sizeof text));
    MUST(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %ld", &faults) == 1 ? 0
                                                                                       : -1);
    return faults;
}

static long long system_faults(void)
{
    MUST(read_text("/proc/vmstat", text, sizeof text));
    return text_field(text, "pgfault ");
}

int main(void)
{
    char *pages = map_pages(NPAGES, PROT_READ | PROT_WRITE);

    madvise(pages, NPAGES * PAGE, MADV_NOHUGEPAGE);
    system_faults(); /* touches the buffer */
    long own = own_faults(), in_stat = stat_faults();
    long long all = system_faults();
    for (int i = 0; i < NPAGES; i++)
        pages[i * PAGE] = 1;
    own = own_faults() - own;
    judge("rusage", own >= NPAGES && own < NPAGES + 20);
    in_stat = stat_faults() - in_stat;
    judge("stat", in_stat >= NPAGES && in_stat < NPAGES + 20);
    judge("vmstat", system_faults() - all >= NPAGES);
    return 0;
}
