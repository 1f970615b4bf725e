#!/usr/bin/env bash
# pgbench: initialise, every protocol mode, TPC-B and select-only; no failure, and the sums agree.
set -euo pipefail
scale=${PGBENCH_SCALE:-1}
seconds=${PGBENCH_SECONDS:-2}
database=${PGDATABASE:-postgres}
fail() { echo "FAIL $*"; exit 1; }

pgbench -i -s "$scale" -q "$database" >"${TMPDIR:-/tmp}/pgbench.out" 2>&1 || fail "$(cat "${TMPDIR:-/tmp}/pgbench.out")"
bench() {
    local out
    out=$(pgbench -n -T "$seconds" "$@" "$database" 2>&1) || fail "pgbench $*: $out"
    grep -q 'number of failed transactions: 0 ' <<<"$out" || fail "pgbench $*: $out"
    ! grep -q 'aborted' <<<"$out" || fail "pgbench $*: $out"
}
for mode in simple extended prepared; do
    bench -c 8 -j 2 -M $mode
    bench -c 8 -j 2 -M $mode -S
done
bench -c 32 -j 2 -M prepared --max-tries=1
bench -c 4 -C -S
sums=$(psql -X -A -t -c 'select (select sum(abalance) from pgbench_accounts) = (select sum(tbalance) from pgbench_tellers)
    and (select sum(tbalance) from pgbench_tellers) = (select sum(bbalance) from pgbench_branches)
    and (select sum(bbalance) from pgbench_branches) = (select sum(delta) from pgbench_history)')
[ "$sums" = t ] || fail "the sums differ"
psql -X -q -c 'drop table pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history'
echo PASS
