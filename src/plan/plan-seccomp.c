/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* linux.seccomp of an OCI bundle: names of calls and architectures as the kernel's numbers. As libseccomp has it, a name that an
 * architecture does not have is passed over, and so is a rule whose action is the default one. */

#include "plan/build.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"

#ifndef AUDIT_ARCH_LOONGARCH64
#define AUDIT_ARCH_LOONGARCH64 0xc0000102
#endif

#define ARCHS_MAX ELEMENTSOF(((PlanFilter *)0)->archs)

typedef struct ArchRow {
        const char *name;
        uint32_t audit;
        unsigned nth; /* of several with this number in the table of calls */
} ArchRow;

static const ArchRow arch_rows[] = {
                {"SCMP_ARCH_X86", AUDIT_ARCH_I386, 0},
                {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, 0},
                {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, 1},
                {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, 0},
                {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, 0},
                {"SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64, 0},
                {"SCMP_ARCH_M68K", AUDIT_ARCH_M68K, 0},
                {"SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS, 0},
                {"SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64, 0},
                {"SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32, 0},
                {"SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL, 0},
                {"SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64, 0},
                {"SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32, 0},
                {"SCMP_ARCH_PPC", AUDIT_ARCH_PPC, 0},
                {"SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64, 0},
                {"SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE, 0},
                {"SCMP_ARCH_S390", AUDIT_ARCH_S390, 0},
                {"SCMP_ARCH_S390X", AUDIT_ARCH_S390X, 0},
                {"SCMP_ARCH_SH", AUDIT_ARCH_SHEL, 0},
                {"SCMP_ARCH_SHEB", AUDIT_ARCH_SH, 0},
                {"SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC, 0},
                {"SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64, 0},
                {"SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64, 0},
};

typedef struct Resolver {
        PlanFilter *filter;
        uint32_t known[ARCHS_MAX]; /* the columns of the table of calls */
        size_t n_known;
        size_t columns[ARCHS_MAX]; /* of the filter's architectures */
} Resolver;

/* The column of an architecture; -1: this host's kernels have no such calls. */
static int find_column(const Resolver *r, const ArchRow *row)
{
        unsigned nth = 0;

        for (size_t i = 0; i < r->n_known; i++)
                if (r->known[i] == row->audit && nth++ == row->nth)
                        return (int)i;
        return -1;
}

static void add_arch(Resolver *r, size_t column)
{
        PlanFilter *f = r->filter;

        for (size_t i = 0; i < f->n_archs; i++)
                if (r->columns[i] == column)
                        return;
        for (size_t i = 0; i < column; i++) /* the second one of its number: x32 */
                if (r->known[i] == r->known[column])
                        f->first[f->n_archs] = UINT32_C(0x40000000);
        r->columns[f->n_archs] = column;
        f->archs[f->n_archs++] = r->known[column];
}

static void add_archs(Resolver *r, char *const *names)
{
        add_arch(r, 0); /* the native one is always there */
        STRV_FOREACH (name, names)
                for (size_t i = 0; i < ELEMENTSOF(arch_rows); i++) {
                        int column = str_eq(arch_rows[i].name, *name) ? find_column(r, &arch_rows[i]) : -1;
                        if (column >= 0)
                                add_arch(r, (size_t)column);
                }
}

static void add_rule(Resolver *r, uint32_t arch, uint32_t number, const SpecCallRule *from, const SpecCallArgument *one)
{
        PlanFilterRule *rule = vec_push(r->filter);

        rule->arch = arch;
        rule->number = number;
        rule->action = from->action;
        if (one)
                rule->args[rule->n_args++] = *one;
        for (size_t i = 0; !one && i < from->args.n && i < ELEMENTSOF(rule->args); i++)
                rule->args[rule->n_args++] = from->args.items[i];
}

/* Two conditions on one argument are two rules, as runc and crun read it. */
static bool has_alternatives(const SpecCallRule *rule)
{
        for (size_t i = 0; i < rule->args.n; i++)
                for (size_t k = 0; k < i; k++)
                        if (rule->args.items[i].index == rule->args.items[k].index)
                                return true;
        return false;
}

static void add_call(Resolver *r, const char *name, const SpecCallRule *rule)
{
        _cleanup_strv_ char **numbers = plan_system_call_columns(name);
        uint32_t number;

        for (uint32_t i = 0; numbers && i < r->filter->n_archs; i++) {
                if (r->columns[i] >= strv_len(numbers) || str_parse_u32(numbers[r->columns[i]], &number) < 0)
                        continue; /* "-": it has none */
                if (!has_alternatives(rule))
                        add_rule(r, i, number, rule, NULL);
                for (size_t k = 0; has_alternatives(rule) && k < rule->args.n; k++)
                        add_rule(r, i, number, rule, &rule->args.items[k]);
        }
}

/* ---- as words ---- */

static char *action_text(uint32_t action)
{
        static const struct {
                uint32_t action;
                const char *name;
        } names[] = {{SECCOMP_RET_KILL_THREAD, "kill-thread"},
                     {SECCOMP_RET_KILL_PROCESS, "kill-process"},
                     {SECCOMP_RET_TRAP, "trap"},
                     {SECCOMP_RET_ERRNO, "errno"},
                     {SECCOMP_RET_TRACE, "trace"},
                     {SECCOMP_RET_ALLOW, "allow"},
                     {SECCOMP_RET_LOG, "log"},
                     {SECCOMP_RET_USER_NOTIF, "notify"}};
        uint32_t data = action & SECCOMP_RET_DATA;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (names[i].action == (action & SECCOMP_RET_ACTION_FULL))
                        return data ? xasprintf("%s:%u", names[i].name, data) : xstrdup(names[i].name);
        return xasprintf("0x%08x", action);
}

static char *rule_text(const SpecCallRule *rule)
{
        static const char *const compare[_SPEC_COMPARE_MAX] = {"!=", "<", "<=", "==", ">=", ">", "=="};
        _cleanup_free_ char *action = action_text(rule->action), *names = strv_join(rule->names, " ");
        Buf b = {};

        buf_addf(&b, "%s %s", action, names);
        for (size_t i = 0; i < rule->args.n; i++) {
                const SpecCallArgument *a = &rule->args.items[i];
                buf_addf(&b, " arg%u", a->index);
                if (a->compare == SPEC_COMPARE_MASKED_EQ)
                        buf_addf(&b, "&0x%" PRIx64, a->mask);
                buf_addf(&b, "%s0x%" PRIx64, compare[a->compare], a->value);
        }
        return buf_take(&b);
}

int plan_seccomp(PlanOp *op, const SpecSeccomp *seccomp, Error *e)
{
        _cleanup_strv_ char **archs = plan_system_call_columns("archs");
        Resolver r = {.filter = op->filter = xnew(PlanFilter, 1)};

        for (size_t i = 0; i < ARCHS_MAX && archs && archs[i]; i++)
                if (str_parse_u32(archs[i], &r.known[r.n_known]) >= 0)
                        r.n_known++;
        if (r.n_known == 0)
                return error_set(e, -EOPNOTSUPP, "this berth was built without system call filters for its CPU");
        op->text = action_text(seccomp->action);
        r.filter->action = seccomp->action;
        r.filter->flags = seccomp->flags;
        add_archs(&r, seccomp->archs);
        for (size_t i = 0; i < seccomp->rules.n; i++) {
                const SpecCallRule *rule = &seccomp->rules.items[i];
                if (rule->action == seccomp->action)
                        continue;
                strv_consume(&r.filter->words, rule_text(rule));
                STRV_FOREACH (name, rule->names)
                        add_call(&r, *name, rule);
        }
        return 0;
}
