# Builds virtlun's two Lua C modules, its command and its libraries for C into build/, and runs everything that checks
# them. `make help` lists the targets. `make` alone never installs anything; what a machine needs is known by
# spec/support/deps.sh. For another Lua: make LUA=lua5.3 LUA_PC=lua5.3 BUILD=build/lua5.3

DEPS   := sh spec/support/deps.sh
LUA    := $(or $(LUA),$(shell $(DEPS) lua))
LUA_PC := $(or $(LUA_PC),$(shell LUA="$(LUA)" $(DEPS) lua-pc))
export CC LUA LUA_PC

BUILD   ?= build
PREFIX  ?= /usr/local
LUA_V   := $(if $(LUA),$(shell $(LUA) -e 'print((_VERSION:match("%d+%.%d+")))' 2>/dev/null))
LUADIR  ?= $(PREFIX)/share/lua/$(LUA_V)
LUACDIR ?= $(PREFIX)/lib/lua/$(LUA_V)
LIBDIR  ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

CFLAGS  ?= -O2 -g
OBJCOPY ?= objcopy
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror=implicit-function-declaration
# Libraries are one object whose inner names are hidden, which objects for a later optimization are not.
C_FLAGS  = -std=c11 -D_DEFAULT_SOURCE -pthread -fPIC -fvisibility=hidden $(WARNINGS) -Icsrc $(SANITIZE) $(CFLAGS) -fno-lto

