/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "engine/devices.h"

/* An interpreter of the part of eBPF that the program consists of. */
static uint64_t interpret(const struct bpf_insn *code, int n, const struct bpf_cgroup_dev_ctx *ctx)
{
        uint64_t r[11] = {0};

        for (int pc = 0; pc < n; pc++) {
                const struct bpf_insn *i = &code[pc];
                uint32_t word;
                switch (i->code) {
                case BPF_LDX | BPF_W | BPF_MEM:
                        memcpy(&word, (const char *)ctx + i->off, sizeof(word));
                        r[i->dst_reg] = word;
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_X:
                        r[i->dst_reg] = r[i->src_reg];
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_K:
                        r[i->dst_reg] = (uint64_t)(int64_t)i->imm;
                        break;
                case BPF_ALU64 | BPF_AND | BPF_K:
                        r[i->dst_reg] &= (uint64_t)(int64_t)i->imm;
                        break;
                case BPF_ALU64 | BPF_RSH | BPF_K:
                        r[i->dst_reg] >>= i->imm;
                        break;
                case BPF_JMP | BPF_JNE | BPF_K:
                        pc += r[i->dst_reg] != (uint64_t)(int64_t)i->imm ? i->off : 0;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        pc += r[i->dst_reg] == (uint64_t)(int64_t)i->imm ? i->off : 0;
                        break;
                case BPF_JMP | BPF_EXIT:
                        return r[0];
                default:
                        fail_msg("unknown instruction 0x%x", i->code);
                }
        }
        fail_msg("the program has no end");
        return 0;
}

static const SpecDeviceRule rules[] = {
                {.allow = false, .type = 'a', .read = true, .write = true, .mknod = true},
                {.allow = true, .type = 'c', .mknod = true},
                {.allow = true, .type = 'c', .major = {true, 1}, .minor = {true, 3}, .read = true},
                {.allow = true, .type = 'c', .major = {true, 1}, .minor = {true, 3}, .write = true},
                {.allow = true, .type = 'b', .major = {true, 8}, .read = true, .write = true},
                {.allow = false, .type = 'b', .major = {true, 8}, .minor = {true, 1}, .write = true},
};

static bool may(uint32_t type, uint32_t access, uint32_t major, uint32_t minor)
{
        struct bpf_insn code[256];
        int n = devices_build(rules, ELEMENTSOF(rules), code, ELEMENTSOF(code));

        assert_true(n > 0);
        return interpret(code, n, &(struct bpf_cgroup_dev_ctx){access << 16 | type, major, minor});
}

static void the_last_rule_counts_for_each_kind_of_access(void **state)
{
        enum {
                C = BPF_DEVCG_DEV_CHAR,
                B = BPF_DEVCG_DEV_BLOCK,
                R = BPF_DEVCG_ACC_READ,
                W = BPF_DEVCG_ACC_WRITE,
                M = BPF_DEVCG_ACC_MKNOD
        };

        assert_true(may(C, R | W, 1, 3));
        assert_true(may(C, M, 9, 9));
        assert_false(may(C, R, 9, 9));
        assert_false(may(C, R | M, 9, 9));
        assert_true(may(B, R | W, 8, 2));
        assert_true(may(B, R, 8, 1));
        assert_false(may(B, R | W, 8, 1));
        assert_false(may(B, M, 8, 2));
        assert_false(may(B, R, 7, 0));
}

static void what_no_rule_is_about_is_allowed(void **state)
{
        struct bpf_insn code[32];
        int n = devices_build(rules + 5, 1, code, ELEMENTSOF(code));

        assert_int_equal(interpret(code, n, &(struct bpf_cgroup_dev_ctx){BPF_DEVCG_ACC_READ << 16 | BPF_DEVCG_DEV_CHAR, 1, 1}),
                         1);
        assert_int_equal(devices_build(rules, ELEMENTSOF(rules), code, 4), -E2BIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_last_rule_counts_for_each_kind_of_access),
                        cmocka_unit_test(what_no_rule_is_about_is_allowed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
