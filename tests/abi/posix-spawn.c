/* posix_spawn: clone with a stack of its own, file actions, attributes, errors. */
#include "tests/abi/abi.h"
#include <spawn.h>

int main(int argc, char **argv)
{
    char path[256], text[64] = "", *words[] = { argv[0], "child", NULL };
    char *environment[] = { "WORD=from the parent", NULL };
    posix_spawn_file_actions_t actions;
    int fds[2], error;
    pid_t child;

    if (argc > 1) {
        say("%s %s", argv[1], getenv("WORD"));
        return 8;
    }
    own_path(path, sizeof path);
    MUST(pipe(fds));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    error = posix_spawn(&child, path, &actions, NULL, words, environment);
    say("spawned: %s", error ? strerrorname_np(error) : "ok");
    wait_for("child", child);
    MUST(read(fds[0], text, sizeof text - 1));
    say("it wrote: %s", strtok(text, "\n"));
    error = posix_spawn(&child, "/no/such/program", NULL, NULL, words, environment);
    say("no such program: %s", strerrorname_np(error));
    outcome("nobody is left", wait(NULL));
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