# Two modules: what speaks to libvirt, and all the rest, which a machine without libvirt can load too.  What only C
# programs use is in neither, but in the libraries.
EMBED_SRC   := $(wildcard csrc/api_*.c) csrc/lua_preload.c
LIBVIRT_SRC := $(wildcard csrc/virt_*.c csrc/lua_virt*.c)
CORE_SRC    := $(filter-out $(LIBVIRT_SRC) $(EMBED_SRC),$(wildcard csrc/*.c))
EMBED_OBJ   := $(EMBED_SRC:csrc/%.c=$(BUILD)/obj/%.o)
LIBVIRT_OBJ := $(LIBVIRT_SRC:csrc/%.c=$(BUILD)/obj/%.o)
CORE_OBJ    := $(CORE_SRC:csrc/%.c=$(BUILD)/obj/%.o)
MODULES     := $(BUILD)/lib/virtlun/core.so $(BUILD)/lib/virtlun/libvirt.so

# Silent about what is missing: the target `deps` says it better.
pkg = $(shell pkg-config $(1) 2>/dev/null)
CORE_CFLAGS    := $(call pkg,--cflags $(LUA_PC) libxml-2.0)
CORE_LIBS      := $(call pkg,--libs libxml-2.0)
LIBVIRT_CFLAGS := $(call pkg,--cflags $(LUA_PC) libvirt)
LIBVIRT_LIBS   := $(call pkg,--libs libvirt)

LUA_FILES := $(wildcard lua/virtlun/*.lua lua/virtlun/*/*.lua)
# All specs but those that boot guests.
SPECS      = $(filter-out spec/live/% spec/bench/% spec/fuzz/%,$(sort $(shell find spec -name '*_spec.lua')))

# Where any Lua finds the built tree; what the user had set comes behind it.
TREE_PATH  = $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;
TREE_CPATH = $(CURDIR)/$(BUILD)/lib/?.so;
IN_TREE    = LUA_PATH="$(TREE_PATH)$${LUA_PATH:-;}" LUA_CPATH="$(TREE_CPATH)$${LUA_CPATH:-;}" VIRTLUN_BUILD="$(BUILD)"

.PHONY: all lib deps demo demo-only check checks lint luacheck cppcheck specs asan asan-eager asan-build round live live-specs \
  failures-live matrix fuzz rounds fuzzers failures valgrind tsan embed run-states bench bench-live bench-fleet rock env man install uninstall clean help

all: $(MODULES) $(BUILD)/bin/virtlun ## build the modules and the command; installs nothing, names what is missing

deps:
	@$(DEPS) check build

# --- building ---------------------------------------------------------------------------------------------------

$(BUILD)/lib/virtlun/core.so: $(CORE_OBJ)
$(BUILD)/lib/virtlun/core.so: LIBS = $(CORE_LIBS)
$(BUILD)/lib/virtlun/libvirt.so: $(LIBVIRT_OBJ)
$(BUILD)/lib/virtlun/libvirt.so: LIBS = $(LIBVIRT_LIBS)
$(CORE_OBJ) $(EMBED_OBJ): C_FLAGS += $(CORE_CFLAGS)
$(LIBVIRT_OBJ): C_FLAGS += $(LIBVIRT_CFLAGS)

$(MODULES): | deps
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-Bsymbolic $(SANITIZE) $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(BUILD)/obj/%.o: csrc/%.c Makefile | deps
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/obj/*.d)

# --- libraries for C programs -----------------------------------------------------------------------------------

# libvirtlun is the core, for programs without Lua; libvirtlun-luaX.Y is all of virtlun, for programs that have Lua X.Y
# inside.  The latter has the core once more, out of sight: neither needs the other, nor that its version fits.
VERSION := $(shell sed -n 's/^\#define VLUN_VERSION "\(.*\)"/\1/p' csrc/virtlun.h)
SO       = so.$(firstword $(subst ., ,$(VERSION)))
LIB      = $(BUILD)/lib/libvirtlun
LUA_LIB  = $(LIB)-lua$(LUA_V)
LIBS_ALL = $(LIB).a $(LIB).so $(LUA_LIB).a $(LUA_LIB).so
HEADERS  = csrc/virtlun.h csrc/virtlun_lua.h
# The command's files need argparse and dkjson, which a program would have to bring.  What only editors read (meta)
# is left out too.
PRELOADED = $(filter-out lua/virtlun/cli/% lua/virtlun/meta.lua,$(LUA_FILES))

lib: $(LIBS_ALL) ## build libvirtlun and libvirtlun-luaX.Y, static and shared, for C programs

$(BUILD)/gen/lua_files.c: lua/tools/embed.lua $(PRELOADED) Makefile | deps
	@mkdir -p $(@D)
	$(LUA) lua/tools/embed.lua $(PRELOADED) >$@.new
	@mv $@.new $@

$(BUILD)/gen/lua_files.o: $(BUILD)/gen/lua_files.c csrc/lua_files.h
	$(CC) $(C_FLAGS) -c -o $@ $<

# One object for each library, in which only the public names are left to link with: what is hidden becomes local.  The
# names of virtlun.h are libvirtlun's alone, so that a program may have both.
$(BUILD)/gen/libvirtlun.o: $(filter-out $(BUILD)/obj/lua_%,$(CORE_OBJ) $(EMBED_OBJ))
$(BUILD)/gen/libvirtlun-lua$(LUA_V).o: $(CORE_OBJ) $(LIBVIRT_OBJ) $(BUILD)/obj/lua_preload.o $(BUILD)/gen/lua_files.o
$(BUILD)/gen/libvirtlun-lua$(LUA_V).o: LOCAL = --wildcard --localize-symbol='vlun_*'

$(BUILD)/gen/lib%.o:
	@mkdir -p $(@D)
	$(LD) -r -o $@ $^
	$(OBJCOPY) --localize-hidden $(LOCAL) $@

$(BUILD)/lib/%.a: $(BUILD)/gen/%.o
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $<

# Lua itself is the program's: a second one in the process would be another Lua.
$(LIB).so: LIBS = $(CORE_LIBS)
$(LUA_LIB).so: LIBS = $(CORE_LIBS) $(LIBVIRT_LIBS)
$(BUILD)/lib/lib%.so: $(BUILD)/gen/lib%.o
	@mkdir -p $(@D)
	$(CC) -shared $(SANITIZE) $(LDFLAGS) -pthread -Wl,-soname,$(@F:%.so=%.$(SO)) -o $@ $< $(LIBS)
	@ln -sf $(@F) $(@:%.so=%.$(SO))

# The command as it runs from the checkout: it finds its tree wherever that lies, whatever the environment says.
$(BUILD)/bin/virtlun: Makefile | deps
	@mkdir -p $(@D)
	@printf '%s\n' '#!/bin/sh' \
	  '# Written by make: runs the command virtlun from its checkout.' \
	  'build=$$(dirname "$$(dirname "$$(readlink -f "$$0")")")' \
	  'tree=$${build%/$(BUILD)}' \
	  'exec $(LUA) -e "package.path=[[$$tree/lua/?.lua;$$tree/lua/?/init.lua;]]..package.path' \
	  'package.cpath=[[$$build/lib/?.so;]]..package.cpath" "$$tree/lua/bin/virtlun" "$$@"' >$@
	@chmod +x $@

# --- the two commands of the README -----------------------------------------------------------------------------

# What was just installed is seen only by a make that starts afterwards.
RUN_MAKE := $(MAKE) --no-print-directory

demo: ## install what is missing, build, and show the main job on libvirt's own test driver
	@$(DEPS) install build
	@$(RUN_MAKE) -j2 all
	@$(RUN_MAKE) demo-only

demo-only: all
	@$(IN_TREE) $(LUA) spec/support/demo.lua

check: ## install what is missing, build, and run every test and lint
	@$(DEPS) install check
	@$(RUN_MAKE) checks

# --- checking ---------------------------------------------------------------------------------------------------

# Each check runs to its end whatever the others say; summary.sh counts, and has the last word.
SUMMARY := sh spec/support/summary.sh

checks:
	@$(SUMMARY) start
	@$(SUMMARY) run build $(RUN_MAKE) -j2 all asan-build
	@$(SUMMARY) run luacheck $(RUN_MAKE) luacheck
	@$(SUMMARY) run cppcheck $(RUN_MAKE) cppcheck
	@$(SUMMARY) run rock $(RUN_MAKE) rock
	@$(SUMMARY) run specs $(RUN_MAKE) specs
	@$(SUMMARY) run round $(RUN_MAKE) round
	@$(SUMMARY) run specs-asan $(RUN_MAKE) asan
	@$(SUMMARY) run tsan $(RUN_MAKE) tsan
	@$(SUMMARY) run specs-asan-eager $(RUN_MAKE) asan-eager
	@$(SUMMARY) end

lint: luacheck cppcheck ## look at the Lua and C sources with luacheck and cppcheck

luacheck:
	luacheck --quiet --no-color lua lua/bin/virtlun spec rockspec/*.rockspec

cppcheck:
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr \
	  --suppressions-list=.cppcheck --error-exitcode=1 -D_DEFAULT_SOURCE -Icsrc csrc

specs: all embed ## run the specs on the plain build
	@$(IN_SPEC) $(UNDER) $(LUA) spec/support/busted.lua --ignore-lua $(BUSTED_FLAGS) $(SPECS)

# What random recipes, faults and moments find, far beyond the few hundred rounds of `make specs`.  A failure names its
# seed: make rounds VIRTLUN_SEED=seed VIRTLUN_ROUNDS=1 tries that one alone.
rounds: ## try ten thousand random domains, recipes and faults on a host in memory
	@VIRTLUN_ROUNDS="$${VIRTLUN_ROUNDS:-10000}" VIRTLUN_SEED="$${VIRTLUN_SEED:-$$(date +%s)0000}" \
	  $(RUN_MAKE) specs SPECS=spec/apply_properties_spec.lua

# Any bytes as documents, changes, recipes and images (spec/fuzz), and the rounds. What a fuzzer finds is kept below
# build/fuzz/found, and build/fuzz/bin/TARGET FILE tries it again.
FUZZ_SECONDS ?= 30
FUZZERS      ?= read patch recipe iso
FUZZ_VARS = BUILD=build/fuzz CC=clang CFLAGS="-O1 -g -DINSTRUCTIONS=1000000" \
  SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

fuzz: all ## fuzz each target for FUZZ_SECONDS, then try ten thousand random rounds
	@failed=; if $(DEPS) check fuzz; then \
	  $(RUN_MAKE) $(FUZZ_VARS) fuzzers && $(IN_FUZZ) sh spec/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS) || failed=1; \
	else echo "skipped: the fuzzers, for what is missing above"; fi; \
	$(RUN_MAKE) rounds && [ -z "$$failed" ]

IN_FUZZ = VIRTLUN_FUZZ_PATH="$(TREE_PATH)"

fuzzers: $(FUZZERS:%=$(BUILD)/bin/%)
	@LUA_PATH="$(CURDIR)/spec/?.lua;$(TREE_PATH)" LUA_CPATH="$(CURDIR)/build/lib/?.so" \
	  $(LUA) spec/fuzz/corpus.lua $(BUILD)/corpus

$(BUILD)/bin/%: spec/fuzz/%.c spec/fuzz/fuzz.h $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CORE_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(CORE_OBJ) $(CORE_LIBS) \
	  $(call pkg,--libs $(LUA_PC))

round: ## boot one guest per architecture, and look at what virtlun describes from inside
	@$(RUN_MAKE) specs SPECS=spec/live/round_spec.lua

live: ## install what is missing, and run all specs that boot guests
	@$(DEPS) install live
	@$(RUN_MAKE) live-specs

live-specs:
	@$(RUN_MAKE) specs SPECS="$(sort $(wildcard spec/live/*_spec.lua))"

failures-live: ## have each libvirt call fail while guests are changed, or the daemon die in it; takes half an hour
	@$(DEPS) install live
	@VIRTLUN_CALLS=all $(RUN_MAKE) specs SPECS=spec/live/calls_spec.lua

# Variants that matrix.sh knows. One that cannot be made, or fails, does not keep the others from it.
MATRIX ?= lua5.3 lua5.5 libxml2-2.15 trixie sid

matrix: all ## run specs with other Luas, libxml2s, libvirts and QEMUs, of other Debian releases, which takes root
	@$(DEPS) install live
	@export MAKE="$(MAKE)" SUMMARY_DIR=build/matrix/results; $(SUMMARY) start; \
	  for variant in $(MATRIX); do $(SUMMARY) run $$variant sh spec/support/matrix.sh $$variant; done; $(SUMMARY) end

# A sanitized module needs the sanitizer's runtime in the interpreter from the start, hence LD_PRELOAD; and it must
# stay mapped when Lua closes it (nodelete), or the leak report at the end could not name its functions.
ASAN_VARS = BUILD=build/asan MODULE_LDFLAGS=-Wl,-z,nodelete \
  SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
# The leak detector itself crashes over the thread-local data of threads that modules start, which it finds by
# intercepting __tls_get_addr.
# Where memory was taken is found by frame pointers, which Lua and libxml2 lack: that is twice as fast, and finds as much.
# For the whole way to a leak: make asan SPECS=... ASAN_MORE=:fast_unwind_on_malloc=0:malloc_context_size=16
# libasan intercepts libtirpc's functions, and finds the real ones only if libtirpc is there from the start.
ASAN_UNDER = LD_PRELOAD="$(shell $(CC) -print-file-name=libasan.so) $(wildcard /usr/lib/*/libtirpc.so.3 /usr/lib64/libtirpc.so.3)" \
  ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0$(ASAN_MORE) UBSAN_OPTIONS=print_stacktrace=1

