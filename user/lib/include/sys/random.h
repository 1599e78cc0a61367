/* sys/random.h - bytes that nobody can predict. */
#pragma once

#include <sys/types.h>

#define GRND_NONBLOCK 1

ssize_t getrandom(void *buffer, size_t nbytes, unsigned flags);
