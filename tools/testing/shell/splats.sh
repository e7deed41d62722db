#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests tools/vm/splats: every sample of a splat is found, no healthy line is, and an
# allocation failure counts only if nobody asked for it. Speaks KTAP for tools/testing/run.
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
data=$top/tools/testing/shell/data
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
n=0 failed=0

# check NAME STATUS: the detector must end with STATUS on what is in $log.
check()
{
	local got word=ok

	"$top/tools/vm/splats" "$log" >"$log.out" 2>&1
	got=$?
	n=$((n + 1))
	if [ $got -ne "$2" ]; then
		word='not ok'
		failed=1
		echo "# exit status $got instead of $2 for: $(head -n 1 "$log")"
	fi
	echo "$word $n ${1//#/}"
	rm -f "$log.out"
}

echo "KTAP version 1"
while IFS= read -r line; do
	printf '%s\n' "$line" >"$log"
	check "found: ${line:0:60}" 1
done < <(grep -v '^#' "$data/splats-match")
while IFS= read -r line; do
	printf '%s\n' "$line" >"$log"
	check "not found: ${line:0:60}" 0
done < <(grep -v '^# ' "$data/splats-harmless")

{
	echo '[    1.000001] FAULT_INJECTION: forcing a failure.'
	echo '[    1.000002] name fail_page_alloc, interval 1, probability 100, space 0, times 1'
	echo '[    1.000003] sample: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL)'
} >"$log"
check "an allocation that was made to fail is no splat" 0
{
	echo '[    1.000001] FAULT_INJECTION: forcing a failure.'
	echo '[    1.000002] refcount_t: saturated; leaking memory.'
} >"$log"
check "a forced failure excuses nothing but allocations" 1
printf '[    1.000001] first\r\n[    1.000002] Oops: 0002 [%s1] SMP\r\n' '#' >"$log"
check "carriage returns do not matter" 1
: >"$log"
check "an empty log is clean" 0
rm -f "$log"
check "a log that is not there is an error" 2
echo "1..$n"
exit $failed
