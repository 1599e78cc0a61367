"""What BusyBox is asked to do on Linux and on Strata, as data.

A row is (command, check).  SAME: the answer does not depend on the machine, so output and status
are Linux's, byte for byte.  Anything else is a function that reads what Strata prints and finds it
plausible or raises; the command's status must be 0.
"""

import re
import time

SAME = "same"


def matches(pattern):
    """The whole output is described by `pattern`."""
    def check(output):
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), output
    return check


def has(*patterns):
    """Some line is described by each of `patterns`."""
    def check(output):
        for pattern in patterns:
            assert re.search(rf"^{pattern}$", output, re.MULTILINE), f"{pattern}:\n{output}"
    return check


def number(smallest, largest):
    def check(output):
        assert smallest <= int(output) <= largest, output
    return check


def this_year(output):
    assert abs(int(output) - time.gmtime().tm_year) <= 1, output


def free_adds_up(output):
    """total = used + free + buff/cache, in kB."""
    row = re.search(r"^Mem: +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", output, re.MULTILINE)
    assert row, output
    total, used, free, _, cache, available = map(int, row.groups())
    assert total > 1000 and used + free + cache == total and available <= total


def ps_lists_itself(output):
    assert re.match(r"PID +USER +COMMAND\n", output), output
    assert re.search(r"^ *\d+ root +.*\bps$", output, re.MULTILINE), output


def top_has_both_tables(output):
    assert re.search(r"^Mem: \d+K used, \d+K free, \d+K shrd, \d+K buff, \d+K cached",
                     output, re.MULTILINE), output
    assert re.search(r"^CPU: +[\d.]+% usr +[\d.]+% sys ", output, re.MULTILINE), output
    assert re.search(r"^Load average: [\d.]+ [\d.]+ [\d.]+ \d+/\d+ \d+",
                     output, re.MULTILINE), output
    assert re.search(r"^ *PID +PPID +USER +STAT +VSZ +%VSZ +%CPU COMMAND",
                     output, re.MULTILINE), output
    assert re.search(r"^ *\d+ +\d+ root .*\btop -b -n1", output, re.MULTILINE), output


def meminfo_adds_up(output):
    fields = {name: int(n) for name, n in re.findall(r"^(\w+): +(\d+) kB$", output, re.MULTILINE)}
    assert {"MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "AnonPages", "Slab",
            "SReclaimable", "Shmem"} <= set(fields), output
    assert fields["MemFree"] + fields["Cached"] + fields["AnonPages"] < fields["MemTotal"]


def maps_are_sorted(output):
    rows = re.findall(r"^(\w{8})-(\w{8}) [r-][w-][x-][ps] \w{8} \w+:\w+ \d+ *(\S*)$", output,
                      re.MULTILINE)
    assert len(rows) == len(output.split("\n")) and len(rows) > 3, output
    assert all(int(a[1], 16) <= int(b[0], 16) for a, b in zip(rows, rows[1:])), output
    assert any(row[2].endswith("busybox") for row in rows) and any(r[2] == "[stack]" for r in rows)


# Typed at Strata's prompt as they are: "run busybox COMMAND", output straight to the console.
DIRECT = [
    ("free", free_adds_up),
    ("ps", ps_lists_itself),
    ("top -b -n1", top_has_both_tables),
    ("cat /proc/meminfo", meminfo_adds_up),
    ("sh -c 'for i in 1 2 3; do echo $i; done | sort -r | head -n 2'", SAME),
    ("find /proc/self", SAME),
    ("find /proc/self/ -maxdepth 1",
     has("/proc/self/maps", "/proc/self/smaps", "/proc/self/status", "/proc/self/stat",
         "/proc/self/statm", "/proc/self/cmdline")),
    ("dd if=/dev/zero of=/tmp/x bs=64k count=100", SAME),
    ("md5sum /tmp/x", SAME),
    ("rm /tmp/x", SAME),
    ("md5sum /dev/null /etc/nowhere", SAME),
    ("awk 'BEGIN { for (i = 1; i < 6; i++) s += i * i; printf \"%d %.3f\\n\", s, s / 7 }'", SAME),
    ("cat /proc/self/maps", maps_are_sorted),
    ("uname -s", SAME),
    ("uname -m", matches(r"i[3-6]86")),
    ("expr 6 '*' 7", SAME),
    ("false", SAME),
    ("no-such-applet", SAME),
    ("sh -c 'exit 7'", SAME),
    ("sh -c 'kill -SEGV $$'", SAME),
    ("uptime", matches(r"\d\d:\d\d:\d\d up .*,  load average: [\d.]+, [\d.]+, [\d.]+")),
    ("tty", matches(r"/dev/(console|tty\w*)")),
    ("stty size", matches(r"2[45] 80")),
    ("test -t 0", matches("")),
]

