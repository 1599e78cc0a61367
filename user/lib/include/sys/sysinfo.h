/* sys/sysinfo.h - the machine's memory and load; sizes count units of mem_unit bytes. */
#pragma once

struct sysinfo {
    long uptime; /* seconds */
    unsigned long loads[3];
    unsigned long totalram, freeram, sharedram, bufferram;
    unsigned long totalswap, freeswap;
    unsigned short procs, pad;
    unsigned long totalhigh, freehigh;
    unsigned mem_unit;
    char reserved[8];
};

int sysinfo(struct sysinfo *info);
