/* Records of up to PIPE_BUF bytes from several writers arrive whole. */
#include "tests/abi/abi.h"

#define WRITERS 3
#define RECORDS 60
#define RECORD 1000

static int fds[2];
static char letter;

static void write_records(void)
{
    char record[RECORD];

    memset(record, letter, sizeof record);
    for (int i = 0; i < RECORDS; i++)
        if (write(fds[1], record, sizeof record) != sizeof record)
            _exit(1);
}

int main(void)
{
    pid_t writers[WRITERS];
    char record[RECORD];
    int count[WRITERS] = { 0 }, whole = 1;

    MUST(pipe(fds));
    for (int i = 0; i < WRITERS; i++) {
        letter = 'A' + i;
        writers[i] = start_child(write_records);
    }
    MUST(close(fds[1]));
    for (;;) {
        unsigned done = 0;
        ssize_t got = 1;
        while (done < RECORD && (got = read(fds[0], record + done, RECORD - done)) > 0)
            done += got;
        if (done == 0)
            break;
        for (int i = 1; i < RECORD; i++)
            whole &= record[i] == record[0];
        count[record[0] - 'A']++;
    }
    judge("whole", whole);
    for (int i = 0; i < WRITERS; i++) {
        wait_for("writer", writers[i]);
        say("%d records", count[i]);
    }
    return 0;
}