asan-build:
	@$(RUN_MAKE) $(ASAN_VARS) all

asan: ## run the specs on a build with address, leak and undefined behaviour sanitizers
	@$(RUN_MAKE) $(ASAN_VARS) UNDER='$(ASAN_UNDER)' specs

# What these look at happens in other processes, where no collector is eager.
PROCESS_SPECS := $(addprefix spec/cli_,spec.lua completion_spec.lua drives_spec.lua saved_spec.lua terminal_spec.lua) \
  spec/man_spec.lua spec/embed_spec.lua spec/failure_spec.lua

# Each file has a process of its own: a collector that never rests walks over all that others have left.
asan-eager: ## the same with a garbage collector that never rests
	@echo "skipped: $(PROCESS_SPECS): they look at other processes, where no collector is eager"
	@failed=; for file in $(filter-out $(PROCESS_SPECS),$(SPECS)); do \
	  VIRTLUN_EAGER_GC=1 $(RUN_MAKE) asan SPECS=$$file || failed=1; done; [ -z "$$failed" ]

# What threads that still run have is "possibly lost" to memcheck. A recipe is so slow here that its limit of time
# comes before that of instructions, so that one problem is left out.
valgrind: ## run the specs under Valgrind's memcheck
	@$(DEPS) install valgrind
	@$(RUN_MAKE) UNDER='valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --keep-debuginfo=yes --error-exitcode=99' \
	  BUSTED_FLAGS=--filter-out=too_long specs

