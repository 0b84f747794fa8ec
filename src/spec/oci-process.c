/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json: process. */

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"
#include "spec/value.h"

/* ---- the command ---- */

static int read_args(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        _cleanup_strv_ char **words = NULL;
        int k = oci_strings(r, node, key, &words, e);

        if (k < 0)
                return k;
        if (!words || !*words[0])
                return error_set(e, -EINVAL, "there is no program to run");
        spec_set_parameters(r->spec, words, r->file->name);
        return 0;
}

static int one_variable(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        if (!strchr(node->text, '=') || *node->text == '=')
                return error_set(e, -EINVAL, "'%s' is no NAME=VALUE", node->text);
        strv_env_set(&r->spec->environment, node->text);
        return 0;
}

static int read_env(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_each(r, node, JSON_ARRAY, one_variable, key, to, e);

        if (k >= 0 && r->spec->environment)
                spec_mark(r->spec, SPEC_FIELD_ENVIRONMENT, r->file->name);
        return k;
}

static int read_cwd(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0 && *node->text != '/')
                return error_set(e, -EINVAL, "'%s' is no absolute path", node->text);
        if (k >= 0)
                k = oci_inside_path(node->text, &r->spec->chdir, e);
        if (k >= 0)
                spec_mark(r->spec, SPEC_FIELD_CHDIR, r->file->name);
        return k;
}

static const OciKey size_keys[] = {
                {"height", oci_u32, offsetof(SpecBundle, rows), true, 0, UINT16_MAX, NULL},
                {"width", oci_u32, offsetof(SpecBundle, columns), true, 0, UINT16_MAX, NULL},
};

static int read_size(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(size_keys), r->bundle, e);
}

/* ---- user ---- */

static int one_group(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const OciKey id = {.name = "gid", .low = 0, .high = UINT32_MAX - 1};

        return oci_u32(r, node, &id, vec_push(&r->bundle->groups), e);
}

static int read_groups(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_each(r, node, JSON_ARRAY, one_group, key, to, e);

        if (k >= 0 && r->bundle->groups.n > 65536) /* NGROUPS_MAX */
                return error_set(e, -E2BIG, "the kernel takes at most 65536 groups");
        return k;
}

static const OciKey user_keys[] = {
                {"uid", oci_u32, offsetof(SpecBundle, uid), false, 0, UINT32_MAX - 1, NULL},
                {"gid", oci_u32, offsetof(SpecBundle, gid), false, 0, UINT32_MAX - 1, NULL},
                {"umask", oci_u32, offsetof(SpecBundle, umask), false, 0, 0777, NULL},
                {"additionalGids", read_groups, 0, false, 0, 0, NULL},
                {"username", NULL, 0, false, 0, 0, NULL}, /* of Windows */
};

static int read_user(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(user_keys), r->bundle, e);
}

/* ---- rights ---- */

static int one_capability(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        int cap = str_startswith(node->text, "CAP_") ? value_capability_from_name(node->text) : -EINVAL;
        if (cap < 0) { /* "MUST be logged as a warning and otherwise ignored" */
                oci_warn(r, "there is no capability '%s'; it is left out", node->text);
                return 0;
        }
        *(uint64_t *)to |= UINT64_C(1) << cap;
        return 0;
}

static int read_set(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_capability, key, to, e);
}

#define SET(name)                                                              \
        {                                                                      \
#name, read_set, offsetof(SpecBundle, name), false, 0, 0, NULL \
        }
static const OciKey capability_keys[] = {SET(bounding), SET(effective), SET(permitted), SET(inheritable), SET(ambient)};

static int read_capabilities(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(capability_keys), r->bundle, e);
}

static int read_no_new_privileges(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_bool(r, node, key, &r->spec->no_new_privileges, e);

        if (k >= 0)
                spec_mark(r->spec, SPEC_FIELD_NO_NEW_PRIVILEGES, r->file->name);
        return k;
}

/* ---- limits ---- */

typedef struct Limit {
        char *type;
        uint64_t soft, hard;
} Limit;

static const OciKey limit_keys[] = {
                {"type", oci_string, offsetof(Limit, type), true, 0, 0, NULL},
                {"soft", oci_u64, offsetof(Limit, soft), true, 0, 0, NULL},
                {"hard", oci_u64, offsetof(Limit, hard), true, 0, 0, NULL},
};

static int apply_limit(OciReader *r, const Limit *l, Error *e)
{
        int which = str_startswith(l->type, "RLIMIT_") ? value_rlimit_from_name(l->type) : -EINVAL;

        if (which < 0)
                return error_set(e, -EINVAL, "there is no limit '%s'; getrlimit(2) lists them", l->type);
        SpecField f = (SpecField)(SPEC_FIELD_RLIMIT + which);
        if (spec_is_set(r->spec, f))
                return error_set(e, -EINVAL, "%s is given twice", l->type);
        if (l->soft > l->hard)
                return error_set(e, -EINVAL, "the soft limit of %s is above its hard limit", l->type);
        r->spec->rlimit[which] = (SpecRlimit){l->soft, l->hard};
        spec_mark(r->spec, f, r->file->name);
        return 0;
}

