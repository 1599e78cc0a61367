# Strata's only Makefile.  "make help" lists the targets and the variables.
# GNU make; every path is relative to this directory, everything made is below $(BUILD).

MAKEFLAGS += -rR
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
SHELL := /bin/sh

BUILD ?= build
# In one spelling: the lists of headers that gcc writes name each object by it.
override BUILD := $(subst $(CURDIR)/,,$(BUILD))
comma := ,

# Output: one short line for each file made; V=1 shows the commands, "make -s" says nothing.
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(filter 1,$(V))$(silent),,@printf '  %-4s %s\n' $(1) $(2))

# Tools: the host's gcc with -m32; LLVM=1: clang and lld; CROSS=i686-elf-: a cross compiler.
CROSS ?=
LLVM ?=
ifeq ($(LLVM),1)
CC := clang --target=i386-unknown-none-elf
LD := ld.lld
NM := nm
AR := ar
STRIP := strip
compiler := llvm
stack_flags := -mstack-alignment=4
else
CC := $(CROSS)gcc
LD := $(CROSS)ld
NM := $(CROSS)nm
AR := $(CROSS)ar
STRIP := $(CROSS)strip
compiler := $(if $(CROSS),cross,gcc)
stack_flags := -mpreferred-stack-boundary=2
endif
PYTHON := $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)

# Flags.  Bare-metal compilers make uint32_t a long, which every printf format would have to know:
# here it is an int for all.  No header but the compiler's own and the project's can be found
# (-nostdinc), so nothing of the host slips in.  The $$(...) is run by the shell, when a compiler
# has been installed.
ARCH_FLAGS := -m32 -march=i486 -mtune=generic
COMMON_FLAGS := $(ARCH_FLAGS) -std=gnu17 -O2 -g -ffreestanding -fno-pic -fno-pie \
    -fno-stack-protector -fcf-protection=none -fno-common -fno-asynchronous-unwind-tables \
    -Wall -Wextra -Wshadow -Werror \
    -U__UINT32_TYPE__ '-D__UINT32_TYPE__=unsigned int' -U__INT32_TYPE__ -D__INT32_TYPE__=int \
    -nostdinc -isystem "$$($(CC) -print-file-name=include)" -I.
# STRESS=1: threads are switched at every unlock (kernel/cpu/spinlock.h); for tests only.
STRESS ?=
# The kernel has no SSE and needs no 16-byte stack alignment.  Its functions get their first three
# arguments in EAX, EDX and ECX, as Linux's do on i386 (a variable number of them lies on the stack);
# programs keep the System V ABI.  STRATA_REGPARM tells the assembly which both share.
KERNEL_FLAGS := $(COMMON_FLAGS) -mregparm=3 -DSTRATA_REGPARM -fno-omit-frame-pointer \
    -mgeneral-regs-only $(stack_flags) $(if $(filter 1,$(STRESS)),-DSTRATA_STRESS)
USER_FLAGS := $(COMMON_FLAGS) -Iuser/lib/include

# Kernels that look for their own bugs (docs/sanitizers.md).  KASAN=1: each access to memory is
# checked.  The code for that keeps the stack aligned to 16 bytes, but assembly and gates do not.
KASAN ?=
ifeq ($(KASAN),1)
$(if $(filter llvm,$(compiler)),$(error KASAN=1 needs gcc: clang has no kernel-address sanitizer for i386))
KERNEL_FLAGS += -DKASAN -mincoming-stack-boundary=2 -mpreferred-stack-boundary=4
KASAN_FLAGS := -fsanitize=kernel-address -fsanitize-address-use-after-scope \
    -fasan-shadow-offset=0xD8000000 \
    --param asan-stack=1 --param asan-globals=1 --param asan-instrumentation-with-call-threshold=0
# These touch what nobody else may: the shadow itself; free objects, in which slab keeps its lists, as
# their tests do; all memory, for pointers; any stack.
KASAN_UNCHECKED := mm/kasan/%.c mm/slab%.c tests/kernel/test_slab.c mm/leaks.c kernel/panic.c
endif
# UBSAN=1: each operation that C leaves undefined in some cases (but for three: see kernel/ubsan.c).
UBSAN ?=
ifeq ($(UBSAN),1)
UBSAN_FLAGS := -fsanitize=undefined -fno-sanitize=alignment,bool,vla-bound \
    -fno-sanitize-recover=undefined