# C programs that have virtlun inside, and what specs need beside the tree.
EMBED = $(addprefix $(BUILD)/embed/,states preloaded poll.so calls.so api swap failing host)
IN_SPEC = LUA_CPATH="$(CURDIR)/$(BUILD)/embed/?.so;$${LUA_CPATH:-;}" && export LUA_CPATH && $(IN_TREE)
IN_LIB  = -L$(BUILD)/lib -Wl,-rpath,$(CURDIR)/$(BUILD)/lib

# A C host with many Lua states on several threads, that finds virtlun's files, and one that has them compiled in.
$(BUILD)/embed/states: LIBS = -Wl,-E
$(BUILD)/embed/preloaded: LIBS = spec/embed/poll.c -Wl,-E $(LUA_LIB).a $(CORE_LIBS) $(LIBVIRT_LIBS)
$(BUILD)/embed/preloaded: spec/embed/states.c spec/embed/poll.c $(LUA_LIB).a
$(BUILD)/embed/host: LIBS = $(IN_LIB) -lvirtlun-lua$(LUA_V)
$(BUILD)/embed/host: $(LUA_LIB).so
$(BUILD)/embed/api $(BUILD)/embed/swap: LIBS = $(IN_LIB) -lvirtlun
$(BUILD)/embed/api $(BUILD)/embed/swap: $(LIB).so
$(BUILD)/embed/failing: LIBS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free $(LIB).a $(CORE_LIBS)
$(BUILD)/embed/failing: $(LIB).a
$(addprefix $(BUILD)/embed/,states preloaded host): LIBS += $(call pkg,--libs $(LUA_PC))

