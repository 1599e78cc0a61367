# tools/gdb/strata.gdb - what "make debug" tells gdb first.  By hand: gdb -x tools/gdb/strata.gdb build/strata.elf
set architecture i386
set confirm off
set pagination off
set print pretty on
set disassembly-flavor att
