/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json: linux.seccomp. */

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

typedef struct Action {
        const char *name;
        uint32_t value;
        bool number; /* goes with errnoRet */
} Action;

static const Action actions[] = {
                {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
                {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
                {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
                {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
                {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
                {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
                {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
                {"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
                {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false},
};

typedef struct ActionRead { /* an action, and the number that goes with it */
        const Action *action;
        SpecNumber number;
} ActionRead;

static int read_action(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (str_eq(actions[i].name, node->text)) {
                        *(const Action **)to = &actions[i];
                        return 0;
                }
        return error_set(e, -EINVAL, "there is no action '%s'", node->text);
}

static int action_value(const ActionRead *a, uint32_t *ret, Error *e)
{
        if (a->number.set && !a->action->number)
                return error_set(e, -EINVAL, "an error number goes with SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not with %s",
                                 a->action->name);
        *ret = a->action->value;
        if (a->action->number)
                *ret |= a->number.set ? (uint32_t)a->number.value : EPERM;
        return 0;
}

/* ---- rules ---- */

static int read_operator(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
                                            "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(SpecCompare *)to = (SpecCompare)k;
        return k;
}

typedef struct ArgumentRead {
        uint32_t index;
        SpecCompare compare;
        uint64_t value, value_two;
} ArgumentRead;

static const OciKey argument_keys[] = {
                {"index", oci_u32, offsetof(ArgumentRead, index), true, 0, 5, NULL},
                {"value", oci_u64, offsetof(ArgumentRead, value), true, 0, 0, NULL},
                {"valueTwo", oci_u64, offsetof(ArgumentRead, value_two), false, 0, 0, NULL},
                {"op", read_operator, offsetof(ArgumentRead, compare), true, 0, 0, NULL},
};

/* SCMP_CMP_MASKED_EQ: the first value is the mask, the second what is left. */
static int one_argument(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        ArgumentRead a = {};
        int k = oci_object(r, node, OCI_KEYS(argument_keys), &a, e);

        if (k < 0)
                return k;
        bool masked = a.compare == SPEC_COMPARE_MASKED_EQ;
        *vec_push(&((SpecCallRule *)to)->args) = (SpecCallArgument){
                        .index = a.index,
                        .compare = a.compare,
                        .value = masked ? a.value_two : a.value,
                        .mask = masked ? a.value : UINT64_MAX,
        };
        return 0;
}

static int read_arguments(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_argument, key, to, e);
}

typedef struct RuleRead {
        SpecCallRule rule;
        ActionRead action;
} RuleRead;

static const OciKey rule_keys[] = {
                {"names", oci_strings, offsetof(RuleRead, rule.names), true, 0, 0, NULL},
                {"action", read_action, offsetof(RuleRead, action.action), true, 0, 0, NULL},
                {"errnoRet", oci_number, offsetof(RuleRead, action.number), false, 0, 65535, NULL},
                {"args", read_arguments, offsetof(RuleRead, rule), false, 0, 0, NULL},
};

static int one_rule(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        RuleRead rule = {};
        int k = oci_object(r, node, OCI_KEYS(rule_keys), &rule, e);

        if (k >= 0)
                k = action_value(&rule.action, &rule.rule.action, e);
        *vec_push(&((SpecSeccomp *)to)->rules) = rule.rule; /* the bundle frees it, whatever there is of it */
        return k;
}

static int read_rules(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_rule, key, to, e);
}

/* ---- the whole ---- */

static int one_flag(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                            "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL};
        static const uint32_t values[] = {SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                                          SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(uint32_t *)to |= values[k];
        return k;
}

static int read_flags(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_flag, key, to, e);
}

static int one_arch(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {
                        "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64",      "SCMP_ARCH_X32",     "SCMP_ARCH_ARM",
                        "SCMP_ARCH_AARCH64",     "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",    "SCMP_ARCH_MIPS",
                        "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64",
                        "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",         "SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",
                        "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",       "SCMP_ARCH_SH",      "SCMP_ARCH_SHEB",
                        "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64",    "SCMP_ARCH_RISCV64", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                strv_push(to, node->text);
        return k;
}

static int read_archs(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_arch, key, to, e);
}

static int read_listener(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0 && *node->text)
                *(char **)to = oci_host_path(r, node->text);
        return k;
}

bool spec_seccomp_notifies(const SpecSeccomp *s)
{
        bool notifies = s->action == SECCOMP_RET_USER_NOTIF;

        for (size_t i = 0; i < s->rules.n; i++)
                notifies = notifies || s->rules.items[i].action == SECCOMP_RET_USER_NOTIF;
        return notifies;
}

static int check_listener(const SpecSeccomp *s, Error *e)
{
        if (spec_seccomp_notifies(s) && !s->listener)
                return error_set(e, -EINVAL, "SCMP_ACT_NOTIFY needs listenerPath, the socket of who decides");
        if (s->metadata && !s->listener)
                return error_set(e, -EINVAL, "listenerMetadata needs listenerPath");
        return 0;
}

typedef struct SeccompRead {
        SpecSeccomp *seccomp;
        ActionRead action;
} SeccompRead;

static const OciKey default_keys[] = {
                {"defaultAction", read_action, offsetof(SeccompRead, action.action), true, 0, 0, NULL},
                {"defaultErrnoRet", oci_number, offsetof(SeccompRead, action.number), false, 0, 65535, NULL},
};
static const OciKey keys[] = {
                {"listenerPath", read_listener, offsetof(SpecSeccomp, listener), false, 0, 0, NULL},
                {"listenerMetadata", oci_string, offsetof(SpecSeccomp, metadata), false, 0, 0, NULL},
                {"architectures", read_archs, offsetof(SpecSeccomp, archs), false, 0, 0, NULL},
                {"flags", read_flags, offsetof(SpecSeccomp, flags), false, 0, 0, NULL},
                {"syscalls", read_rules, 0, false, 0, 0, NULL},
};

int oci_seccomp(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SeccompRead read = {.seccomp = to};
        int k = oci_object(r, node, OCI_KEYS(default_keys), &read, e);

        if (k >= 0)
                k = action_value(&read.action, &read.seccomp->action, e);
        if (k >= 0)
                k = oci_object(r, node, OCI_KEYS(keys), to, e);
        if (k >= 0)
                k = check_listener(to, e);
        read.seccomp->set = k >= 0;
        return k;
}