$(BUILD)/embed/%: spec/embed/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CORE_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS)

$(BUILD)/embed/poll.so: spec/embed/poll.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CORE_CFLAGS) -shared $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/embed/calls.so: spec/embed/calls.c Makefile
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(LIBVIRT_CFLAGS) -shared $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $< -ldl

# The sanitizer wants addresses where the kernel may have put something else, and then ends before it has looked at
# anything; only that is tried again.
tsan: ## run many Lua states on several threads under the thread sanitizer
	@$(RUN_MAKE) BUILD=build/tsan SANITIZE=-fsanitize=thread all embed
	@export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66"; \
	for attempt in 1 2 3 4 5; do \
	  $(RUN_MAKE) BUILD=build/tsan run-states >build/tsan/log 2>&1; status=$$?; \
	  grep -qE 'ThreadSanitizer failed to allocate|unexpected memory mapping' build/tsan/log || break; \
	done; cat build/tsan/log; exit $$status

# A host whose memory ends.  All must see its malloc, and that asks the sanitizer's, so it is built without.
$(BUILD)/failure/failures: spec/failure/failures.c Makefile
	@mkdir -p $(@D)
	$(CC) $(filter-out $(SANITIZE) -fvisibility=hidden,$(C_FLAGS)) $(CORE_CFLAGS) $(LDFLAGS) -Wl,-E -o $@ $< $(call pkg,--libs $(LUA_PC)) -ldl

