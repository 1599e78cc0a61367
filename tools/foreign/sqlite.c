/* tools/foreign/sqlite.c - a main() for Debian's SQLite library: sqlite DATABASE [SQL].
 * Without SQL it is read from standard input, to its end.  Rows are printed with '|' between the
 * columns, as by SQLite's own shell. */
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#define CHUNK_BYTES 4096

static int print_row(void *unused, int ncolumns, char **values, char **names)
{
    (void)unused, (void)names;
    for (int i = 0; i < ncolumns; i++)
        printf("%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
    putchar('\n');
    return 0;
}

/* All of standard input as a string; NULL without memory. */
static char *read_input(void)
{
    char *text = NULL;
    size_t length = 0, nread;

    do {
        char *larger = realloc(text, length + CHUNK_BYTES + 1);
        if (larger == NULL) {
            free(text);
            return NULL;
        }
        text = larger;
        nread = fread(text + length, 1, CHUNK_BYTES, stdin);
        length += nread;
    } while (nread > 0);
    text[length] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    sqlite3 *database;
    char *message = NULL;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: sqlite DATABASE [SQL]\n");
        return 2;
    }
    char *sql = argc > 2 ? argv[2] : read_input();
    int status = sql == NULL ? SQLITE_NOMEM : sqlite3_open(argv[1], &database);
    if (status == SQLITE_OK)
        status = sqlite3_exec(database, sql, print_row, NULL, &message);
    if (status != SQLITE_OK)
        fprintf(stderr, "sqlite: %s\n", message != NULL ? message : sqlite3_errstr(status));
    return status == SQLITE_OK ? 0 : 1;
}
