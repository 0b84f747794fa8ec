/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "engine/profile.h"

/* An interpreter of the part of BPF that a profile consists of. */
static uint32_t interpret(const ProfileProgram *p, const struct seccomp_data *data)
{
        uint32_t a = 0;

        for (size_t pc = 0; pc < p->n; pc++) {
                const struct sock_filter *f = &p->code[pc];
                bool yes;
                switch (f->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        memcpy(&a, (const char *)data + f->k, sizeof(a));
                        continue;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= f->k;
                        continue;
                case BPF_RET | BPF_K:
                        return f->k;
                case BPF_JMP | BPF_JA:
                        pc += f->k;
                        continue;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        yes = a == f->k;
                        break;
                case BPF_JMP | BPF_JGT | BPF_K:
                        yes = a > f->k;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        yes = a >= f->k;
                        break;
                default:
                        fail_msg("unknown instruction 0x%x", f->code);
                        return 0;
                }
                pc += yes ? f->jt : f->jf;
        }
        fail_msg("the program has no end");
        return 0;
}

static uint32_t verdict(PlanFilter *f, uint32_t arch, uint32_t number, uint64_t a0, uint64_t a1)
{
        ProfileProgram p;
        const struct seccomp_data data = {.nr = (int)number, .arch = arch, .args = {a0, a1}};

        assert_int_equal(profile_build(f, &p), 0);
        uint32_t v = interpret(&p, &data);
        profile_done(&p);
        return v;
}

#define NATIVE AUDIT_ARCH_X86_64

static bool holds(SpecCompare compare, uint64_t argument, uint64_t value, uint64_t mask)
{
        switch (compare) {
        case SPEC_COMPARE_NE:
                return argument != value;
        case SPEC_COMPARE_LT:
                return argument < value;
        case SPEC_COMPARE_LE:
                return argument <= value;
        case SPEC_COMPARE_EQ:
                return argument == value;
        case SPEC_COMPARE_GE:
                return argument >= value;
        case SPEC_COMPARE_GT:
                return argument > value;
        case SPEC_COMPARE_MASKED_EQ:
                return (argument & mask) == value;
        case _SPEC_COMPARE_MAX:
                break;
        }
        return false;
}

static void every_comparison_is_of_64_bits(void **state)
{
        static const uint64_t numbers[] = {
                        0, 1, 5, UINT32_MAX, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 5, (UINT64_C(5) << 32) + 1, UINT64_MAX};

        for (SpecCompare c = 0; c < _SPEC_COMPARE_MAX; c++)
                for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                        for (size_t k = 0; k < ELEMENTSOF(numbers); k++) {
                                uint64_t mask = c == SPEC_COMPARE_MASKED_EQ ? 0xffff0000000fULL : UINT64_MAX;
                                PlanFilterRule rule = {.number = 7,
                                                       .action = 11,
                                                       .n_args = 1,
                                                       .args = {{0, c, numbers[k] & mask, mask}}};
                                PlanFilter f = {.action = 22, .archs = {NATIVE}, .n_archs = 1, .items = &rule, .n = 1};
                                uint32_t expected = holds(c, numbers[i], numbers[k] & mask, mask) ? 11 : 22;
                                assert_int_equal(verdict(&f, NATIVE, 7, numbers[i], 0), expected);
                                assert_int_equal(verdict(&f, NATIVE, 8, numbers[i], 0), 22);
                        }
}

static void all_arguments_of_a_rule_must_fit(void **state)
{
        PlanFilterRule rules[] = {
                        {.number = 3,
                         .action = 1,
                         .n_args = 2,
                         .args = {{0, SPEC_COMPARE_EQ, 1, UINT64_MAX}, {1, SPEC_COMPARE_GT, 9, UINT64_MAX}}},
                        {.number = 3, .action = 2, .n_args = 1, .args = {{0, SPEC_COMPARE_EQ, 1, UINT64_MAX}}},
        };
        PlanFilter f = {.action = 9, .archs = {NATIVE}, .n_archs = 1, .items = rules, .n = 2};

        assert_int_equal(verdict(&f, NATIVE, 3, 1, 10), 1);
        assert_int_equal(verdict(&f, NATIVE, 3, 1, 9), 2);
        assert_int_equal(verdict(&f, NATIVE, 3, 2, 10), 9);
}

static void a_rule_without_arguments_counts_over_those_with(void **state)
{
        PlanFilterRule rules[] = {
                        {.number = 3, .action = 1, .n_args = 1, .args = {{0, SPEC_COMPARE_EQ, 1, UINT64_MAX}}},
                        {.number = 3, .action = 2},
        };
        PlanFilter f = {.action = 9, .archs = {NATIVE}, .n_archs = 1, .items = rules, .n = 2};

        assert_int_equal(verdict(&f, NATIVE, 3, 1, 0), 2);
}

static void foreign_architectures_kill(void **state)
{
        PlanFilterRule rules[] = {{.number = 3, .action = 1}, {.arch = 1, .number = 4, .action = 2}};
        PlanFilter f = {.action = 9, .archs = {NATIVE, AUDIT_ARCH_I386}, .n_archs = 2, .items = rules, .n = 2};

        assert_int_equal(verdict(&f, NATIVE, 3, 0, 0), 1);
        assert_int_equal(verdict(&f, NATIVE, 4, 0, 0), 9);
        assert_int_equal(verdict(&f, AUDIT_ARCH_I386, 4, 0, 0), 2);
        assert_int_equal(verdict(&f, AUDIT_ARCH_ARM, 4, 0, 0), SECCOMP_RET_KILL_THREAD);
        assert_int_equal(verdict(&f, NATIVE, 0x40000003, 0, 0), SECCOMP_RET_KILL_THREAD);
        assert_int_equal(verdict(&f, NATIVE, UINT32_MAX, 0, 0), 9);
        PlanFilterRule x32[] = {{.number = 3, .action = 1}, {.arch = 1, .number = 0x40000003, .action = 2}};
        PlanFilter g = {.action = 9, .archs = {NATIVE, NATIVE}, .first = {0, 0x40000000}, .n_archs = 2, .items = x32, .n = 2};
        assert_int_equal(verdict(&g, NATIVE, 0x40000003, 0, 0), 2);
        assert_int_equal(verdict(&g, NATIVE, 0x40000004, 0, 0), 9);
}

static void many_calls_are_told_apart(void **state)
{
        PlanFilterRule *rules = calloc(500, sizeof(*rules));

        for (uint32_t i = 0; i < 500; i++)
                rules[i] = (PlanFilterRule){.number = (i * 7) % 1000, .action = i % 3};
        PlanFilter f = {.action = 9, .archs = {NATIVE}, .n_archs = 1, .items = rules, .n = 500};
        for (uint32_t i = 0; i < 500; i += 13)
                assert_int_equal(verdict(&f, NATIVE, (i * 7) % 1000, 0, 0), i % 3);
        assert_int_equal(verdict(&f, NATIVE, 1001, 0, 0), 9);
        free(rules);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(every_comparison_is_of_64_bits),
                        cmocka_unit_test(all_arguments_of_a_rule_must_fit),
                        cmocka_unit_test(a_rule_without_arguments_counts_over_those_with),
                        cmocka_unit_test(foreign_architectures_kill),
                        cmocka_unit_test(many_calls_are_told_apart),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