# make failures ONLY=core.diff plays those scenarios alone whose names have that.
failures: all $(BUILD)/failure/failures ## let memory end at each allocation, and print how many that were
	@LUA_PATH="$(CURDIR)/spec/?.lua;$${LUA_PATH:-;}" && export LUA_PATH && \
	  $(IN_SPEC) $(UNDER) $(BUILD)/failure/failures spec/failure/run.lua failure.scenarios 0 "$(ONLY)"

embed: $(EMBED) $(BUILD)/failure/failures

run-states: embed
	@$(IN_SPEC) $(UNDER) $(BUILD)/embed/states spec/embed/states.lua 4 12
	@LUA_PATH= LUA_CPATH= $(UNDER) $(BUILD)/embed/preloaded spec/embed/states.lua 4 12

BENCH_PATH = LUA_PATH="$(CURDIR)/spec/?.lua;$${LUA_PATH:-;}" LUA_CPATH="$(CURDIR)/$(BUILD)/bench/?.so;$${LUA_CPATH:-;}"

bench: all bench-live bench-fleet ## measure against the floors, and print the ratios
	@export $(BENCH_PATH) && $(IN_TREE) $(LUA) spec/bench/run.lua

bench-live: all $(BUILD)/bench/floor.so $(BUILD)/bench/client.so
	@export $(BENCH_PATH) && $(IN_TREE) $(LUA) spec/bench/live.lua

bench-fleet: all $(BUILD)/bench/client.so $(BUILD)/bench/relay.so ## measure many domains on many hosts against a bare client of libvirt
	@export $(BENCH_PATH) && $(IN_TREE) $(LUA) spec/bench/fleet.lua

$(BUILD)/bench/%.so: spec/bench/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_DEFAULT_SOURCE -pthread -fPIC $(WARNINGS) $(CFLAGS) $(CORE_CFLAGS) -shared $(LDFLAGS) -o $@ $< \
	  $(CORE_LIBS) $(LIBVIRT_LIBS)

# --- using and installing ---------------------------------------------------------------------------------------

env: ## print the exports with which that Lua finds the built tree: eval "$(make env)"
	@echo 'export LUA_PATH="$(TREE_PATH)$${LUA_PATH:-;}"'
	@echo 'export LUA_CPATH="$(TREE_CPATH)$${LUA_CPATH:-;}"'

