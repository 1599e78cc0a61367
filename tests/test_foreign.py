"""Programs from other hands besides BusyBox: shells on four C libraries, Go, Lua, SQLite; and how
they get here (tools/foreign)."""

import os
import re
import subprocess

import pytest

from foreign import (ARCHIVE, BUSYBOX, PROGRAMS, assert_nothing_was_missed, assert_same,
                     foreign_shell, fresh_on_linux, fresh_on_strata, needed, quoted)
from machine import ROOT, run

pytestmark = pytest.mark.xdist_group("foreign")

# bash is linked with glibc, the three mksh with musl, dietlibc and klibc: four ways to start a
# process, to allocate memory and to ask for a file's state.
SHELLS = ["bash", "mksh-musl", "mksh-dietlibc", "mksh-klibc"]
IN_EACH_SHELL = r"""
echo $((6 * 7)) "a  b" ${HOME##*/}
x=$(echo inner | cat); echo $x; (exit 3); echo $?
for i in 3 1 2; do echo $i; done | sort -r | tr '\n' ' '
f() { local n=$1; [ $n -lt 2 ] && echo $n || echo $(($(f $((n - 1))) + $(f $((n - 2))))); }; f 7
cat <<<"here"; echo text >f; while read a; do echo "[$a]"; done <f
trap 'echo caught' USR1; kill -USR1 $$; echo after
trap 'echo bye' EXIT; exit 4
sleep 0.3 & p=$!; kill -0 $p; echo $?; wait $p; echo $?
(sleep 0.2; echo late) & wait; echo then
[[ abc == a*c ]] && echo match; a=(1 2 3); echo ${#a[@]} ${a[1]}
touch b.c a.c; echo *.c; mkdir d; cd d; cd ..; basename "$PWD"
i=0; while ((i < 60)); do (exit $((i % 3))); i=$((i + $? + 1)); done; echo $i
x=; for i in $(seq 300); do x=$x$x; x=${x:-ab}; x=${x:0:2000}; done; echo ${#x}
sh -c 'exit 9'; echo $?; nowhere 2>/dev/null; echo $?; >f; ./f 2>/dev/null; echo $?
umask; umask 027; >g; stat -c %a g; test -c /dev/null; echo $?
printf '%s|%d|%x\n' a 10 255; echo $'tab\there'
exec 3>f; echo through >&3; exec 3>&-; cat f; cat nothing 2>/dev/null || echo failed
"""

LUA = r"""
print(1 // 3, 7 % -3, 2^0.5, 1e15, 0x10, 10 / 4, math.maxinteger)
print(("x"):rep(3, "-"), ("hello"):gsub("l", "L"), ("%5.2f|%q"):format(math.pi, "a\nb"))
for i = 1, 1e5 do t = {i, t} end; t = nil; collectgarbage(); print(collectgarbage("count") < 999)
s = {}; for i = 1, 20000 do s[#s + 1] = tostring(i) end; print(#table.concat(s))
co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end); print(co(), co())
print(pcall(function() local x; return x.y end)); print(select(2, pcall(error, {7}))[1])
local function f() return 1 + f() end; print(pcall(f))
f = io.open("f", "w"); f:write("one\ntwo\n"); f:close(); for l in io.lines("f") do print(l) end
f = io.open("f", "w+"); f:write("one two"); f:seek("set", 4); print(f:read("a")); f:close()
print(os.rename("x", "y")); print(os.remove("x")); print(io.open("nothing"))
p = io.popen("echo from a child; exit 3"); print(p:read("l"), p:close())
print(os.execute("exit 2")); print(os.execute("kill -9 $$"))
print(os.time() > 0, os.clock() >= 0, os.getenv("HOME") ~= nil, os.date("!%F", 86400))
a = 0; for i = 1, 300000 do a = a + math.sin(i) * i end; print(("%.9f"):format(a))
print(#string.rep("0123456789", 300000)); local s = string.rep("a", 2^20); print(#(s .. s))
t = {}; for i = 1, 2000 do t[i] = (i * 7919) % 2003 end; table.sort(t); print(t[1], t[1000], t[2000])
print(string.pack("<i4", 7):byte(1, -1)); print(utf8.char(228, 8364), utf8.len("\u{e4}\u{f6}"))
error("an error ends it")
os.exit(7)
"""

