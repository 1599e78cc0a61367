/* args - print the arguments and the environment, as the kernel handed them over. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    printf("argc %d\n", argc);
    for (int i = 0; i < argc; i++)
        printf("argv[%d] \"%s\"\n", i, argv[i]);
    if (argv[argc] != NULL)
        puts("argv does not end with NULL");
    for (char **entry = environ; *entry != NULL; entry++)
        printf("env %s\n", *entry);
    return 0;
}