endif
LD_FLAGS := -m elf_i386 -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none

# Each file is made under a name of its own ($$$$: the process) and then renamed.  So it is always
# whole, even if two makes work in one directory.
new = $@.$$$$.new
compile = { $(CC) $(1) -MMD -MP -MT $@ -MF $(new).deps -c $< -o $(new) && \
    mv $(new).deps $(@:.o=.d) && mv $(new) $@; } || { rm -f $(new) $(new).deps; exit 1; }

# Sources and what becomes of them.
other_builds := $(if $(filter 1,$(KASAN)),,mm/kasan/% %/test_kasan.c) \
    $(if $(filter 1,$(UBSAN)),,kernel/ubsan.c %/test_ubsan.c)
KERNEL_SRCS := $(sort boot/entry.S $(filter-out $(other_builds),$(wildcard kernel/*.c kernel/*.S \
    kernel/*/*.c kernel/*/*.S mm/*.c mm/*.S mm/kasan/*.c shell/*.c)))
USER_LIB_SRCS := $(sort $(filter-out user/lib/crt0.S,$(wildcard user/lib/*.c user/lib/*.S))) \
    $(wildcard $(addprefix kernel/lib/,string.c format.c parse.c div64.c string_i386.S))
USER_PROGRAMS := $(patsubst user/bin/%.c,$(BUILD)/user/%,$(sort $(wildcard user/bin/*.c)))

KERNEL_OBJS := $(patsubst %,$(BUILD)/obj/%.o,$(basename $(KERNEL_SRCS)))
USER_LIB_OBJS := $(patsubst %,$(BUILD)/user/obj/%.o,$(basename $(USER_LIB_SRCS)))

# A test kernel is the kernel with shell/start.o, which starts the shell, replaced by a suite.
TEST_SRCS := $(sort $(filter-out $(other_builds),$(wildcard tests/kernel/*.c)))
TEST_KERNELS := $(patsubst tests/kernel/test_%.c,$(BUILD)/tests/%.elf,\
    $(filter tests/kernel/test_%,$(TEST_SRCS)))
BENCH_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter tests/kernel/bench%,$(TEST_SRCS)))
BENCH_KERNEL := $(if $(BENCH_OBJS),$(BUILD)/tests/bench.elf)
TEST_BASE_OBJS := $(filter-out $(BUILD)/obj/shell/start.o,$(KERNEL_OBJS)) \
    $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/kernel/test_% tests/kernel/bench%,$(TEST_SRCS)))
HOST_TESTS := $(patsubst tests/host/test_%.c,$(BUILD)/host/%,$(sort $(wildcard tests/host/test_*.c)))

ELF := $(BUILD)/strata.elf
INITRD := $(BUILD)/initrd.cpio
ISO := $(BUILD)/strata.iso

all: $(ELF) $(INITRD) ## build the kernel and its initrd (default)

# What the goals need on this machine is probed for, and installed if missing, in one call.
.PHONY: deps
deps:
	$(Q)tools/deps $(compiler) $(MAKECMDGOALS)

# The flags in use; rewritten only when they change, and then every object is made again.
$(BUILD)/flags: FORCE | deps
	@mkdir -p $(@D)
	@echo "$(CC) $(KERNEL_FLAGS) $(KASAN_FLAGS) $(UBSAN_FLAGS) $(USER_FLAGS) $(LD) $(LD_FLAGS) \
	    $$($(CC) -dumpversion)" >$(new); \
	    if cmp -s $(new) $@; then rm $(new); else mv $(new) $@; fi

# What the products consist of: they are linked again when a source file is gone, too.
$(BUILD)/parts: FORCE
	@mkdir -p $(@D)
	@echo "$(KERNEL_OBJS) $(USER_LIB_OBJS) $(TEST_BASE_OBJS)" >$(new); \
	    if cmp -s $(new) $@; then rm $(new); else mv $(new) $@; fi

# Kernel.
sanitize = $(UBSAN_FLAGS) \
    $(if $(filter $(KASAN_UNCHECKED),$<),-DKASAN_UNCHECKED,$(KASAN_FLAGS))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(call compile,$(KERNEL_FLAGS) $(sanitize))

$(BUILD)/obj/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(call compile,$(KERNEL_FLAGS))

link_kernel = CC='$(CC) -m32' LD='$(LD)' NM='$(NM)' LDFLAGS='$(LD_FLAGS)' \
    tools/link-kernel $@ $(filter %.o,$^)

$(ELF): $(KERNEL_OBJS) $(BUILD)/parts boot/kernel.ld tools/link-kernel tools/symbols.awk
	$(call say,LD,$@)
	$(Q)$(link_kernel)

# User programs: ordinary static ELF files, which run on Linux too.
$(BUILD)/user/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,"$< (user)")
	$(Q)$(call compile,$(USER_FLAGS))

$(BUILD)/user/obj/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS,"$< (user)")
	$(Q)$(call compile,$(USER_FLAGS))

$(BUILD)/user/libstrata.a: $(USER_LIB_OBJS) $(BUILD)/parts
	$(call say,AR,$@)
	$(Q)$(AR) rcsD $(new) $(filter %.o,$^) && mv $(new) $@

USER_LD := $(wildcard user/user.ld)
$(USER_PROGRAMS): $(BUILD)/user/%: $(BUILD)/user/obj/user/lib/crt0.o $(BUILD)/user/obj/user/bin/%.o \
    $(BUILD)/user/libstrata.a $(USER_LD)
	$(call say,LD,$@)
	$(Q)$(LD) $(LD_FLAGS) $(USER_LD:%=-T %) -o $(new) $(filter %.o %.a,$^) && mv $(new) $@

# The initrd: the programs (stripped) and the files in EXTRA, all as bin/NAME.  Always made anew,
# because EXTRA may differ, but replaced only when its content changed.
EXTRA ?=
$(foreach file,$(EXTRA),$(if $(wildcard $(file)),,$(error EXTRA: there is no file $(file))))
$(INITRD): $(USER_PROGRAMS) $(EXTRA) FORCE
	$(Q)STRIP='$(STRIP)' tools/make-initrd $@ $(USER_PROGRAMS) -- $(EXTRA)

# Debian's Linux kernel for comparison, and our programs for it: the same archive and an /init.
LINUX := $(BUILD)/linux/vmlinuz
LINUX_INIT := $(BUILD)/linux/init
LINUX_INITRD := $(BUILD)/linux/initrd.cpio

$(LINUX):
	$(Q)tools/linux-kernel $@

$(LINUX_INIT): $(BUILD)/user/obj/user/lib/crt0.o $(BUILD)/user/obj/tests/linux/init.o \
    $(BUILD)/user/libstrata.a $(USER_LD)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LD) $(LD_FLAGS) $(USER_LD:%=-T %) -o $(new) $(filter %.o %.a,$^) && mv $(new) $@

$(LINUX_INITRD): $(INITRD) $(LINUX_INIT) tools/make-linux-initrd
	$(Q)STRIP='$(STRIP)' tools/make-linux-initrd $@ $(INITRD) $(LINUX_INIT)

# Programs from other hands (Debian's BusyBox, bash, Lua ...): fetched through apt, so no build needs
# them; see docs/programs.md.
FOREIGN := $(BUILD)/foreign.cpio
$(BUILD)/foreign/fetched: tools/foreign/fetch $(wildcard tools/foreign/*.c) | deps
	$(call say,GET,"$(@D) (i386 packages)")
	$(Q)tools/foreign/fetch $(@D) && touch $@

$(FOREIGN): $(BUILD)/foreign/fetched $(INITRD) tools/foreign/make-archive $(wildcard tools/foreign/etc/*)
	$(call say,CPIO,$@)
	$(Q)tools/foreign/make-archive $@ $(INITRD) $(BUILD)/foreign/bin/*

foreign: $(FOREIGN) ## fetch programs from other hands and pack them into an initrd (needs a network)

# The ISO.  APPEND goes to the kernel line of each menu entry.
$(ISO): $(ELF) $(INITRD) grub.cfg tools/make-iso FORCE
	$(Q)STRIP='$(STRIP)' SILENT='$(silent)' APPEND='$(subst ','\'',$(APPEND))' \
	    tools/make-iso $@ $(ELF) $(INITRD)

iso: $(ISO) ## build the bootable ISO image with GRUB

# Running.
MEM ?= 64M
CPU ?= qemu32
APPEND ?=
ICOUNT ?=
WAIT ?= 60
QEMU := WAIT='$(WAIT)' tools/qemu --mem '$(MEM)' --cpu '$(CPU)' $(if $(filter 1,$(ICOUNT)),--icount)
BOOT_DIRECT = --kernel $(ELF) --initrd $(INITRD) --append '$(subst ','\'',$(APPEND))'

run: all ## boot in QEMU: the shell in this terminal (serial console)
	@$(QEMU) $(BOOT_DIRECT)

run-foreign: all $(FOREIGN) ## boot with programs from other hands: BusyBox, bash, Lua, SQLite ...
	@$(QEMU) --kernel $(ELF) --initrd $(FOREIGN) --append '$(subst ','\'',$(APPEND))'

run-iso: $(ISO) ## the same from the ISO image, through GRUB
	@$(QEMU) --iso $(ISO)

run-vga: all ## boot in QEMU with screen and keyboard: a window, or curses without a display
	@$(QEMU) --vga $(BOOT_DIRECT)

debug: all ## boot in QEMU under gdb, stopped at kmain
	@$(QEMU) --gdb $(BOOT_DIRECT)

bochs: $(ISO) ## boot the ISO under Bochs' debugger; "c" continues to the shell
	@tools/bochs $(ISO)

# Tests.
PYTEST = $(PYTHON) -m pytest -n 2 $(PYTEST_ARGS) tests

$(TEST_KERNELS): $(BUILD)/tests/%.elf: $(BUILD)/obj/tests/kernel/test_%.o $(TEST_BASE_OBJS) $(BUILD)/parts boot/kernel.ld \
    tools/link-kernel tools/symbols.awk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(link_kernel)

$(BENCH_KERNEL): $(BENCH_OBJS) $(TEST_BASE_OBJS) $(BUILD)/parts boot/kernel.ld \
    tools/link-kernel tools/symbols.awk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(link_kernel)

# A host test names its other sources and flags in its first lines: "// sources: ..", "// cflags: ..".
HOST_FLAGS := -m32 -g -O1 -std=gnu17 -Wall -Wextra -fsanitize=address,undefined \
    -fno-sanitize-recover=all -DSTRATA_HOST -Itests/host/shim -I.
HOST_HEADERS := $(shell find kernel mm shell user tests/host -name '*.h')
host_header_line = $(shell sed -n '1,5s|^// $(1):||p' $(2))

define host_test_rule
$(BUILD)/host/$(1): tests/host/test_$(1).c $(call host_header_line,sources,tests/host/test_$(1).c)
endef
$(foreach test,$(HOST_TESTS),$(eval $(call host_test_rule,$(notdir $(test)))))

$(HOST_TESTS): $(HOST_HEADERS) | deps
	@mkdir -p $(@D)
	$(call say,HOST,$@)
	$(Q)gcc $(HOST_FLAGS) $(call host_header_line,cflags,tests/host/test_$(@F).c) \
	    $(filter %.c %.S,$^) -o $(new) && mv $(new) $@

# Fuzz targets: as host tests, with clang's libFuzzer.  -runs=0 and so on: see tests/test_fuzzers.py.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_FLAGS := $(subst -fsanitize=address,-fsanitize=fuzzer$(comma)address,$(HOST_FLAGS))

define fuzzer_rule
$(BUILD)/fuzz/$(1): tests/fuzz/fuzz_$(1).c $(call host_header_line,sources,tests/fuzz/fuzz_$(1).c)
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call fuzzer_rule,$(notdir $(fuzzer)))))

$(FUZZERS): $(HOST_HEADERS) tests/fuzz/fuzz.h | deps
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)clang $(FUZZ_FLAGS) $(call host_header_line,cflags,tests/fuzz/fuzz_$(@F).c) \
	    $(filter %.c,$^) -o $(new) && mv $(new) $@

fuzzers: $(FUZZERS) ## build the fuzz targets (libFuzzer)
	@:

# Proofs: the model checker, and programs that go through every sequence of choices ("// every:").
PROOFS := $(patsubst tests/cbmc/proof_%.c,$(BUILD)/proofs/%,\
    $(shell grep -l '^// every:' tests/cbmc/proof_*.c))

define proof_rule
$(BUILD)/proofs/$(1): tests/cbmc/proof_$(1).c tests/cbmc/every.c tests/cbmc/stubs.c \
    $(call host_header_line,sources,tests/cbmc/proof_$(1).c)
endef
$(foreach proof,$(PROOFS),$(eval $(call proof_rule,$(notdir $(proof)))))

$(PROOFS): $(HOST_HEADERS) tests/cbmc/proof.h $(wildcard mm/*.c) | deps
	@mkdir -p $(@D)
	$(call say,HOST,$@)
	$(Q)gcc -m32 -O2 -std=gnu17 -Wall -Wextra -DSTRATA_HOST -Itests/host/shim -I. \
	    $(call host_header_line,every,tests/cbmc/proof_$(@F).c) \
	    tests/cbmc/proof_$(@F).c tests/cbmc/every.c tests/cbmc/stubs.c \
	    $(call host_header_line,sources,tests/cbmc/proof_$(@F).c) -o $(new) && mv $(new) $@

$(BUILD)/cbmc/cbmc: tools/cbmc
	$(Q)tools/cbmc $(@D)

proofs: $(PROOFS) $(BUILD)/cbmc/cbmc ## build what the proofs need; fetches CBMC if it is not installed
	@:

# ABI tests: programs linked with Debian's static C library for i386, which run on Linux and on
# Strata.  They know nothing of the kernel's sources.  The library wants an i686 (CMOV); so may they.
ABI_FLAGS := -m32 -march=i686 -static -std=gnu17 -O1 -g0 -s -pthread -Wall -Wextra -Werror -I.
ABI_PROGRAMS := $(patsubst tests/abi/%.c,$(BUILD)/abi/%,$(sort $(wildcard tests/abi/*.c)))
ABI_INITRD := $(BUILD)/abi.cpio

$(ABI_PROGRAMS): $(BUILD)/abi/%: tests/abi/%.c tests/abi/abi.h | deps
	@mkdir -p $(@D)
	$(call say,ABI,$@)
	$(Q)gcc $(ABI_FLAGS) $< -o $(new) && mv $(new) $@ || { rm -f $(new); exit 1; }

$(ABI_INITRD): $(INITRD) $(ABI_PROGRAMS) tools/add-to-initrd
	$(call say,CPIO,$@)
	$(Q)tools/add-to-initrd $@ $(INITRD) abi $(ABI_PROGRAMS)

abi-tests: $(ABI_PROGRAMS) $(ABI_INITRD) ## build the programs that are run on Linux and on Strata
	@:

test-kernels: $(TEST_KERNELS) $(BENCH_KERNEL) ## build the test kernels
	@:

host-tests: $(HOST_TESTS) ## build the tests that run on this machine (address and UB sanitizers)
	@:

# The same test kernels with KASAN=1 and with UBSAN=1, and a kernel with both for programs; of clang's
# build the reports only.
sanitized = $(Q)$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/$(1) $(2)
sanitizers: ## build the kernels that look for their own bugs
	$(call sanitized,kasan,KASAN=1 test-kernels)
	$(call sanitized,ubsan,UBSAN=1 test-kernels)
	$(call sanitized,kasan-ubsan,KASAN=1 UBSAN=1 $(BUILD)/kasan-ubsan/strata.elf)
	$(call sanitized,ubsan-llvm,LLVM=1 UBSAN=1 $(BUILD)/ubsan-llvm/tests/ubsan.elf)

check: | deps ## install what the tests need, build everything, run every test
	$(Q)$(MAKE) --no-print-directory all iso test-kernels host-tests abi-tests foreign
	$(Q)$(MAKE) --no-print-directory -j2 fuzzers proofs
	$(Q)$(MAKE) --no-print-directory -j2 STRESS=1 BUILD=$(BUILD)/stress $(BUILD)/stress/tests/storm.elf
	$(Q)$(MAKE) --no-print-directory LLVM=1 BUILD=$(BUILD)/llvm all
	$(Q)$(MAKE) --no-print-directory sanitizers
	$(Q)$(PYTEST)

bochs-check: iso test-kernels ## the tests that run in Bochs, unattended
	$(Q)$(PYTEST) -m bochs

bench: all $(BENCH_KERNEL) ## count instructions (deterministic); table and JSON in $(BUILD)
	$(Q)$(PYTHON) tests/bench.py

bench-linux: all $(BENCH_KERNEL) $(LINUX) $(LINUX_INITRD) ## the same programs on Debian's Linux kernel, beside ours
	$(Q)$(PYTHON) tests/bench.py --linux

BENCH_MALLOC := $(BUILD)/bench-malloc
MALLOC_SRCS := $(wildcard user/lib/malloc*.c)
MALLOC_HEADERS := user/lib/malloc_heap.h user/lib/lock.h user/lib/include/malloc.h
MALLOC_FLAGS := -m32 -O2 -g -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -I.

# malloc for Linux i386 programs: link libstrata-malloc.a before libc, or LD_PRELOAD the .so.
$(BUILD)/linux/libstrata-malloc.a: $(MALLOC_SRCS) $(MALLOC_HEADERS) | deps
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)cd $(@D) && for source in $(MALLOC_SRCS); do \
	    gcc $(MALLOC_FLAGS) -I$(CURDIR) -fno-pie -c $(CURDIR)/$$source || exit 1; done && \
	    rm -f $(@F) && ar rcsD $(@F) malloc*.o

$(BUILD)/linux/libstrata-malloc.so: $(MALLOC_SRCS) $(MALLOC_HEADERS) | deps
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)gcc $(MALLOC_FLAGS) -fPIC -shared $(MALLOC_SRCS) -o $(new) && mv $(new) $@

linux-malloc: $(BUILD)/linux/libstrata-malloc.a $(BUILD)/linux/libstrata-malloc.so ## malloc as a library for Linux i386
	@:

bench-malloc: | deps ## compare malloc with the libraries that Debian has: instructions and memory
	$(Q)tools/bench-malloc/build $(BENCH_MALLOC)
	$(Q)$(PYTHON) tools/bench-malloc/measure.py $(BENCH_MALLOC) -o $(BENCH_MALLOC)/table.json

docs-system-calls: all ## rewrite the table in docs/system-calls.md from what the kernel prints
	$(Q)tools/system-calls $(ELF) $(INITRD) docs/system-calls.md

# Housekeeping.
FORMATTED = $(shell find kernel mm shell user tests tools boot -name '*.[ch]')
format: | deps ## clang-format every C file in place
	$(Q)clang-format -i $(FORMATTED)

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@echo 'make TARGET [VARIABLE=VALUE]...'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1:\2/p' Makefile | \
	    while IFS=: read -r target what; do printf '  %-18s %s\n' "$$target" "$$what"; done
	@echo 'Variables:'
	@sed -n 's/^#= //p' Makefile

#=   MEM=64M        memory of the machine: 4M ... 4G
#=   CPU=qemu32     its processor: 486, 486,-pse, pentium, max ...
#=   APPEND='...'   kernel parameters: run="meminfo; poweroff", loglevel=7, console=serial ...
#=                  (a dollar is written $$, as always in make)
#=   ICOUNT=1       deterministic time: one instruction = 1 ns
#=   STRESS=1       switch threads at every unlock (for tests)
#=   EXTRA='F...'   more files for the initrd, as bin/NAME (static ELF programs, say)
#=   LLVM=1         build with clang and lld;  CROSS=i686-elf-  with a cross compiler
#=   KASAN=1        each access to memory is checked (gcc); UBSAN=1  each operation that C leaves
#=                  undefined in some cases
#=   BUILD=build    where everything goes;  V=1  shows the commands
#=   WAIT=60        input from a pipe: seconds of silence after its end before Ctrl-C is typed
#=   PYTEST_ARGS=   options for pytest in check and bochs-check
#= In "make run" every key goes to the guest, Ctrl-C too: "poweroff" ends it.  After a panic, or if
#= nothing else helps, Ctrl-] x (two keys) ends QEMU.

-include $(shell find $(BUILD)/obj $(BUILD)/user -name '*.d' 2>/dev/null)
.PHONY: all iso foreign abi-tests run run-foreign run-iso run-vga debug bochs bochs-check bench bench-linux docs-system-calls bench-malloc linux-malloc test-kernels host-tests fuzzers proofs sanitizers check
.PHONY: format clean help FORCE
FORCE:
