/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system call filter of a machine. Its policy is tools/seccomp-groups.txt, turned into tables of numbers when berth is built;
 * the BPF program is made of them in a few microseconds when a machine starts. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>

#include "base/error.h"
#include "plan/plan.h"

typedef enum SeccompClass {
        SECCOMP_CLASS_UNKNOWN, /* ENOSYS */
        SECCOMP_CLASS_REFUSE,  /* EPERM */
        SECCOMP_CLASS_ALLOW,
        SECCOMP_CLASS_SYNC,      /* allowed; with suppressed synchronisation: does nothing and succeeds */
        SECCOMP_CLASS_SYNC_FILE, /* the same, if the first argument can be a descriptor: else the kernel says EBADF */
        SECCOMP_CLASS_SOCKET,    /* allowed, but EAFNOSUPPORT for NETLINK_AUDIT, which is not namespaced */
        SECCOMP_CLASS_OPEN, /* allowed; with suppressed synchronisation: EINVAL for O_SYNC and O_DSYNC in the second argument, */
        SECCOMP_CLASS_OPENAT,          /* in the third, */
        SECCOMP_CLASS_OPENAT2,         /* or ENOSYS, as the flags are out of reach */
        SECCOMP_CLASS_CAPABILITY = 64, /* + CAP_*: allowed with that capability, EPERM without */
} SeccompClass;

typedef struct SeccompRow {
        uint32_t first; /* this number and all up to the next row's */
        uint8_t class;  /* SeccompClass */
} SeccompRow;

typedef struct SeccompArch {
        uint32_t audit; /* AUDIT_ARCH_* */
        const SeccompRow *rows;
        size_t n;
} SeccompArch;

extern const SeccompArch seccomp_archs[]; /* ends with rows of NULL; none at all on a CPU family that libseccomp does not know */

/* At most size instructions (BPF_MAXINSNS are enough). Returns how many, or -E2BIG. */
int seccomp_build(const SeccompArch *archs, uint64_t capabilities, bool suppress_sync, struct sock_filter *ret, size_t size);

/* The rows of one architecture with some calls let through or refused whatever they say (of one call the last word counts). ret has
 * room for the rows and 2 for each call. Returns how many. */
size_t seccomp_override(const SeccompArch *arch, const PlanCall *calls, size_t n_calls, SeccompRow *ret);
/* A filter of socket(2) by address family: only these, or all but these. */
int seccomp_build_families(const PlanOp *op, struct sock_filter *ret, size_t size);

/* OP_SECCOMP: the filter "default" or "default+nosync" for a machine that keeps these capabilities, with the op's calls. */
int seccomp_load_builtin(const PlanOp *op, Error *e);
/* OP_ADDRESS_FAMILIES */
int seccomp_load_families(const PlanOp *op, Error *e);
