/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t)) /* its low word */
#else
#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + sizeof(uint32_t))
#endif

typedef struct Builder {
        uint64_t capabilities;
        bool suppress_sync;
        struct sock_filter *out;
        size_t n, size;
} Builder;

static void emit(Builder *b, struct sock_filter f)
{
        if (b->n < b->size)
                b->out[b->n] = f;
        b->n++; /* beyond size: only counted */
}

static void emit_return(Builder *b, uint32_t action)
{
        emit(b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void emit_load(Builder *b, size_t offset)
{
        emit(b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* What a class comes down to for this machine: one of the plain classes, or one that looks at arguments. */
static SeccompClass settle(const Builder *b, uint8_t class)
{
        if (class >= SECCOMP_CLASS_CAPABILITY)
                return b->capabilities & (UINT64_C(1) << (class - SECCOMP_CLASS_CAPABILITY)) ? SECCOMP_CLASS_ALLOW
                                                                                             : SECCOMP_CLASS_REFUSE;
        if (!b->suppress_sync && class != SECCOMP_CLASS_SOCKET && class > SECCOMP_CLASS_ALLOW)
                return SECCOMP_CLASS_ALLOW;
        if (class == SECCOMP_CLASS_OPENAT2)
                return SECCOMP_CLASS_UNKNOWN;
        return (SeccompClass) class;
}

static void emit_socket(Builder *b)
{
        emit_load(b, ARGUMENT(0));
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3));
        emit_load(b, ARGUMENT(2));
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_AUDIT, 0, 1));
        emit_return(b, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
        emit_return(b, SECCOMP_RET_ALLOW);
}

static void emit_open(Builder *b, size_t argument)
{
        emit_load(b, argument);
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_SYNC | O_DSYNC, 0, 1));
        emit_return(b, SECCOMP_RET_ERRNO | EINVAL);
        emit_return(b, SECCOMP_RET_ALLOW);
}

static void emit_class(Builder *b, SeccompClass class)
{
        switch (class) {
        case SECCOMP_CLASS_ALLOW:
                emit_return(b, SECCOMP_RET_ALLOW);
                return;
        case SECCOMP_CLASS_SYNC:
                emit_return(b, SECCOMP_RET_ERRNO | 0);
                return;
        case SECCOMP_CLASS_SYNC_FILE:
                emit_load(b, ARGUMENT(0));
                emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UINT32_C(0x80000000), 1, 0));
                emit_return(b, SECCOMP_RET_ERRNO | 0);
                emit_return(b, SECCOMP_RET_ALLOW);
                return;
        case SECCOMP_CLASS_SOCKET:
                emit_socket(b);
                return;
        case SECCOMP_CLASS_OPEN:
                emit_open(b, ARGUMENT(1));
                return;
        case SECCOMP_CLASS_OPENAT:
                emit_open(b, ARGUMENT(2));
                return;
        case SECCOMP_CLASS_REFUSE:
                emit_return(b, SECCOMP_RET_ERRNO | EPERM);
                return;
        case SECCOMP_CLASS_UNKNOWN:
        case SECCOMP_CLASS_OPENAT2:
        case SECCOMP_CLASS_CAPABILITY:
                emit_return(b, SECCOMP_RET_ERRNO | ENOSYS);
                return;
        }
}

typedef struct Range {
        uint32_t first;
        SeccompClass class;
} Range;

/* Ranges that are told apart by a balanced tree of comparisons, one instruction for each, which jump straight to the code of a class that
 * all leaves share behind the tree. */
typedef struct Block {
        size_t start;                            /* in the program */
        size_t labels[SECCOMP_CLASS_CAPABILITY]; /* of the code of each class, from there */
} Block;

#define BLOCK_RANGES 200 /* a conditional jump reaches 255 instructions: their comparisons and the code of all classes */

static void emit_comparisons(Builder *b, const Block *block, const Range *ranges, size_t n)
{
        if (n == 1)
                return;
        size_t half = n / 2, next = b->n + 1 - block->start;
        size_t below = half == 1 ? block->labels[ranges[0].class] : next;
        size_t above = n - half == 1 ? block->labels[ranges[half].class] : next + half - 1;

        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[half].first, (uint8_t)(above - next),
                                             (uint8_t)(below - next)));
        emit_comparisons(b, block, ranges, half);
        emit_comparisons(b, block, ranges + half, n - half);
}

static void emit_block(Builder *b, const Range *ranges, size_t n)
{
        Block block = {.start = b->n};
        SeccompClass classes[SECCOMP_CLASS_CAPABILITY];
        bool seen[SECCOMP_CLASS_CAPABILITY] = {false};
        size_t n_classes = 0, end = n - 1;

        for (size_t i = 0; i < n; i++) {
                SeccompClass class = ranges[i].class;
                Builder measure = {0};

                if (seen[class])
                        continue;
                seen[class] = true;
                classes[n_classes++] = class;
                block.labels[class] = end;
                emit_class(&measure, class);
                end += measure.n;
        }
        emit_comparisons(b, &block, ranges, n);
        for (size_t i = 0; i < n_classes; i++)
                emit_class(b, classes[i]);
}

/* More ranges than a block can hold are halved. */
static void emit_tree(Builder *b, const Range *ranges, size_t n)
{
        if (n <= BLOCK_RANGES) {
                emit_block(b, ranges, n);
                return;
        }
        size_t half = n / 2;
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[half].first, 0, 1));
        size_t jump = b->n;
        emit(b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
        emit_tree(b, ranges, half);
        if (jump < b->size)
                b->out[jump].k = (uint32_t)(b->n - jump - 1);
        emit_tree(b, ranges + half, n - half);
}

#define RANGES_MAX 1024

static int emit_arch(Builder *b, const SeccompArch *arch)
{
        Range ranges[RANGES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < arch->n; i++) {
                SeccompClass class = settle(b, arch->rows[i].class);

                if (n > 0 && ranges[n - 1].class == class)
                        continue;
                if (n >= RANGES_MAX)
                        return -E2BIG;
                ranges[n++] = (Range){.first = arch->rows[i].first, .class = class};
        }
        emit_load(b, offsetof(struct seccomp_data, nr));
        emit_tree(b, ranges, n);
        return 0;
}

int seccomp_build(const SeccompArch *archs, uint64_t capabilities, bool suppress_sync, struct sock_filter *ret, size_t size)
{
        Builder b = {.capabilities = capabilities, .suppress_sync = suppress_sync, .out = ret, .size = size};

        emit_load(&b, offsetof(struct seccomp_data, arch));
        for (const SeccompArch *a = archs; a->rows; a++) {
                emit(&b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a->audit, 1, 0));
                size_t jump = b.n;
                emit(&b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
                int r = emit_arch(&b, a);
                if (r < 0)
                        return r;
                if (jump < b.size)
                        b.out[jump].k = (uint32_t)(b.n - jump - 1);
        }
        emit_return(&b, SECCOMP_RET_ERRNO | ENOSYS); /* the calls of a foreign architecture */
        return b.n > size ? -E2BIG : (int)b.n;
}

/* ---- calls that the settings name ---- */

static int compare_calls(const void *a, const void *b)
{
        const PlanCall *x = a, *y = b;

        return x->number < y->number ? -1 : x->number > y->number;
}

/* The calls of one architecture by number, of each the last word. Returns how many; ret has room for n. */
static size_t calls_of(uint32_t audit, const PlanCall *calls, size_t n, PlanCall *ret)
{
        size_t found = 0;

        for (size_t i = 0; i < n; i++) {
                bool again = false;
                if (calls[i].arch != audit)
                        continue;
                for (size_t k = 0; k < found && !again; k++)
                        if (ret[k].number == calls[i].number) {
                                ret[k].allow = calls[i].allow;
                                again = true;
                        }
                if (!again)
                        ret[found++] = calls[i];
        }
        qsort(ret, found, sizeof(*ret), compare_calls);
        return found;
}

/* A call that the built-in filter lets through in a way of its own keeps that. */
static uint8_t override_class(uint8_t class, bool allow)
{
        bool plain = class == SECCOMP_CLASS_UNKNOWN || class == SECCOMP_CLASS_REFUSE || class >= SECCOMP_CLASS_CAPABILITY;

        return !allow ? SECCOMP_CLASS_REFUSE : plain ? SECCOMP_CLASS_ALLOW : class;
}

