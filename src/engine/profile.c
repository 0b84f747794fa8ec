/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD(i, high) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + ((high) ? sizeof(uint32_t) : 0))
#else
#define WORD(i, high) (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t) + ((high) ? 0 : sizeof(uint32_t)))
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define X32_BIT UINT32_C(0x40000000)

typedef struct Builder {
        const PlanFilter *filter;
        struct sock_filter *out;
        size_t n;
} Builder;

static void emit(Builder *b, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
        if (b->n < BPF_MAXINSNS)
                b->out[b->n] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
        b->n++; /* beyond: only counted */
}

static void emit_load(Builder *b, size_t offset)
{
        emit(b, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(Builder *b, uint32_t action)
{
        emit(b, BPF_RET | BPF_K, action, 0, 0);
}

/* ---- arguments ---- */

/* How the low words are compared when the high ones are equal, and which jump says that the high ones decide it already. */
typedef struct CompareRow {
        uint16_t low; /* BPF_JEQ, BPF_JGT or BPF_JGE */
        bool ordered; /* a greater high word is enough */
        bool negate;  /* the opposite is wanted */
} CompareRow;

static const CompareRow compares[_SPEC_COMPARE_MAX] = {
                [SPEC_COMPARE_EQ] = {BPF_JEQ, false, false}, [SPEC_COMPARE_MASKED_EQ] = {BPF_JEQ, false, false},
                [SPEC_COMPARE_NE] = {BPF_JEQ, false, true},  [SPEC_COMPARE_GT] = {BPF_JGT, true, false},
                [SPEC_COMPARE_GE] = {BPF_JGE, true, false},  [SPEC_COMPARE_LE] = {BPF_JGT, true, true},
                [SPEC_COMPARE_LT] = {BPF_JGE, true, true},
};

#define ARGUMENT_LENGTH 9

/* Always as long, so that jumps can be counted: falls through when the condition holds, and else to `miss` instructions behind itself. */
static void emit_argument(Builder *b, const SpecCallArgument *a, uint8_t miss)
{
        const CompareRow *row = &compares[a->compare];
        const uint32_t high = (uint32_t)(a->value >> 32), low = (uint32_t)a->value;
        /* Distances from the instruction behind each jump to the two ends, which are the last two of ours. */
        const uint8_t holds = row->negate ? 1 : 0, fails = row->negate ? 0 : 1;

        emit_load(b, WORD(a->index, true));
        emit(b, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(a->mask >> 32), 0, 0);
        emit(b, BPF_JMP | BPF_JGT | BPF_K, high, row->ordered ? (uint8_t)(4 + holds) : (uint8_t)(4 + fails), 0);
        emit(b, BPF_JMP | BPF_JEQ | BPF_K, high, 0, (uint8_t)(3 + fails));
        emit_load(b, WORD(a->index, false));
        emit(b, BPF_ALU | BPF_AND | BPF_K, (uint32_t)a->mask, 0, 0);
        emit(b, BPF_JMP | row->low | BPF_K, low, holds, fails);
        emit(b, BPF_JMP | BPF_JA, 1, 0, 0);    /* it holds: behind the next one */
        emit(b, BPF_JMP | BPF_JA, miss, 0, 0); /* it does not */
}

static void emit_conditional(Builder *b, const PlanFilterRule *rule)
{
        for (size_t i = 0; i < rule->n_args; i++)
                emit_argument(b, &rule->args[i], (uint8_t)((rule->n_args - i - 1) * ARGUMENT_LENGTH + 1));
        emit_return(b, rule->action);
}

/* ---- calls ---- */

typedef struct Span { /* of call numbers, from the first one to the next span */
        uint32_t first;
        uint32_t action; /* when there are no rules with arguments */
        const PlanFilterRule **rules;
        size_t n_rules;
} Span;

typedef struct Spans {
        Span *items;
        size_t n;
} Spans;

static void add_span(Spans *s, Span span)
{
        const Span *last = s->n > 0 ? &s->items[s->n - 1] : NULL;

        if (last && last->n_rules == 0 && span.n_rules == 0 && last->action == span.action)
                return;
        *vec_push(s) = span;
}

static int compare_rules(const void *a, const void *b)
{
        const PlanFilterRule *x = *(const PlanFilterRule *const *)a, *y = *(const PlanFilterRule *const *)b;

        if (x->number != y->number)
                return x->number < y->number ? -1 : 1;
        return x < y ? -1 : x > y; /* as given */
}

/* The rules of one call: one without arguments counts, whatever stands before it. */
static Span span_of(const Builder *b, const PlanFilterRule **rules, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (rules[i]->n_args == 0)
                        return (Span){.first = rules[0]->number, .action = rules[i]->action};
        return (Span){.first = rules[0]->number, .action = b->filter->action, .rules = rules, .n_rules = n};
}

/* What a number between two calls of an architecture does: x32 ones kill where x32 is not wanted, as all foreign calls. */
static void add_gap(const Builder *b, Spans *s, uint32_t from, bool x32)
{
        uint32_t foreign = from >= X32_BIT && x32 ? SECCOMP_RET_KILL_THREAD : b->filter->action;

        add_span(s, (Span){.first = from, .action = foreign});
        if (x32 && from < X32_BIT)
                add_span(s, (Span){.first = X32_BIT, .action = SECCOMP_RET_KILL_THREAD});
}

static Spans make_spans(const Builder *b, const PlanFilterRule **rules, size_t n, bool x32)
{
        Spans s = {};
        uint32_t next = 0;

        for (size_t i = 0, count; i < n; i += count) {
                uint32_t number = rules[i]->number;
                for (count = 1; i + count < n && rules[i + count]->number == number;)
                        count++;
                if (number > next)
                        add_span(&s, (Span){.first = next, .action = b->filter->action});
                add_span(&s, span_of(b, rules + i, count));
                next = number + 1;
        }
        add_gap(b, &s, next, x32);
        if (x32) /* what a tracer skips a call with is no call of x32 */
                add_span(&s, (Span){.first = UINT32_MAX, .action = b->filter->action});
        return s;
}

static void emit_spans(Builder *b, const Span *spans, size_t n)
{
        if (n == 1) {
                for (size_t i = 0; i < spans->n_rules; i++)
                        emit_conditional(b, spans->rules[i]);
                if (spans->n_rules > 0) /* a rule's arguments were loaded over it */
                        emit_return(b, b->filter->action);
                else
                        emit_return(b, spans->action);
                return;
        }
        size_t half = n / 2;
        emit(b, BPF_JMP | BPF_JGE | BPF_K, spans[half].first, 0, 1);
        size_t jump = b->n;
        emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
        emit_spans(b, spans, half);
        if (jump < BPF_MAXINSNS)
                b->out[jump].k = (uint32_t)(b->n - jump - 1);
        emit_spans(b, spans + half, n - half);
}

static bool is_later_of_its_number(const PlanFilter *f, size_t arch)
{
        for (size_t i = 0; i < arch; i++)
                if (f->archs[i] == f->archs[arch])
                        return true;
        return false;
}

/* All rules of one AUDIT_ARCH_* number: x86-64's and x32's are together. */
static void emit_arch(Builder *b, size_t arch)
{
        const PlanFilter *f = b->filter;
        const PlanFilterRule **rules = xnew(const PlanFilterRule *, f->n + 1);
        bool x32 = f->archs[arch] == 0xc000003e; /* AUDIT_ARCH_X86_64: whether its x32 calls are foreign */
        size_t n = 0;

        for (size_t i = 0; i < f->n_archs; i++)
                if (f->archs[i] == f->archs[arch] && f->first[i] == X32_BIT)
                        x32 = false;
        for (size_t i = 0; i < f->n; i++)
                if (f->archs[f->items[i].arch] == f->archs[arch])
                        rules[n++] = &f->items[i];
        qsort(rules, n, sizeof(*rules), compare_rules);
        Spans spans = make_spans(b, rules, n, x32);
        emit_load(b, offsetof(struct seccomp_data, nr));
        emit_spans(b, spans.items, spans.n);
        free(spans.items);
        free(rules);
}

int profile_build(const PlanFilter *filter, ProfileProgram *ret)
{
        Builder b = {.filter = filter, .out = xnew(struct sock_filter, BPF_MAXINSNS)};

        emit_load(&b, offsetof(struct seccomp_data, arch));
        for (size_t i = 0; i < filter->n_archs; i++) {
                if (is_later_of_its_number(filter, i))
                        continue;
                emit(&b, BPF_JMP | BPF_JEQ | BPF_K, filter->archs[i], 1, 0);
                size_t jump = b.n;
                emit(&b, BPF_JMP | BPF_JA, 0, 0, 0);
                emit_arch(&b, i);
                if (jump < BPF_MAXINSNS)
                        b.out[jump].k = (uint32_t)(b.n - jump - 1);
        }
        emit_return(&b, SECCOMP_RET_KILL_THREAD);
        *ret = (ProfileProgram){b.out, b.n, filter->flags};
        if (b.n <= BPF_MAXINSNS)
                return 0;
        profile_done(ret);
        return -E2BIG;
}

int profile_load(const ProfileProgram *program, bool listen)
{
        const struct sock_fprog fprog = {.len = (unsigned short)program->n, .filter = program->code};
        /* The other one is about threads, and we have none. */
        uint32_t flags = program->flags & (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);

        if (listen)
                flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | (program->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
        long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
        return r < 0 ? -errno : (int)r;
}

void profile_done(ProfileProgram *program)
{
        free(program->code);
        *program = (ProfileProgram){};
}
