/* errno.h - the number of the last error.  The numbers are the kernel's. */
#pragma once

#include "kernel/lib/errno.h"

extern int errno;
