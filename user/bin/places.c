/* places - where the parts of this program are.  Run it twice: stack, heap and mappings are somewhere
 * else each time (address space layout randomisation), unless the kernel was started with
 * `norandmaps`.  The program itself is where it was linked to be. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

int main(int argc, char **argv)
{
    int local;

    (void)argv;
    if (argc > 1) {
        puts("usage: places");
        return 2;
    }
    void *heap = sbrk(PAGE);
    void *mapping = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == (void *)-1 || mapping == MAP_FAILED) {
        perror("places");
        return 1;
    }
    printf("text %p\nheap %p\nmmap %p\nstack %p\n", (void *)main, heap, mapping,
           (void *)&local);
    return 0;
}