rock: ## install into build/rock with LuaRocks, without network, and run the installed command once
	@rm -rf $(BUILD)/rock
	$(shell $(DEPS) luarocks) --lua-version=$(LUA_V) make --deps-mode=none \
	  --tree "$(CURDIR)/$(BUILD)/rock" rockspec/virtlun-scm-1.rockspec
	@rm -rf csrc/*.o virtlun
	$(BUILD)/rock/bin/virtlun lun 256

MAN := $(BUILD)/share/man/man1/virtlun.1

man: $(MAN) ## write the manual page of the command

$(MAN): lua/tools/man.lua $(wildcard lua/virtlun/cli/*.lua lua/virtlun/help/*.lua) | all
	@mkdir -p $(@D)
	$(IN_TREE) $(LUA) lua/tools/man.lua >$@.new
	@mv $@.new $@

# What goes along with the sources although it is derived: by file the tool that prints it.
DOCS = lua/virtlun/help/pages.lua:pages lua/virtlun/meta.lua:meta

.PHONY: docs
docs: all ## write what is derived from the README and the schema: the pages of help, and what editors are told
	@for pair in $(DOCS); do file=$${pair%%:*}; \
	  $(IN_TREE) $(LUA) lua/tools/$${pair#*:}.lua >$$file.new && mv $$file.new $$file || exit; done

# Where each shell looks for the completion of a command.
COMPLETIONS = bash:bash-completion/completions/virtlun zsh:zsh/site-functions/_virtlun \
  fish:fish/vendor_completions.d/virtlun.fish

# $(call pc,name,what it is,what programs need too,what static programs need too,libraries of those)
define pc
prefix=$(PREFIX)
libdir=$(LIBDIR:$(PREFIX)/%=$${prefix}/%)
includedir=$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)

Name: $(1)
Description: $(2)
Version: $(VERSION)
Requires: $(3)
Requires.private: $(4)
Libs: -L$${libdir} -l$(1)
Libs.private: -pthread
Cflags: -I$${includedir}
endef
export PC_CORE = $(call pc,virtlun,virtual SCSI HBAs and drives of libvirt domains: the core without Lua,,libxml-2.0)
export PC_LUA = $(call pc,virtlun-lua$(LUA_V),virtual SCSI HBAs and drives of libvirt domains for programs with \
  Lua $(LUA_V),$(LUA_PC),libxml-2.0 libvirt)

install: all lib man ## install below PREFIX (and DESTDIR)
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(LUACDIR)/virtlun"
	install -m 755 $(MODULES) "$(DESTDIR)$(LUACDIR)/virtlun"
	for file in $(LUA_FILES:lua/%=%); do install -D -m 644 "lua/$$file" "$(DESTDIR)$(LUADIR)/$$file" || exit; done
	sed '1s|.*|#!/usr/bin/env $(LUA)|' lua/bin/virtlun >"$(DESTDIR)$(PREFIX)/bin/virtlun"
	chmod 755 "$(DESTDIR)$(PREFIX)/bin/virtlun"
	install -D -m 644 $(MAN) "$(DESTDIR)$(PREFIX)/share/man/man1/virtlun.1"
	install -d "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(INCLUDEDIR)"
	install -m 644 $(HEADERS) "$(DESTDIR)$(INCLUDEDIR)"
	for lib in $(LIB) $(LUA_LIB); do name=$${lib##*/}; to="$(DESTDIR)$(LIBDIR)/$$name"; \
	  install -m 644 $$lib.a "$$to.a" && install -m 755 $$lib.so "$$to.so.$(VERSION)" && \
	  ln -sf $$name.so.$(VERSION) "$$to.$(SO)" && ln -sf $$name.$(SO) "$$to.so" || exit; done
	printf '%s\n' "$$PC_CORE" >"$(DESTDIR)$(LIBDIR)/pkgconfig/virtlun.pc"
	printf '%s\n' "$$PC_LUA" >"$(DESTDIR)$(LIBDIR)/pkgconfig/virtlun-lua$(LUA_V).pc"
	for pair in $(COMPLETIONS); do file="$(DESTDIR)$(PREFIX)/share/$${pair#*:}"; \
	  mkdir -p "$${file%/*}" && $(BUILD)/bin/virtlun completion "$${pair%%:*}" >"$$file" || exit; done

# By name, so that nothing else in those folders goes.
uninstall: ## remove what install has put below PREFIX (and DESTDIR)
	rm -rf "$(DESTDIR)$(LUACDIR)/virtlun" "$(DESTDIR)$(LUADIR)/virtlun"
	rm -f "$(DESTDIR)$(PREFIX)/bin/virtlun" "$(DESTDIR)$(PREFIX)/share/man/man1/virtlun.1" \
	  $(foreach lib,$(notdir $(LIB) $(LUA_LIB)),"$(DESTDIR)$(LIBDIR)/$(lib)".a "$(DESTDIR)$(LIBDIR)/$(lib)".so*) \
	  $(foreach header,$(notdir $(HEADERS)),"$(DESTDIR)$(INCLUDEDIR)/$(header)") \
	  "$(DESTDIR)$(LIBDIR)/pkgconfig/virtlun.pc" "$(DESTDIR)$(LIBDIR)/pkgconfig/virtlun-lua$(LUA_V).pc" \
	  $(foreach pair,$(COMPLETIONS),"$(DESTDIR)$(PREFIX)/share/$(lastword $(subst :, ,$(pair)))")

clean: ## remove everything that was built, also what LuaRocks leaves in the tree
	rm -rf build virtlun csrc/*.o

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12
