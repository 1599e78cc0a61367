# tools/symbols.awk - the kernel's symbol table (kernel/symbols.c) as assembly source.
# Input: "nm -n" of the linked kernel, which is sorted by address; no input gives an empty table.
# Of several names for one address the first is kept.

BEGIN { count = 0 }

# Types t and T are code.  Below c0000000 is entry.S, which runs before the higher half exists.
($2 == "t" || $2 == "T") && $1 >= "c0000000" && $1 < "f8000000" && $1 != last {
    last = address[count] = $1
    name[count++] = $3
}

END {
    print "        .section .ksyms, \"a\""
    print "        .balign 4"
    print "        .globl symbols_count, symbols_table, symbols_names"
    print "symbols_count:"
    printf "        .long %d\n", count
    print "symbols_table:"
    offset = 0
    for (i = 0; i < count; i++) {
        printf "        .long 0x%s, %d\n", address[i], offset
        offset += length(name[i]) + 1
    }
    print "symbols_names:"
    for (i = 0; i < count; i++)
        printf "        .asciz \"%s\"\n", name[i]
    print "        .section .note.GNU-stack, \"\", @progbits"
}
