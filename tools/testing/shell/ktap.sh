#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests tools/testing/ktap: what it makes of good, bad and broken test output. Speaks KTAP
# for tools/testing/run.
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
n=0 failed=0

# check NAME "P F S" [OPTION...]: stdin is the output to be judged.
check()
{
	local name=$1 want=$2 got word=ok

	shift 2
	cat >"$log"
	got=$("$top/tools/testing/ktap" "$@" x "$log" | sed -n 's/^x: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
	n=$((n + 1))
	if [ "$got" != "$want" ]; then
		word='not ok'
		failed=1
		echo "# got '$got' instead of '$want'"
	fi
	echo "$word $n $name"
}

echo "KTAP version 1"
echo "1..19"

check "a plain run" "2 0 1" <<'END'
TAP version 13
1..3
# Starting 3 tests from 1 test cases.
ok 1 global.one
ok 2 - two
ok 3 three # SKIP no such device
END
check "a failure is named" "1 1 0" --status 1 <<'END'
TAP version 13
1..2
# sample_test.c:12: expected 1, got 2
not ok 1 one
ok 2 two
END
check "nested tests count once" "3 0 1" <<'END'
KTAP version 1
1..2
    KTAP version 1
    # Subtest: inner
    1..3
    ok 1 a
    ok 2 b # SKIP not here
        KTAP version 1
        1..1
        ok 1 deep
    ok 3 c
ok 1 inner
ok 2 outer
END
check "a nested failure counts once" "1 1 0" --status 1 <<'END'
KTAP version 1
1..1
    # Subtest: inner
    1..2
    ok 1 a
    not ok 2 b
not ok 1 inner
END
check "a group that fails by itself" "1 1 0" --status 1 <<'END'
KTAP version 1
1..1
  KTAP version 1
  1..1
  ok 1 a
not ok 1 inner
END
check "no plan" "1 1 0" <<'END'
TAP version 13
ok 1 one
END
check "fewer than planned" "1 2 0" <<'END'
TAP version 13
1..3
ok 1 one
END
check "more than planned" "2 1 0" <<'END'
TAP version 13
1..1
ok 1 one
ok 2 two
END
check "a nested run that breaks off" "1 2 0" <<'END'
KTAP version 1
1..1
    # Subtest: inner
    1..2
    ok 1 a
END
check "a crash without a word" "0 1 0" --status 139 </dev/null
check "success without a word" "0 1 0" --status 0 </dev/null
check "a crash behind the last test" "1 1 0" --status 139 <<'END'
TAP version 13
1..1
ok 1 one
END
check "everything skipped" "0 0 1" --status 4 <<'END'
TAP version 13
1..0 # SKIP no /dev/watch_queue
END
check "skipped by exit status" "0 0 1" --status 4 <<'END'
needs root
END
check "a plan of nothing" "0 1 0" <<'END'
TAP version 13
1..0
END
check "bail out" "1 1 0" --status 1 <<'END'
TAP version 13
1..1
ok 1 one
Bail out! the device is gone
END
check "KUnit in a kernel log" "1 1 0" --format kernel-log <<'END'
[    1.000001] KTAP version 1
[    1.000002] 1..1
[    1.000003]     # Subtest: of_the_kernel
[    1.000004]     1..1
[    1.000005]     ok 1 not_ours
[    1.000006] ok 1 of_the_kernel
[    2.000001] Run /init as init process
[    2.000002] KTAP version 1
[    2.000003] 1..1
[    2.000004]     KTAP version 1
[    2.000005]     # Subtest: ours
[    2.000006]     1..2
[    2.000007]     ok 1 a
[    2.000008] sample: a message in between
[    2.000009]     not ok 2 b
[    2.000010] not ok 1 ours
[    3.000001] wq-test: begin 64/sample_test
[    3.000002] KTAP version 1
[    3.000003] 1..1
[    3.000004]     # Subtest: again
[    3.000005]     1..1
[    3.000006]     ok 1 a
[    3.000007] ok 1 again
END
check "cargo test" "3 1 1" --format cargo --status 101 <<'END'
running 3 tests
test ring::wraps ... ok
test ring::loses ... FAILED
test ring::long ... ignored
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
END
check "a cargo build that fails" "0 1 0" --format cargo --status 101 <<'END'
error[E0425]: cannot find value `x` in this scope
END
exit $failed
