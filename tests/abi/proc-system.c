/* /proc/meminfo, vmstat, stat, uptime, loadavg, filesystems: there, and sensible. */
#include "tests/abi/abi.h"

static char text[65536];

static void load(const char *path)
{
    ssize_t length = read_text(path, text, sizeof text);

    say("%s: %s", path, length > 0 ? "ok" : "empty or missing");
}

int main(void)
{
    double up, idle, load1, load5, load15;
    int running, all;

    load("/proc/meminfo");
    long total = text_field(text, "MemTotal:"), free = text_field(text, "MemFree:");
    judge("  free is less than total", total > 0 && free > 0 && free < total);
    judge("  fields",
          text_field(text, "MemAvailable:") > 0 && text_field(text, "Cached:") >= 0 &&
              text_field(text, "AnonPages:") > 0 && text_field(text, "Slab:") > 0 &&
              text_field(text, "PageTables:") > 0 && text_field(text, "Mapped:") >= 0 &&
              text_field(text, "SwapTotal:") >= 0);
    load("/proc/vmstat");
    judge("  fields", text_field(text, "nr_free_pages ") > 0 &&
                          text_field(text, "nr_anon_pages ") > 0 &&
                          text_field(text, "pgfault ") > 0);
    load("/proc/stat");
    judge("  fields", strncmp(text, "cpu ", 4) == 0 && text_field(text, "btime ") > 0 &&
                          text_field(text, "processes ") > 0 && text_field(text, "ctxt ") > 0);
    load("/proc/uptime");
    judge("  two numbers", sscanf(text, "%lf %lf", &up, &idle) == 2 && up > 0 && idle >= 0);
    load("/proc/loadavg");
    judge("  five numbers",
          sscanf(text, "%lf %lf %lf %d/%d", &load1, &load5, &load15, &running, &all) == 5 &&
              all >= running && running >= 1);
    load("/proc/filesystems");
    judge("  proc", strstr(text, "nodev\tproc\n") != NULL);
    return 0;
}
