/* spin - compute for ever, without a system call: only the timer can take the CPU away. */
int main(void)
{
    for (volatile unsigned turns = 0;; turns++)
        ;
}
