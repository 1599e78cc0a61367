# 400 objects in 20 libraries: variables, functions, pattern rules.  Nothing is made: make -n -p.
NUMBERS := $(foreach tens,0 1 2 3 4 5 6 7 8 9,$(foreach ones,0 1 2 3 4 5 6 7 8 9,$(tens)$(ones)))
LIBRARIES := $(addprefix lib,$(wordlist 1,20,$(NUMBERS)))
FLAGS = -O2 -I$(dir $<) $(if $(filter lib1%,$*),-DTEENS) -DNAME='"$(notdir $@)"'

define library
$(1)_OBJECTS := $$(patsubst %,build/$(1)/%.o,$$(wordlist 1,20,$$(NUMBERS)))
build/$(1).a: $$($(1)_OBJECTS)
	ar rcs $$@ $$^
all: build/$(1).a
endef
$(foreach name,$(LIBRARIES),$(eval $(call library,$(name))))

build/%.o:
	cc $(FLAGS) -c -o $@ $(subst build/,src/,$(@:.o=.c))
.PHONY: all