size_t seccomp_override(const SeccompArch *arch, const PlanCall *calls, size_t n_calls, SeccompRow *ret)
{
        _cleanup_free_ PlanCall *own = xnew(PlanCall, n_calls + 1);
        size_t n_own = calls_of(arch->audit, calls, n_calls, own), n = 0, next = 0;

        for (size_t i = 0; i < arch->n; i++) {
                uint64_t end = i + 1 < arch->n ? arch->rows[i + 1].first : UINT64_C(1) << 32;
                uint32_t from = arch->rows[i].first;

                ret[n++] = arch->rows[i];
                for (; next < n_own && own[next].number < end; next++) {
                        uint32_t number = own[next].number;
                        if (number == from)
                                n--;
                        ret[n++] = (SeccompRow){number, override_class(arch->rows[i].class, own[next].allow)};
                        from = number + 1;
                        if (from < end)
                                ret[n++] = (SeccompRow){from, arch->rows[i].class};
                }
        }
        return n;
}

static int load(const struct sock_filter *program, int n)
{
        struct sock_fprog fprog = {.len = (unsigned short)n, .filter = (struct sock_filter *)program};

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) < 0 ? -errno : 0;
}

#define ARCHS_MAX 4

static int build_with_calls(const PlanOp *op, bool nosync, struct sock_filter *program)
{
        SeccompArch archs[ARCHS_MAX + 1] = {0};
        SeccompRow *rows[ARCHS_MAX] = {0};

        for (size_t i = 0; i < ARCHS_MAX && seccomp_archs[i].rows; i++) {
                rows[i] = xnew(SeccompRow, seccomp_archs[i].n + 2 * op->n_calls);
                archs[i].audit = seccomp_archs[i].audit;
                archs[i].rows = rows[i];
                archs[i].n = seccomp_override(&seccomp_archs[i], op->calls, op->n_calls, rows[i]);
        }
        int n = seccomp_build(archs, op->value, nosync, program, BPF_MAXINSNS);
        for (size_t i = 0; i < ARCHS_MAX; i++)
                free(rows[i]);
        return n;
}

int seccomp_load_builtin(const PlanOp *op, Error *e)
{
        struct sock_filter program[BPF_MAXINSNS];
        const bool nosync = str_eq(op->text, "default+nosync");

        if (!nosync && !str_eq(op->text, "default"))
                return error_set(e, -EINVAL, "there is no system call filter named '%s'", op->text ?: "");
        if (!seccomp_archs[0].rows)
                return error_set(e, -EOPNOTSUPP, "this berth was built without a system call filter for its CPU");
        int n = op->n_calls > 0 ? build_with_calls(op, nosync, program)
                                : seccomp_build(seccomp_archs, op->value, nosync, program, BPF_MAXINSNS);
        return n < 0 ? n : load(program, n);
}

/* ---- address families ---- */

/* The old multiplexer socketcall(2) hides its arguments in memory: what only has that is not filtered, as with systemd. */
int seccomp_build_families(const PlanOp *op, struct sock_filter *ret, size_t size)
{
        Builder b = {.out = ret, .size = size};
        const uint32_t listed = op->number ? SECCOMP_RET_ERRNO | EAFNOSUPPORT : SECCOMP_RET_ALLOW;
        const uint32_t others = op->number ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EAFNOSUPPORT;

        if (op->value > 100)
                return -E2BIG;
        for (size_t i = 0; i < op->n_calls; i++) {
                const uint8_t families = (uint8_t)op->value;

                emit_load(&b, offsetof(struct seccomp_data, arch));
                emit(&b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, op->calls[i].arch, 0, (uint8_t)(5 + families)));
                emit_load(&b, offsetof(struct seccomp_data, nr));
                emit(&b,
                     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, op->calls[i].number, 0, (uint8_t)(3 + families)));
                emit_load(&b, ARGUMENT(0));
                for (uint8_t k = 0; k < families; k++)
                        emit(&b,
                             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, op->groups[k], (uint8_t)(families - k), 0));
                emit_return(&b, others);
                emit_return(&b, listed);
        }
        emit_return(&b, SECCOMP_RET_ALLOW);
        return b.n > size ? -E2BIG : (int)b.n;
}

int seccomp_load_families(const PlanOp *op, Error *e)
{
        struct sock_filter program[BPF_MAXINSNS];
        int n = seccomp_build_families(op, program, BPF_MAXINSNS);

        return n < 0 ? n : load(program, n);
}
