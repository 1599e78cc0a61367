/* shell/jobs.h - background programs that have ended, told before the next prompt. */
#pragma once

void jobs_init(void);

/* Print "[PID] NAME: exit status N" (or the signal) for each that ended since the last call. */
void jobs_report(void);
