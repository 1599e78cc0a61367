/* A table of 3,000 rows, an index, queries that sort and join, and a deletion; all in memory. */
#include <sqlite3.h>

static const char *const statements[] = {
    "CREATE TABLE part(id INTEGER PRIMARY KEY, name TEXT, weight INTEGER)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "INSERT INTO part SELECT i, printf('part %d of %x', i, i * 7919 % 65536), i * 31 % 977 "
    "FROM n",
    "CREATE INDEX by_weight ON part(weight, name)",
    "SELECT count(*), max(name) FROM part GROUP BY weight % 50 ORDER BY 2",
    "SELECT a.name, b.name FROM part a JOIN part b ON a.weight = b.weight WHERE a.id < b.id",
    "SELECT group_concat(name, ';') FROM part GROUP BY weight % 10",
    "DELETE FROM part WHERE id % 3 = 0",
    "UPDATE part SET name = name || ' (' || weight || ')'",
    "SELECT DISTINCT substr(name, 1, 7) FROM part ORDER BY name DESC",
};

int main(void)
{
    sqlite3 *base;
    int failed = sqlite3_open(":memory:", &base);

    for (unsigned i = 0; !failed && i < sizeof(statements) / sizeof(statements[0]); i++)
        failed = sqlite3_exec(base, statements[i], 0, 0, 0);
    for (unsigned i = 0; !failed && i < 300; i++) {
        char *query = sqlite3_mprintf("SELECT name FROM part WHERE weight = %u", i);
        failed = sqlite3_exec(base, query, 0, 0, 0);
        sqlite3_free(query);
    }
    sqlite3_close(base);
    return failed;
}
