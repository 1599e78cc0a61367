/* sys/utsname.h - the system's name. */
#pragma once

#define UTSNAME_LENGTH 65

struct utsname {
    char sysname[UTSNAME_LENGTH], nodename[UTSNAME_LENGTH], release[UTSNAME_LENGTH];
    char version[UTSNAME_LENGTH], machine[UTSNAME_LENGTH], domainname[UTSNAME_LENGTH];
};

int uname(struct utsname *name);