# Run by BusyBox's sh in a new directory (see tools/foreign/etc/fresh), one command a line; a line
# that starts with "# " is a heading.
COMMANDS = r"""
# The shell itself.
echo one two; echo three >&2
echo $((6 * 7)) $((1 << 20)) $((0x10 + 010)) $((7 / 2)) $((-7 % 3))
f() { [ $1 -lt 2 ] && echo $1 || echo $(($(f $(($1 - 1))) + $(f $(($1 - 2))))); }; f 9
for i in a b c; do for j in 1 2; do echo $i$j; done; done
i=0; while [ $i -lt 200 ]; do (exit $((i % 3))); i=$((i + $? + 1)); done; echo $i
case hello in h*o) echo yes;; *) echo no;; esac
printf 'cat <<E\na $((1 + 1))\n\tb\nE\ncat <<\E\n$((1 + 1))\nE\n' >s; cat s; sh s
printf 'a b\nc d\n' | while read x y; do echo $y-$x; done
x=abcdef; echo ${#x} ${x#ab} ${x%ef} ${x:2:3} ${y:-none} ${x/cd/__}
set -- one 'two words' three; echo $# "$2"; shift; echo $1 $*
echo a >f; echo b >>f; exec 3<f; read x <&3; read y <&3; exec 3<&-; echo $y$x
touch a.c b.c c.h; echo *.c [ab].* ?.h *.none
(cd /; pwd); cd /tmp && cd - >/dev/null && basename "$(pwd)"
trap 'echo bye' EXIT; echo hi; exit 3
trap 'echo caught' USR1; kill -USR1 $$; echo after
trap '' TERM; kill $$; echo alive; trap - TERM; kill $$; echo dead
# (Without 2>: "Killed" is only printed if the job has not ended before the wait.)
sleep 100 & kill $!; wait $! 2>/dev/null; echo $?
sleep 100 & kill -9 $!; wait $! 2>/dev/null; echo $?
(sleep 1; echo late) & wait; echo then
(exit 3) & a=$!; (exit 4) & wait $!; echo $?; wait $a; echo $?
sh -c 'kill -9 $$'; echo $?; sh -c 'kill -INT $$'; echo $?
false | true; echo $?; set -o pipefail; false | true; echo $?; ! true; echo $?
nowhere; echo $?; echo text >f; ./f; echo $?; chmod +x f; ./f; echo $?; ./; echo $?
set -e; true; false; echo never
while getopts ab:c o; do echo $o $OPTARG; done
echo 'echo from a script $1; exit 5' >s; sh s there; echo $?; . ./s here
printf '#!/bin/sh\necho script $# $1\n' >s; chmod +x s; ./s 'a b' c
type cd; command -v cd; alias l=ls; alias
umask; umask 077; : >f; mkdir d; stat -c '%a %n' f d
yes | head -n 1000 | wc -l; yes 2>&1 | true; echo $?
exec sh -c 'echo replaced $0'
x=$(seq 3000); echo ${#x}
kill -0 $$; echo $?; kill -0 4194305; echo $?; kill -l 9; kill -l TERM
# Files and directories.
mkdir -p a/b/c; touch a/f a/b/g; find a | sort
mkdir a; mkdir a; echo $?; rmdir a; rmdir a; echo $?
mkdir d; >d/f; rmdir d; echo $?; rm d; echo $?; rm -r d; ls
mkdir -p a/b; echo x >a/b/f; cp -r a c; rm -r a; cat c/b/f; find . | sort
echo x >a; ln -s a l; cp -a l m; readlink l; readlink m; cat m; rm a; cat l; echo $?
echo x >a; ln a b; stat -c '%h %F' a; rm a; cat b; stat -c %h b
ln -s a b; ln -s b a; cat a; echo $?
ln -s . d; cd d/d/d; pwd -P | sed 's,.*/,,'; basename $(readlink -f d)
echo 1 >a; echo 2 >b; mv a b; cat b; mkdir d; mv b d; ls d; mv d e; ls
echo 1 >a; mkdir d; mv d a; echo $?; mv a d/; find . | sort
touch -d '2001-02-03 04:05:06' f; stat -c '%y %s %a %F' f; date -r f +%s
touch a; touch -d @1000 b; [ a -nt b ]; echo $?; ls -t
>f; chmod 640 f; stat -c '%a %A' f; chmod u+x,o+r f; stat -c %A f
mkdir d; chmod 1777 d; stat -c '%a %F' d; ls -ld d | cut -c1-10
mkdir d; touch d/b d/a d/.c; ls d; ls -a d; ls -A d; ls -1 d; ls -F
ls nothing; echo $?; cat nothing; echo $?; cat .; echo $?; cat /etc/passwd/x; echo $?
x=$(printf '%0300d' 1); touch $x; echo $?
cd nothing; echo $?; >f; cd f; echo $?
echo a >f; truncate -s 10000 f; wc -c f; truncate -s 1 f; cat f; stat -c %s f
dd if=/dev/zero of=f bs=1 seek=99999 count=1 2>/dev/null; wc -c <f; cmp -n 99 f /dev/zero
seq 9 >f; dd if=f bs=2 skip=2 count=3 2>/dev/null; dd if=f of=g bs=5 conv=notrunc; cat g
mkfifo p; echo through >p & cat p; stat -c %F p
f=$(mktemp); [ -f $f ] && stat -c '%s %a' $f; rm $f; d=$(mktemp -d); rmdir $d; echo $?
touch f; unlink f; ls; shred -u f 2>/dev/null; echo $?
[ -c /dev/null ] && [ -d / ] && [ ! -e x ] && [ -r /dev/zero ] && [ -w /dev/null ]; echo $?
mkdir x; realpath x/../x/. | sed 's,.*/,,'; basename /a/b.c .c; dirname /a/b.c
mkdir b; printf 'echo part %s\n' 1 >b/one; chmod +x b/one; run-parts --test b
sync; echo $?; fallocate -l 5000 f; echo $?; wc -c <f
# Text.
seq 5 | sed -n '2,4p;$s/5/five/p'; echo abc | sed 's/\(a\)\(b\)/\2\1/;y/c/C/'
printf 'x 1\ny 2\n' >f; sed -i 's/x/z/' f; cat f
seq 30 | grep 2; seq 30 | grep -c 1; seq 9 | grep -v '[1-7]'; echo aB | grep -io ab
mkdir d; echo needle >d/f; echo hay >d/g; grep -rl needle d; grep -q x d/f; echo $?
seq 20 | egrep '^(1|2)?5$'; echo 'a.b' | fgrep .
echo Hello | tr a-z A-Z; echo aabbcc | tr -s a-c; echo a1b2 | tr -d 0-9
seq 100 >f; wc f; wc -l <f; echo 'a b  c' | wc -w; echo abc | wc -c
printf 'a:b:c\nd:e:f\n' | cut -d: -f2,3; echo abcdef | cut -c2-4
printf 'a\na\nb\na\n' | uniq -c; printf 'a\na\nb\n' | uniq -d
printf '10\n9\n2\n' | sort; printf '10\n9\n2\n' | sort -rn; printf 'b 1\na 2\n' | sort -k2
seq 20000 | sort | md5sum; seq 20000 | sort -rn | head -n 3
seq 100 | head -n 3; seq 100 | tail -n 3; seq 100 | head -c 5; seq 100 | tail -c 4
seq 10 | tail -n +8; seq 5 | tac; echo abc | rev; seq 3 | paste -s -d,
seq 6 | paste - - -; printf 'a\tb\n' | expand -t4; printf '        x\n' | unexpand
seq 12 | fold -w 4; seq 3 | nl; echo a b c d | fold -s -w 4
seq 3 | tee f | wc -l; cat f; seq 4 6 | tee -a f >/dev/null; cat f
seq 6 | xargs -n 2 echo; seq 3 | xargs -I% echo [%]; echo a | xargs false; echo $?
touch a.c b.c d.h; find . -name '*.c' -exec basename {} \; | sort; find . -type f | wc -l
seq 3000 >f; find . -size +1k -name f; find . -newer f; find . -perm 644 -type f
seq 5 >a; seq 2 6 >b; diff a b; echo $?; diff a a; echo $?; cmp a b; cmp a a; echo $?
seq 5 >a; seq 6 | sed 's/3/three/' >b; diff -u a b | sed 1,2d; diff a b >p; echo $?
seq 5 >a; seq 6 | sed 's/3/x/' >b; diff -u a b >p; patch a p; cmp a b; echo $?
printf 'a\n1i\nzero\n.\n1,$p\nw f\nq\n' >s; echo x >f; ed f <s; cat f
printf 'a,b\n1,2\n3,4\n' | awk -F, 'NR > 1 { s += $2 } END { print s, NR }'
awk 'BEGIN { for (i = 0; i < 20000; i++) a[i % 997] += i; for (k in a) s += a[k]; print s }'
seq 10 | awk '{ print > ("f" $1 % 2) } END { close("f0"); while ((getline x < "f0") > 0) print x }'
awk 'BEGIN { "echo cmd" | getline x; print x; system("exit 3"); print substr(x, 2), toupper(x) }'
awk 'BEGIN { print length("abc"), index("abc", "c"), 7 % 3, int(-3.7), 1e3 / 7 }'
printf '%5.2f|%-5s|%05d|%x|%c\n' 3.14159 ab 42 255 A; printf '%s\n' a b
seq 3; seq 2 2 6; seq -w 8 10; seq -s, 3; seq 3 -1 1; seq 0 0.5 1
expr 3 + 4; expr length abc; expr abc : 'a\(.\)'; expr 1 = 2; echo $?; test 1 -lt 2
printf 'a\0b\377' | hexdump -C; seq 3 | hexdump; echo hi | xxd; echo 6869 | xxd -r -p
printf 'ab\0cdefg\1hij\n' | strings; ascii | head -n 3; printf 'a\r\n' | dos2unix | wc -c
seq 5 | shuf | sort; shuf -i 1-100 -n 3 | wc -l
getopt -o ab: -- -a -b x y; echo $?; env -i A=1 env; env -i sh -c 'echo $A.'
cal 2 2024; factor 1234567 97 1000000007; seq 5 | more
echo 'scale=20; 2/3; 2^100' | bc; echo '4*a(1)' | bc -l; echo '2 3 ^ 5 * p' | dc
for i in 1 2 3; do echo $i; usleep 1000; done | cat -n; cat -A /etc/nothing; echo $?
# Sums, archives, compression.
seq 1000 >f; md5sum f; sha1sum f; sha256sum f; sha512sum f; sha3sum f; crc32 f
seq 10 >f; md5sum f >s; md5sum -c s; echo x >f; md5sum -c s; echo $?
seq 100 | base64 | md5sum; echo hello | base64; echo aGVsbG8K | base64 -d
seq 9 | uuencode name; seq 9 | uuencode f | uudecode -o -
mkdir d; seq 9 >d/a; seq 5 >d/b; tar c d/a d/b | tar t; tar cf t d/a d/b; tar tf t
mkdir d; seq 99 >d/a; ln -s a d/l; tar czf t.gz d; rm -r d; tar xzf t.gz; md5sum d/a; readlink d/l
mkdir d; seq 99 >d/a; tar c d | (mkdir e; cd e; tar x); cmp d/a e/d/a; echo $?
seq 5000 | gzip | gunzip | md5sum; seq 5000 >f; gzip f; ls; zcat f.gz | tail -n 1; gunzip f.gz; ls
seq 5000 | gzip -9n | wc -c; seq 3000 | bzip2 | bunzip2 | md5sum; seq 9 >f; bzip2 f; bzcat f.bz2
echo bad | gunzip; echo $?; seq 3000 | lzop | lzop -d | md5sum
seq 9 >a; seq 5 >b; ls a b | cpio -o -H newc 2>/dev/null >c; cpio -t <c; mkdir d; cd d; cpio -i <../c; cat b
dd if=/dev/zero bs=64k count=64 2>/dev/null | md5sum; head -c 3000000 /dev/zero | sha1sum
seq 100000 | md5sum; seq 200000 | tail -n 1; seq 30000 >f; cat f f f | wc
mkpasswd -m md5 -S abcdefgh secret; mkpasswd -m sha256 -S abcdefgh secret
# Devices.
echo x >/dev/null; cat /dev/null; echo x >/dev/full; echo $?
head -c 100 /dev/urandom | wc -c; head -c 8 /dev/zero | hexdump; head -c 5 /dev/random | wc -c
dd if=/dev/zero of=/dev/null bs=1M count=20 2>&1 | head -n 2
stat -c '%F %t,%T' /dev/null /dev/zero /dev/full
# Processes and the machine.
sleep 1; echo slept; timeout 1 sleep 9; echo $?; timeout 9 true; echo $?
sleep 0.2; usleep 100; sleep x; echo $?
setsid sh -c 'echo own session'; nologin >/dev/null; echo $?
date -u -d @86399 '+%F %T %j %a'; date -u -d '2024-02-29 12:00' +%s; date -d nonsense; echo $?
tr '\0' ' ' </proc/self/cmdline; cat /proc/self/comm
sleep 9 & sleep 0.5; ps -o pid,comm | grep -c "^ *$! sleep"; kill $!
"""

