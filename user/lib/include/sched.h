/* sched.h - POSIX: give up the processor to somebody else who is ready. */
#pragma once

int sched_yield(void);
