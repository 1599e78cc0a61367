/* shell/commands.c - every command of the shell, in the order in which help shows them.
 * To add one: a row here, a prototype in commands.h, a function in the cmd_*.c of its
 * subject. */
#include "shell/commands.h"

/* clang-format off */
const struct shell_command shell_commands[] = {

/* ---- Physical memory ---- */
{ "meminfo", "", "memory by use, in kB",
  "Fields as in Linux's /proc/meminfo (proc(5)).  MemTotal is what the allocator\n"
  "manages: MemFree + every kind of use, exactly.  Cached: pages of files.\n"
  "The last fields are Strata's: RAM that was never managed (Reserved), and what\n"
  "it holds.  `watch meminfo` shows all fields on one screen.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_meminfo },
{ "free", "", "memory in a line, in kB",
  "As Linux's free(1): used = total - free - buff/cache.  shared: files whose only\n"
  "copy is in memory.  buff/cache: pages of files, and caches that can give back.\n"
  "available: what programs could have, without any being ended.  No swap here.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_free },
{ "memmap", "", "the firmware's memory map",
  "First the ranges as they were reported: they may overlap and need not be\n"
  "sorted.  Then the final map: where ranges overlap, the stronger type has won.\n"
  "\"usable\" went to the buddy allocator.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_memmap },
{ "zoneinfo", "", "zones, in frames",
  "spanned: from the zone's first frame to its last.  present: of these, RAM.\n"
  "managed: given to the buddy allocator.  free: free now; of these, zeroed: full\n"
  "of zeros already, hot: in the hot lists.  Below low, reclaim runs when the\n"
  "machine is idle, up to high; below min, inside requests.  The last min frames\n"
  "are for PAGE_ATOMIC.  protection: left by requests that could have had a zone\n"
  "above (DMA, Normal, HighMem: the best zone of the request).\n",
  SHELL_MEMORY, 0, 0, 0, cmd_zoneinfo },
{ "buddyinfo", "", "free blocks by order",
  "As Linux's /proc/buddyinfo: for each zone the number of free blocks of 2^0,\n"
  "2^1, ... 2^10 frames.  Many small blocks and few large ones: it is fragmented.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_buddyinfo },
{ "pagetypeinfo", "", "free blocks by mobility",
  "As Linux's /proc/pagetypeinfo: memory serves in units of 4 MiB what cannot\n"
  "move (kernel), what can (programs) and what can be dropped (clean pages of\n"
  "files), so that they do not mix.  If one has no free block, it takes others'.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_pagetypeinfo },
{ "fragmentation", "", "would large requests fail?",
  "As extfrag_index and unusable_index of Linux's debugfs (here also in /proc),\n"
  "for blocks of 2^0, 2^1, ... 2^10 frames.  `compact` makes it better.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_fragmentation },
{ "slabinfo", "[-l]", "object caches",
  "Columns as in Linux's /proc/slabinfo (slabinfo(5)); -l: in its long lines.\n"
  "objsize includes what debugging adds; active_slabs hold at least one object in\n"
  "use.  free: kB held without an object in them.  Strata has no tunables: 0.\n",
  SHELL_MEMORY, 0, 1, 0, cmd_slabinfo },
{ "slabtop", "[ROWS]", "the largest object caches",
  "By the memory they hold.  USE: objects in use, of all.  FREE: kB in free ones.\n"
  "LOST: kB that are no objects: debugging, alignment, the rests of slabs.  HIT:\n"
  "allocations that the magazine had an object for.  ASKED: of the bytes that\n"
  "kmalloc gave, the part that was asked for.  ROWS: how many (default 20).\n"
  "Example: watch slabtop\n",
  SHELL_MEMORY, 0, 1, 0, cmd_slabtop },
{ "vmstat", "[PID]", "counters of memory events",
  "Of the machine, or of one program's address space.  nr_*: frames now.\n"
  "pgfault: page faults served, and pgfault_* by cause.  pgalloc_*, pgfree: blocks\n"
  "taken and given back.  buddy_split, buddy_merge: blocks halved and joined.\n"
  "ctxt: thread switches.  intr: interrupts.\n",
  SHELL_MEMORY, 0, 1, 0, cmd_vmstat },
{ "page", "PFN", "one page frame",
  "PFN is the frame's number: its physical address divided by 4096.  Shows its\n"
  "zone, who has it, and the block that it is a part of.  Example: page 0x100\n",
  SHELL_MEMORY, 1, 1, 0, cmd_page },

{ "pagecache", "[drop]", "pages of files",
  "Each file that has pages in memory: clean ones can be read again, dirty ones\n"
  "are the only copy.  MAPS: page-table entries.  drop: free what can be had\n"
  "back, as the kernel does when memory is short.\n",
  SHELL_MEMORY, 0, 1, 0, cmd_pagecache },
{ "compact", "", "move frames together",
  "Moves the frames of programs and files so that free memory is in blocks of\n"
  "4 MiB, as far as possible; the kernel does it by itself when a request for a\n"
  "block finds none.  See also buddyinfo, fragmentation.\n",
  SHELL_MEMORY, 0, 0, SHELL_NO_WATCH, cmd_compact },
{ "shrinkers", "", "who could give memory back",
  "In the order in which they are asked when memory is short.  COST: 0 nothing is\n"
  "lost, 1 read again, 2 made again, 3 costs a fault.  KEPT: what they hold now.\n",
  SHELL_MEMORY, 0, 0, 0, cmd_shrinkers },

/* ---- Virtual memory ---- */
{ "walk", "ADDRESS [PID]", "translate an address",
  "Follows the page tables as the processor does: CR3, directory entry, table\n"
  "entry.  Without PID, in the kernel's own directory.  Flags: Present, Writable,\n"
  "User, write-Through, Cache disabled, Accessed, Dirty, Size (4 MiB), Global.\n"
  "Example: walk 0xc0100000\n",
  SHELL_PAGING, 1, 2, 0, cmd_walk },
{ "maps", "[PID]", "a program's address space",
  "As Linux's /proc/PID/maps: addresses, rights, offset in the file, inode, name;\n"
  "then how much of it has frames.  Code ends at the code segment's limit: what\n"
  "lies below can be executed.  `!` marks ranges whose rights say otherwise.\n"
  "Without PID: the kernel's own part, 0xC0000000 and above.\n",
  SHELL_PAGING, 0, 1, 0, cmd_maps },
{ "smaps", "PID", "its ranges, page by page",
  "As Linux's /proc/PID/smaps: for each range what is resident (Rss), its share\n"
  "of frames that others map too (Pss), shared and private, clean and dirty.\n",
  SHELL_PAGING, 1, 1, 0, cmd_smaps },
{ "peek", "ADDRESS [COUNT]", "read kernel memory",
  "COUNT words of 32 bits (default 16), in hexadecimal and as characters.  What\n"
  "is not mapped is reported.  Example: peek 0xc00b8000 8\n",
  SHELL_PAGING, 1, 2, 0, cmd_peek },
{ "poke", "ADDRESS VALUE", "write kernel memory",
  "Writes one word of 32 bits and shows what was there.  What is not mapped, or\n"
  "read-only, is refused; nothing else is: this can crash the kernel.\n",
  SHELL_PAGING, 2, 2, SHELL_NO_WATCH, cmd_poke },

/* ---- Programs ---- */
{ "run", "[NAME=VALUE...] PROGRAM [ARG...] [&]", "run a program",
  "PROGRAM is a file of /bin, or a path; TAB lists them.  With & it runs in the\n"
  "background, and its end is told before the next prompt; else Ctrl-C ends it.\n"
  "NAME=VALUE goes into its environment.  Says how it ended, unless with status 0.\n"
  "`run` itself may be left out if no command has the program's name.\n"
  "Examples: run memhog 32M 30 &     STRATA_MALLOC=guard mallocs\n",
  SHELL_PROGRAMS, 1, SHELL_WORDS_MAX, SHELL_NO_WATCH | SHELL_BACKGROUND, cmd_run },
{ "ps", "", "programs and threads",
  "Children are indented below their parents.  THR: threads.  VSZ: kB of\n"
  "addresses.  RSS: kB resident.  MINFLT: page faults served.  TIME: seconds of\n"
  "processor time.  [name]: a kernel thread.\n",
  SHELL_PROGRAMS, 0, 0, 0, cmd_ps },
{ "kill", "PID [SIGNAL]", "send a signal to a program",
  "SIGNAL is a number (1 to 64) or a name (9, KILL, SIGKILL), by default TERM: it\n"
  "ends a program that does not handle it.  STOP stops it, CONT lets it go on.\n",
  SHELL_PROGRAMS, 1, 2, SHELL_NO_WATCH, cmd_kill },
{ "fg", "[PID]", "bring a program back",
  "The program, started with & or stopped by Ctrl-Z, has the terminal again, and\n"
  "goes on if it was stopped.  Without PID: the one that was started last.\n",
  SHELL_PROGRAMS, 0, 1, SHELL_NO_WATCH, cmd_fg },
{ "oom", "[kill]", "who ends if memory is gone",
  "The process with the highest score: its share of memory in thousandths, plus\n"
  "ADJ (/proc/PID/oom_score_adj).  kill: end that one now.\n",
  SHELL_PROGRAMS, 0, 1, 0, cmd_oom },
{ "syscalls", "[-t]", "system calls, how often",
  "Those that were called, then those that programs asked for in vain.\n"
  "-t: the table of all that exist, as in docs/system-calls.md.\n",
  SHELL_PROGRAMS, 0, 1, 0, cmd_syscalls },

/* ---- Machine ---- */
{ "dmesg", "[-n LEVEL]", "the kernel's log",
  "With -n: sets what is shown on the console, as `loglevel` does.\n",
  SHELL_SYSTEM, 0, 2, 0, cmd_dmesg },
{ "loglevel", "[LEVEL]", "log shown on the console",
  "Messages with a level below LEVEL (1 to 8) are shown: 4 errors and worse, 7\n"
  "information, 8 debugging too.  All are kept for `dmesg`.\n",
  SHELL_SYSTEM, 0, 1, 0, cmd_loglevel },
{ "uptime", "", "time since the start", NULL,
  SHELL_SYSTEM, 0, 0, 0, cmd_uptime },
{ "cpuinfo", "", "the processor's features",
  "flags: what it has, among what matters here.  cr0, cr4: what is turned on.\n",
  SHELL_SYSTEM, 0, 0, 0, cmd_cpuinfo },
{ "reboot", "", "restart the machine", NULL,
  SHELL_SYSTEM, 0, 0, SHELL_NO_WATCH, cmd_reboot },
{ "poweroff", "", "switch off", NULL,
  SHELL_SYSTEM, 0, 0, SHELL_NO_WATCH, cmd_poweroff },

/* ---- Debugging ---- */
{ "check", "", "run every validator",
  "Each allocator and table walks all that it has and checks its invariants.\n"
  "The first violation is in the log.\n",
  SHELL_DEBUG, 0, 0, 0, cmd_check },
{ "slab_validate", "[CACHE]", "check caches and objects",
  "Walks one cache or all of them.  With the kernel parameter slab_debug redzones\n"
  "and poison are checked too, and the log says which object is damaged, who\n"
  "probably wrote there, and who allocated and freed it.\n",
  SHELL_DEBUG, 0, 1, 0, cmd_slab_validate },
{ "leaks", "[mark | scan]", "memory not given back",
  "mark: remember this moment.  Without an argument: what has been allocated since\n"
  "(or since the start) and is still in use, by the way it was allocated.  scan:\n"
  "objects that no pointer leads to.  Needs the kernel parameter slab_debug=U.\n"
  "Example: leaks mark; run hello; leaks\n",
  SHELL_DEBUG, 0, 1, 0, cmd_leaks },
{ "inject", "[RULE]", "make allocations fail",
  "RULE: off, or KINDS:MODE with KINDS page, slab or page,slab, and MODE nth=N,\n"
  "every=N or random=N[,seed=S].  Without RULE: what was counted.  Also a kernel\n"
  "parameter.  Example: inject page:nth=3; run hello\n",
  SHELL_DEBUG, 0, 1, SHELL_NO_WATCH, cmd_inject },
{ "tlb", "[one | range | all]", "stale translations",
  "Changes the frames behind pages of its own without a flush, and reads: the TLB\n"
  "answers with the old ones.  Then flushes one page, a range of 8, or everything\n"
  "(CR3, which spares global pages; then CR4.PGE), and reads again.\n",
  SHELL_DEBUG, 0, 1, 0, cmd_tlb },
{ "cache", "[flush [ADDRESS BYTES]]", "the processor's caches",
  "The caches; then pages mapped write-back, write-through and uncached, with\n"
  "their entries and the ticks of the time-stamp counter for each access.  flush:\n"
  "writes lines back and forgets them, a range by CLFLUSH, everything by WBINVD.\n"
  "Example: cache flush 0xc0100000 4096\n",
  SHELL_DEBUG, 0, 3, 0, cmd_cache },
{ "alloc", "[BYTES [PROPERTY...]]", "take kernel memory",
  "PROPERTY: zero, dma (below 16 MiB), align=N; and, in a mapping of its own,\n"
  "write-through, uncached, or exec: the kernel's code segment then reaches there.\n"
  "Above 4M: frames side by side.  Without arguments: what is held.\n"
  "Example: alloc 6000 dma uncached; dealloc all\n",
  SHELL_DEBUG, 0, 1 + 6, SHELL_NO_WATCH, cmd_alloc },
{ "dealloc", "ADDRESS | all", "give it back",
  "What `alloc` took, at the address that it printed.\n",
  SHELL_DEBUG, 1, 1, SHELL_NO_WATCH, cmd_dealloc },
{ "panic", "[TEXT...]", "stop with a report",
  "Ends the kernel the way a broken invariant does, to show what the report\n"
  "looks like.\n",
  SHELL_DEBUG, 0, SHELL_WORDS_MAX, SHELL_NO_WATCH, cmd_panic },

/* ---- Shell ---- */
{ "help", "[COMMAND]", "this table, or more on one",
  "Keys: TAB completes, up and down recall lines, Ctrl-C ends a program, Ctrl-Z\n"
  "stops it (see fg).  A line: COMMAND; COMMAND  PROGRAM & (in the background)\n"
  "# comment.  The left and right arrow, Home, End, Ctrl-A E K U W edit the line.\n",
  SHELL_SESSION, 0, 1, 0, cmd_help },
{ "watch", "[-n SECONDS] COMMAND...", "repeat until a key is hit",
  "Redraws the command's output in place every SECONDS (1 to 3600, default 1);\n"
  "COMMAND may have arguments.  Example: run memhog 32M 30 & watch meminfo\n",
  SHELL_SESSION, 1, SHELL_WORDS_MAX, SHELL_NO_WATCH, cmd_watch },
{ "echo", "[TEXT...]", "print text", NULL,
  SHELL_SESSION, 0, SHELL_WORDS_MAX, 0, cmd_echo },
{ "sleep", "SECONDS", "wait (for scripts)",
  "Ctrl-C ends it, and the rest of the line.\n",
  SHELL_SESSION, 1, 1, SHELL_NO_WATCH, cmd_sleep },
{ "history", "", "the lines entered so far", NULL,
  SHELL_SESSION, 0, 0, 0, cmd_history },
{ "clear", "", "clear the screen", NULL,
  SHELL_SESSION, 0, 0, SHELL_NO_WATCH, cmd_clear },
};
/* clang-format on */

const unsigned shell_command_count = ARRAY_SIZE(shell_commands);
