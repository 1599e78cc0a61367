/* A page shared by four generations: each writes its own copy, in the order of their ends. */
#include "tests/abi/abi.h"

static char *page;

static void generation(int depth)
{
    int status;

    if (depth < 4) {
        pid_t child = MUST(fork());
        if (child == 0) {
            generation(depth + 1);
            _exit(depth);
        }
        MUST(waitpid(child, &status, 0));
    }
    say("generation %d finds %s", depth, page);
    snprintf(page, PAGE, "what %d wrote", depth);
    say("generation %d leaves %s", depth, page);
}

int main(void)
{
    page = map_pages(1, PROT_READ | PROT_WRITE);
    strcpy(page, "the original");
    generation(0);
    return 0;
}
