/* exec with much to hand over: 200 KiB of arguments; and too much. */
#include "tests/abi/abi.h"

#define WORDS 2000
#define WORD_LENGTH 100

static char word[WORD_LENGTH + 1], huge[1024 * 1024 * 3 / 2];
static char *words[WORDS + 3];

int main(int argc, char **argv)
{
    char path[256];

    if (argc > 1) {
        unsigned long sum = 0;
        for (int i = 1; i < argc; i++)
            sum += strlen(argv[i]);
        say("%d arguments, %lu bytes", argc - 1, sum);
        return 0;
    }
    own_path(path, sizeof path);
    memset(word, 'w', WORD_LENGTH);
    memset(huge, 'h', sizeof huge - 1);
    words[0] = argv[0];
    words[1] = huge;
    outcome("a word of 1.5 MiB", execv(path, words));
    for (int i = 1; i <= WORDS; i++)
        words[i] = word;
    execv(path, words);
    return STATUS_BROKEN;
}
