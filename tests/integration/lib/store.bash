# SPDX-License-Identifier: LGPL-2.1-or-later
# The store by itself, through store-tool, on any file system: $T is the test's directory, $R the store.

BUILD=${BERTH_BUILD:-$(dirname "${BERTH:-$BATS_TEST_DIRNAME/../../build/berth}")}
TOOL=$BUILD/tests/unit/store/store-tool
FILES="etc/version gone dir/file link"

make_tree() {
        mkdir -p "$T/tree/etc" "$T/tree/dir" "$T/tree/opaque"
        echo one >"$T/tree/etc/version"
        echo here >"$T/tree/gone"
        echo file >"$T/tree/dir/file"
        echo hidden >"$T/tree/opaque/hidden"
        ln -s /etc/version "$T/tree/link"
}

# What a command that was killed before its transaction began leaves: the next that wants the lock takes it over, and away.
clear_locks() {
        local lock
        for lock in "${R:-$T}"/.\#*.lck /run/systemd/nspawn/locks/inode-"$(stat -c %d "$T")":*; do
                [ ! -f "$lock" ] || "$BATS_TEST_DIRNAME/lib/ofd-lock" -n "$lock" rm -f "$lock" || true
        done
}

st() { local verb=$1; shift; "$TOOL" "$verb" "$R" "$@"; }
dump() { st dump $FILES | sort; } # copies of a store have lost the order of snapshots without an attribute of their own

# bats does not look at the status of "! COMMAND".
refused() { if "$@" 2>/dev/null; then echo "'$*' succeeded"; return 1; fi; }

fails_with() { # MESSAGE VERB ARG…
        local message=$1 out
        shift
        if out=$(st "$@" 2>&1); then echo "'$*' succeeded"; return 1; fi
        [[ $out == *"$message"* ]] || { echo "expected: $message"; echo "got: $out"; return 1; }
}

# --- kill -9 ---------------------------------------------------------------------------------------------------------------------

# Kills `store-tool ARGS` with SIGKILL at every system call that changes something, one after the other, each time on a copy of the same
# store (save_store, restore_store). The state must be the old or the new one, the next command leaves no debris, and the command succeeds
# if it has not yet.
SYSCALLS="mkdirat openat renameat renameat2 symlinkat unlink unlinkat fsync syncfs fsetxattr mknodat linkat"

# The numbers of a system call's calls in the trace, or of every EVERYth one; of openat(2), those that may create a file.
calls() { awk -v name="$1(" -v every="${EVERY:-1}" 'index($0, name) == 1 && (++n) && (name != "openat(" || /O_CREAT/) && n % every == 0 { print n }' "$T/trace"; }

killed() { # SYSCALL N VERB ARG…; the subshell, for the shell's own word on it
        ! (strace -o /dev/null -e inject=$1:signal=KILL:when=$2 "$TOOL" "$3" "$R" "${@:4}"; exit $?) >/dev/null 2>&1
}

kill_everywhere() { # ARG…
        local before after sys n kills=0 state
        save_store
        before=$(dump)
        strace -o "$T/trace" "$TOOL" "$1" "$R" "${@:2}"
        after=$(dump)
        clean || return
        [ "$before" != "$after" ] || { echo "'$*' changes nothing"; return 1; }
        for sys in $SYSCALLS; do
                for n in $(calls $sys); do
                        restore_store
                        killed $sys $n "$@" || continue
                        kills=$((kills + 1))
                        state=$(dump)
                        clear_locks
                        clean || { echo "after a kill at $sys $n"; return 1; }
                        if [ "$state" = "$before" ]; then
                                st "$@" >/dev/null || { echo "again, after a kill at $sys $n"; return 1; }
                                state=$(dump)
                        fi
                        [ "$state" = "$after" ] || { echo "after a kill at $sys $n:"; echo "$state"; return 1; }
                done
        done
        echo "# '$1': $kills kills" >&3
        [ "$kills" -ge $((${EVERY:-1} > 1 ? 3 : 8)) ] # a sample has fewer
}