# The same, for answers that depend on the machine.
PLAUSIBLE = [
    ("printf '#!/bin/awk -f\\nBEGIN { print 6 * 7 }\\n' >s; chmod 755 s; ./s; echo $?",
     matches("42\n0")),
    ("ulimit -n; ulimit -c 0; ulimit -c", has("0")),
    ("echo $PPID $$", matches(r"\d+ \d+")),
    ("time -p true", has(r"real \d+\.\d\d", r"user \d+\.\d\d", r"sys \d+\.\d\d")),
    ("times", has(r"\d+m[\d.]+s \d+m[\d.]+s")),
    ("echo text >f; ls -l f", matches(r"-rw-r--r-- +1 \w+ +\w+ +5 \w{3} +\d+ \d\d:\d\d f")),
    ("seq 500 >f; du -k f", matches(r"\d+\tf")),
    ("df", has(r"Filesystem +1K-blocks +Used +Available +Use% +Mounted on")),
    ("mount", has(r"\S+ on / type \S+ \(.*\)", r"\S+ on /proc type proc \(.*\)")),
    ("id -u; id -g; whoami", matches(r"0\n0\nroot")),
    ("id", matches(r"uid=0\(root\) gid=0\(root\).*")),
    ("groups root", matches(r"root.*")),
    ("date +%Y", this_year),
    ("uname -a", matches(r"\w+ \S+ \S+ .* i[3-6]86.*")),
    ("hostname", matches(r"\S+")),
    ("nproc", number(1, 1)),
    ("cat /proc/uptime", matches(r"\d+\.\d\d \d+\.\d\d")),
    ("cat /proc/loadavg", matches(r"[\d.]+ [\d.]+ [\d.]+ \d+/\d+ \d+")),
    ("cat /proc/filesystems", has(r"nodev\tproc", r"nodev\ttmpfs")),
    ("cat /proc/version; cat /proc/cmdline", matches(r".+\n.*")),
    ("grep -c . /proc/stat /proc/vmstat /proc/buddyinfo /proc/zoneinfo /proc/slabinfo",
     has(r"/proc/stat:[1-9]\d*", r"/proc/slabinfo:[1-9]\d*")),
    ("head -n 1 /proc/stat", matches(r"cpu  \d+ \d+ \d+ \d+( \d+)*")),
    ("head -n 2 /proc/slabinfo", has(r"slabinfo - version: 2\.1", r"# name +<active_objs> .*")),
    ("readlink /proc/self; sh -c 'readlink /proc/$$/exe'", matches(r"\d+\n/bin/busybox")),
    ("grep -E '^(Name|State|Pid|PPid|Uid|VmSize|VmRSS|VmData|VmStk|VmExe):' /proc/self/status",
     has(r"Name:\tgrep", r"Pid:\t\d+", r"VmSize:\t +\d+ kB", r"VmRSS:\t +\d+ kB",
         r"VmStk:\t +\d+ kB")),
    ("cat /proc/self/statm", matches(r"\d+ \d+ \d+ \d+ \d+ \d+ \d+")),
    ("cat /proc/self/stat", matches(r"\d+ \(cat\) R \d+ \d+ \d+ (-?\d+ ){45,46}-?\d+")),
    ("grep -c '^Rss:' /proc/self/smaps", number(4, 99)),
    ("ls /proc/self/fd", has("0", "1", "2")),
    ("ls -l /proc/self/fd/0 | sed 's/.* //'", matches("/dev/null")),
    ("ls -d /proc/[0-9]* | wc -l", number(2, 999)),
    ("ls /proc", has("meminfo", "slabinfo", "self", "uptime", r"\d+")),
    ("sleep 99 & sleep 0.5; [ $(pidof sleep) = $! ]; echo $?; killall sleep; wait $! 2>/dev/null; echo $?",
     matches("0\n143")),
    ("ps -o pid,ppid,vsz,rss,stat,tty,user,args",
     has(r"PID +PPID +VSZ +RSS +STAT +TT +USER +COMMAND",
         r" *\d+ +\d+ +\d+m? +\d+m? R .* root +\{ps\} .*ps -o .*")),
    ("ps -o pid,comm | grep ' [p]s'", matches(r"\d+ ps")),
    ("renice -n 5 -p $$; echo $?; sh -c 'cat /proc/self/stat' | cut -d' ' -f19", matches("0\n5")),
    ("free -m; free -b", has(r"Mem: +\d+ +.*", r"Swap: +0 +0 +0")),
    ("dmesg | head -n 3", matches(r"(?:(?:<\d>)?\[ *\d+\.\d+\] [^\n]*\n?){3}")),
    ("watch -n 1 -t echo x & sleep 2; kill $!; wait $!; echo $?", has("x", "143")),
]

SHELL = [(line, SAME) for line in COMMANDS.splitlines() if line and not line.startswith("# ")]
SHELL += PLAUSIBLE