SQLITE = r"""
:memory: 'select 6 * 7, 1.0 / 3, upper("a"), typeof(2.5), null, hex("ab")'
d 'create table t(a); insert into t values(1),(3); select * from t'; sqlite d 'select sum(a) from t'
d 'create table t(a unique); insert into t values(1); insert into t values(1)'; echo $?
d 'begin; create table t(a); insert into t values(1); rollback; select count(*) from sqlite_master'
d 'pragma journal_mode=wal; create table t(a); insert into t values(1); select a from t'; ls
:memory: 'with c(x) as (values(1) union all select x+1 from c where x<5000) select sum(x) from c'
d 'pragma mmap_size=1000000; create table t(a); insert into t values(zeroblob(300000))'; wc -c <d
d 'create table t(a)'; { echo 'pragma synchronous=off;'; seq 999 | sed 's/.*/insert into t values(&);/'; } | sqlite d; sqlite d 'select sum(a) from t'
d 'create table t(a); insert into t values(1); create index i on t(a); vacuum; pragma integrity_check'
nowhere/d 'select 1'; echo $?
"""

GO = r"""
printf 'if true;then echo a;fi\nfor i in 1 2;do echo $i;done\n' | shfmt
printf 'if true; then\n' | shfmt; echo $?
i=0; while [ $i -lt 400 ]; do echo "f$i(){ echo $i|cat;}"; i=$((i+1)); done | shfmt -i 4 | md5sum
echo 'echo $((1+2))' | shfmt -tojson | grep -c Type; shfmt nothing; echo $?
"""


def lines(text):
    return [line for line in text.splitlines() if line]


def quoted_for_sh(text):
    return "'" + text.replace("'", r"'\''") + "'"


COMMANDS = [f"{shell} -c {quoted_for_sh(line)}" for shell in SHELLS
            for line in lines(IN_EACH_SHELL)]
COMMANDS += [f"lua -e {quoted_for_sh(line)}" for line in lines(LUA)]
COMMANDS += [f"sqlite {line}" for line in lines(SQLITE)] + lines(GO)


@pytest.fixture(scope="module")
def shell():
    """One kernel for all of them."""
    with foreign_shell() as shell:
        yield shell


@needed
@pytest.mark.parametrize("command", COMMANDS)
def test_same_as_on_linux(shell, tmp_path, command):
    """Files, pipes, children, memory: output and status are Linux's."""
    assert len(f"run busybox sh /etc/fresh {quoted(command)}") <= 255
    assert_same(shell, fresh_on_strata(shell, command), fresh_on_linux(command, tmp_path))


@needed
def test_nothing_was_missed(shell):
    assert_nothing_was_missed(shell)
    assert "validators passed" in shell.command("check")


# --- how they get here ---------------------------------------------------------------------------


@needed
def test_they_are_static_and_for_i386():
    for program in PROGRAMS.iterdir():
        header = program.read_bytes()[:20]
        assert header[:5] == b"\x7fELF\x01" and header[16:20] == b"\x02\0\x03\0", program
        headers = run(["readelf", "-lW", str(program)]).output
        assert "INTERP" not in headers, program


@needed
def test_the_archive():
    """Our programs, theirs, a link for each applet, the files of /etc."""
    with ARCHIVE.open("rb") as archive:
        listing = subprocess.run(["cpio", "-tv", "--quiet"], stdin=archive, capture_output=True,
                                 text=True, check=True).stdout
    assert re.search(r"^-rwxr-xr-x +1 root +root +\d+ .* bin/hello$", listing, re.MULTILINE)
    for program in PROGRAMS.iterdir():
        assert re.search(rf"^-rwxr-xr-x .* bin/{program.name}$", listing, re.MULTILINE)
    applets = run([str(BUSYBOX), "--list"]).output.split()
    assert len(applets) > 200
    for applet in set(applets) - {"busybox"}:
        assert f" bin/{applet} -> busybox\n" in listing, applet
    for file in (ROOT / "tools/foreign/etc").iterdir():
        assert re.search(rf"^-rw-r--r-- .* etc/{file.name}$", listing, re.MULTILINE)


@needed
def test_a_second_fetch_needs_no_network(tmp_path):
    """With an apt-get that fails."""
    result = fetch(PROGRAMS.parent, tmp_path)
    assert (result.status, result.output) == (0, "")


def test_fetch_without_network(tmp_path):
    """One line that says what is the matter; nothing half-made is left."""
    result = fetch(tmp_path / "foreign", tmp_path)
    assert result.status == 1
    assert re.fullmatch(r"tools/foreign/fetch: cannot fetch the i386 packages bash-static "
                        r"busybox-static .* is there a network\? \(no route\)\n", result.output)
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["apt"]


def fetch(folder, tools):
    apt = tools / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: no route'\nexit 100\n")
    apt.chmod(0o755)
    return run(["tools/foreign/fetch", str(folder)],
               env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"))