static int one_limit(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        Limit l = {};
        int k = oci_object(r, node, OCI_KEYS(limit_keys), &l, e);

        if (k >= 0)
                k = apply_limit(r, &l, e);
        free(l.type);
        return k;
}

static int read_limits(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_limit, key, to, e);
}

static int read_oom_score(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int64_t v;
        int k = oci_i64(r, node, key, &v, e);

        if (k >= 0 && (v < -1000 || v > 1000))
                return error_set(e, -ERANGE, "%s is not between -1000 and 1000", node->text);
        if (k >= 0) {
                r->spec->oom_score_adjust = (int)v;
                spec_mark(r->spec, SPEC_FIELD_OOM_SCORE_ADJUST, r->file->name);
        }
        return k;
}

/* ---- scheduling ---- */

static int read_policy(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",       "SCHED_BATCH",
                                            "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE", NULL};
        int k = oci_choice(node, names, e);

        if (k == 4)
                return error_set(e, -EOPNOTSUPP, "no kernel has had SCHED_ISO yet");
        if (k >= 0)
                *(uint32_t *)to = (uint32_t)k; /* the names are in the kernel's order */
        return k;
}

static int one_scheduler_flag(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",
                                            "SCHED_FLAG_DL_OVERRUN",     "SCHED_FLAG_KEEP_POLICY",
                                            "SCHED_FLAG_KEEP_PARAMS",    "SCHED_FLAG_UTIL_CLAMP_MIN",
                                            "SCHED_FLAG_UTIL_CLAMP_MAX", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(uint64_t *)to |= UINT64_C(1) << k;
        return k;
}

static int read_scheduler_flags(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_scheduler_flag, key, to, e);
}

static const OciKey scheduler_keys[] = {
                {"policy", read_policy, offsetof(SpecScheduler, policy), true, 0, 0, NULL},
                {"nice", oci_i32, offsetof(SpecScheduler, nice), false, -20, 19, NULL},
                {"priority", oci_i32, offsetof(SpecScheduler, priority), false, 0, 99, NULL},
                {"flags", read_scheduler_flags, offsetof(SpecScheduler, flags), false, 0, 0, NULL},
                {"runtime", oci_u64, offsetof(SpecScheduler, runtime), false, 0, 0, NULL},
                {"deadline", oci_u64, offsetof(SpecScheduler, deadline), false, 0, 0, NULL},
                {"period", oci_u64, offsetof(SpecScheduler, period), false, 0, 0, NULL},
};

static int read_scheduler(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecScheduler *s = &r->bundle->scheduler;
        int k = oci_object(r, node, OCI_KEYS(scheduler_keys), s, e);

        s->set = k >= 0;
        return k;
}

typedef struct IoPriority {
        uint32_t class;
        uint32_t priority;
} IoPriority;

static int read_io_class(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(uint32_t *)to = (uint32_t)k + IOPRIO_CLASS_RT;
        return k;
}

static const OciKey io_keys[] = {
                {"class", read_io_class, offsetof(IoPriority, class), true, 0, 0, NULL},
                {"priority", oci_u32, offsetof(IoPriority, priority), false, 0, 7, NULL},
};

static int read_io_priority(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        IoPriority io = {};
        int k = oci_object(r, node, OCI_KEYS(io_keys), &io, e);

        if (k >= 0)
                r->bundle->io_priority = IOPRIO_PRIO_VALUE(io.class, io.priority);
        return k;
}

/* ---- process ---- */

static const OciKey keys[] = {
                {"commandLine", NULL, 0, false, 0, 0, NULL}, /* of Windows */
                {"terminal", oci_bool, offsetof(SpecBundle, terminal), false, 0, 0, NULL},
                {"consoleSize", read_size, 0, false, 0, 0, NULL},
                {"args", read_args, 0, true, 0, 0, NULL},
                {"env", read_env, 0, false, 0, 0, NULL},
                {"cwd", read_cwd, 0, true, 0, 0, NULL},
                {"user", read_user, 0, false, 0, 0, NULL},
                {"capabilities", read_capabilities, 0, false, 0, 0, NULL},
                {"noNewPrivileges", read_no_new_privileges, 0, false, 0, 0, NULL},
                {"rlimits", read_limits, 0, false, 0, 0, NULL},
                {"oomScoreAdj", read_oom_score, 0, false, 0, 0, NULL},
                {"apparmorProfile", oci_string, offsetof(SpecBundle, apparmor), false, 0, 0, NULL},
                {"selinuxLabel", oci_string, offsetof(SpecBundle, selinux), false, 0, 0, NULL},
                {"scheduler", read_scheduler, 0, false, 0, 0, NULL},
                {"ioPriority", read_io_priority, 0, false, 0, 0, NULL},
                /* "not applicable to the container's init process", which is the only one that is started from here */
                {"execCPUAffinity", NULL, 0, false, 0, 0, NULL},
};

int oci_process(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        r->bundle->umask = 0022;
        return oci_object(r, node, OCI_KEYS(keys), r->bundle, e);
}
