/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The simple value types: booleans, paths, names, numbers. */

#include "spec/value.h"

#include <errno.h>
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

int value_find_name(const char *const *names, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (names[i] && strcasecmp(names[i], name) == 0)
                        return (int)i;
        return -EINVAL;
}

/* ---- booleans ---- */

static int bool_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int r = str_parse_bool(text);

        if (r < 0)
                return error_set(e, -EINVAL, "'%s' is neither yes nor no", text);
        *VALUE_MEMBER(bool, s, f) = r;
        return 0;
}
static void bool_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_push(ret, *VALUE_MEMBER(bool, s, f) ? "yes" : "no");
}
static void bool_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(bool, to, f) = *VALUE_MEMBER(bool, from, f);
        *VALUE_MEMBER(bool, from, f) = false;
}
static void bool_clear(MachineSpec *s, SpecField f)
{
        *VALUE_MEMBER(bool, s, f) = false;
}
static const char *const bool_choices[] = {"yes", "no", NULL};
const ValueType value_bool = {bool_parse, bool_format, bool_take, bool_clear, bool_choices, false};

/* ---- strings: what they share ---- */

void value_string_assign(MachineSpec *s, SpecField f, char *take)
{
        free(*VALUE_MEMBER(char *, s, f));
        *VALUE_MEMBER(char *, s, f) = take;
}
void value_string_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        if (*VALUE_MEMBER(char *, s, f))
                strv_push(ret, *VALUE_MEMBER(char *, s, f));
}
void value_string_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(char *, to, f) = TAKE_PTR(*VALUE_MEMBER(char *, from, f));
}
void value_string_clear(MachineSpec *s, SpecField f)
{
        value_string_assign(s, f, NULL);
}

/* Relative ones are made absolute by whoever knows the current directory (spec/argv.c). */
static int path_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (!path_is_absolute(text))
                return error_set(e, -EINVAL, "path '%s' is not absolute", text);

        _cleanup_free_ char *simple = path_simplify(xstrdup(text));
        if (!path_is_normalized(simple))
                return error_set(e, -EINVAL, "path '%s' has '..' in it; write the path that is meant", text);
        value_string_assign(s, f, TAKE_PTR(simple));
        return 0;
}
const ValueType value_path = {path_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

static int machine_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (!path_machine_name_is_valid(text))
                return error_set(e, -EINVAL,
                                 "'%s' cannot be a machine's name: letters, digits, '-' and '.' can be in it, at most 64", text);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_machine = {machine_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

static int hostname_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (!path_machine_name_is_valid(text))
                return error_set(e, -EINVAL, "'%s' cannot be a host name: letters, digits, '-' and '.' can be in it, at most 64",
                                 text);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_hostname = {hostname_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* valid_user_group_name() of systemd in its relaxed form, which is what images really hold. */
static int user_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        bool valid = *text != '\0' && *text != '-' && strlen(text) < 256;

        for (const unsigned char *c = (const unsigned char *)text; valid && *c; c++)
                valid = *c > ' ' && *c != 0x7f && *c != ':' && *c != '/';
        if (!valid)
                return error_set(e, -EINVAL, "'%s' cannot be a user's name or ID", text);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_user = {user_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* 32 hex digits, or the form with dashes. */
static int uuid_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        char hex[33];
        size_t n = 0;

        for (const char *c = text; *c && n < sizeof(hex) - 1; c++)
                if (*c != '-' || (c - text != 8 && c - text != 13 && c - text != 18 && c - text != 23))
                        hex[n++] = (char)tolower((unsigned char)*c);
        hex[n] = '\0';
        if (!str_is_hex(hex, 32) || (strlen(text) != 32 && strlen(text) != 36))
                return error_set(e, -EINVAL, "'%s' is no UUID: 32 hexadecimal digits", text);
        if (strspn(hex, "0") == 32)
                return error_set(e, -EINVAL, "the UUID of zeros is no machine's; leave it out for a random one");
        value_string_assign(s, f, xstrdup(hex));
        return 0;
}
const ValueType value_uuid = {uuid_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- time spans ---- */

static int seconds_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (str_parse_seconds(text, VALUE_MEMBER(uint64_t, s, f)) < 0)
                return error_set(e, -EINVAL, "'%s' is no time span; write it as 90, 2min 30s or infinity", text);
        return 0;
}
static void seconds_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        uint64_t usec = *VALUE_MEMBER(uint64_t, s, f);

        if (usec == USEC_INFINITY)
                strv_push(ret, "infinity");
        else
                strv_pushf(ret, "%lluus", (unsigned long long)usec);
}
void value_u64_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(uint64_t, to, f) = *VALUE_MEMBER(uint64_t, from, f);
        *VALUE_MEMBER(uint64_t, from, f) = 0;
}
void value_u64_clear(MachineSpec *s, SpecField f)
{
        *VALUE_MEMBER(uint64_t, s, f) = 0;
}
const ValueType value_seconds = {seconds_parse, seconds_format, value_u64_take, value_u64_clear, NULL, false};

/* ---- sizes and numbers ---- */

static int size_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (str_parse_size(text, VALUE_MEMBER(uint64_t, s, f)) < 0)
                return error_set(e, -EINVAL, "'%s' is no size; write bytes, or a number with K, M, G or T", text);
        return 0;
}
static int count_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (str_parse_u64(text, VALUE_MEMBER(uint64_t, s, f)) < 0)
                return error_set(e, -EINVAL, "'%s' is no number", text);
        return 0;
}
static void count_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_pushf(ret, "%llu", (unsigned long long)*VALUE_MEMBER(uint64_t, s, f));
}
static int delegate_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        uint32_t n;

        if (str_parse_u32(text, &n) < 0 || n > SPEC_DELEGATE_MAX)
                return error_set(e, -EINVAL, "'%s' is no number of ranges; up to %d can be delegated", text, SPEC_DELEGATE_MAX);
        s->users_delegate = n;
        return 0;
}
void value_u32_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_pushf(ret, "%u", *VALUE_MEMBER(uint32_t, s, f));
}
void value_u32_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(uint32_t, to, f) = *VALUE_MEMBER(uint32_t, from, f);
        *VALUE_MEMBER(uint32_t, from, f) = 0;
}
void value_u32_clear(MachineSpec *s, SpecField f)
{
        *VALUE_MEMBER(uint32_t, s, f) = 0;
}
const ValueType value_delegate = {delegate_parse, value_u32_format, value_u32_take, value_u32_clear, NULL, false};
const ValueType value_size = {size_parse, count_format, value_u64_take, value_u64_clear, NULL, false};
const ValueType value_count = {count_parse, count_format, value_u64_take, value_u64_clear, NULL, false};

/* ---- oom_score_adj ---- */

static int oom_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int32_t v;

        if (str_parse_i32(text, &v) < 0 || v < -1000 || v > 1000)
                return error_set(e, -EINVAL, "'%s' is no OOM score adjustment, which goes from -1000 to 1000", text);
        s->oom_score_adjust = v;
        return 0;
}
static void oom_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_pushf(ret, "%d", s->oom_score_adjust);
}
static void oom_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->oom_score_adjust = from->oom_score_adjust;
        from->oom_score_adjust = 0;
}
static void oom_clear(MachineSpec *s, SpecField f)
{
        s->oom_score_adjust = 0;
}
const ValueType value_oom_score = {oom_parse, oom_format, oom_take, oom_clear, NULL, false};

/* ---- CPU lists: "0-3,5 7" ---- */

static int cpus_parse_range(MachineSpec *s, const char *word, Error *e)
{
        const char *dash = strchr(word, '-');
        _cleanup_free_ char *first = dash ? xstrndup(word, (size_t)(dash - word)) : xstrdup(word);
        uint32_t from, to;

        if (str_parse_u32(first, &from) < 0 || str_parse_u32(dash ? dash + 1 : word, &to) < 0 || from > to)
                return error_set(e, -EINVAL, "'%s' is no CPU and no range of CPUs, as in 0-3", word);
        if (to >= SPEC_CPU_WORDS * 64)
                return error_set(e, -ERANGE, "CPU %u is past the last one that can be named, %u", to, SPEC_CPU_WORDS * 64 - 1);
        for (uint32_t i = from; i <= to; i++)
                s->cpu_affinity[i / 64] |= UINT64_C(1) << (i % 64);
        return 0;
}
static int cpus_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ", \t");

        if (strv_len(words) == 0)
                return error_set(e, -EINVAL, "the list of CPUs is empty");
        STRV_FOREACH (w, words) {
                int r = cpus_parse_range(s, *w, e);
                if (r < 0)
                        return r;
        }
        return 0;
}
static void cpus_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        _cleanup_strv_ char **words = NULL;

        for (unsigned i = 0; i < SPEC_CPU_WORDS * 64; i++)
                if (s->cpu_affinity[i / 64] & (UINT64_C(1) << (i % 64)))
                        strv_pushf(&words, "%u", i);
        if (words)
                strv_consume(ret, strv_join(words, ","));
}
static void cpus_clear(MachineSpec *s, SpecField f)
{
        memset(s->cpu_affinity, 0, sizeof(s->cpu_affinity));
}
static void cpus_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        memcpy(to->cpu_affinity, from->cpu_affinity, sizeof(to->cpu_affinity));
        cpus_clear(from, f);
}
const ValueType value_cpus = {cpus_parse, cpus_format, cpus_take, cpus_clear, NULL, true};

/* ---- resource limits: SOFT[:HARD] ---- */

static bool rlimit_is_bytes(unsigned which)
{
        return which == RLIMIT_FSIZE || which == RLIMIT_DATA || which == RLIMIT_STACK || which == RLIMIT_CORE ||
               which == RLIMIT_RSS || which == RLIMIT_AS || which == RLIMIT_MEMLOCK || which == RLIMIT_MSGQUEUE;
}

/* Seconds for CPU, microseconds for RTTIME; a bare number is in the limit's own unit. */
static int rlimit_parse_time(unsigned which, const char *text, uint64_t *ret)
{
        uint64_t usec;

        if (str_parse_u64(text, ret) >= 0)
                return 0;
        int r = str_parse_seconds(text, &usec);
        if (r >= 0)
                *ret = which == RLIMIT_CPU ? (usec + USEC_PER_SEC - 1) / USEC_PER_SEC : usec;
        return r;
}

/* A nice level of -20…19 with its sign, or the kernel's own 1…40. */
static int rlimit_parse_nice(const char *text, uint64_t *ret)
{
        int32_t level;

        if (*text != '+' && *text != '-')
                return str_parse_u64(text, ret) < 0 || *ret > 40 ? -EINVAL : 0;
        if (str_parse_i32(text + (*text == '+'), &level) < 0 || level < -20 || level > 19)
                return -EINVAL;
        *ret = (uint64_t)(20 - level);
        return 0;
}

static int rlimit_parse_one(unsigned which, const char *text, uint64_t *ret)
{
        if (str_eq(text, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }
        if (which == RLIMIT_CPU || which == RLIMIT_RTTIME)
                return rlimit_parse_time(which, text, ret);
        if (which == RLIMIT_NICE)
                return rlimit_parse_nice(text, ret);
        return rlimit_is_bytes(which) ? str_parse_size(text, ret) : str_parse_u64(text, ret);
}

static int rlimit_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        unsigned which = f - SPEC_FIELD_RLIMIT;
        const char *colon = strchr(text, ':'), *name = value_rlimit_to_name(which);
        _cleanup_free_ char *soft_text = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
        SpecRlimit l;

        if (rlimit_parse_one(which, soft_text, &l.soft) < 0 ||
            rlimit_parse_one(which, colon ? colon + 1 : soft_text, &l.hard) < 0)
                return error_set(e, -EINVAL, "'%s' is no limit for %s; write SOFT[:HARD] with numbers or 'infinity'", text, name);
        if (l.soft > l.hard)
                return error_set(e, -EINVAL, "the soft limit of %s is above its hard limit in '%s'", name, text);
        s->rlimit[which] = l;
        return 0;
}
static void rlimit_push(char **ret, uint64_t v)
{
        *ret = v == UINT64_MAX ? xstrdup("infinity") : xasprintf("%llu", (unsigned long long)v);
}
static void rlimit_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        const SpecRlimit *l = &s->rlimit[f - SPEC_FIELD_RLIMIT];
        _cleanup_free_ char *soft = NULL, *hard = NULL;

        rlimit_push(&soft, l->soft);
        rlimit_push(&hard, l->hard);
        strv_pushf(ret, "%s:%s", soft, hard);
}
static void rlimit_clear(MachineSpec *s, SpecField f)
{
        s->rlimit[f - SPEC_FIELD_RLIMIT] = (SpecRlimit){};
}
static void rlimit_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->rlimit[f - SPEC_FIELD_RLIMIT] = from->rlimit[f - SPEC_FIELD_RLIMIT];
        rlimit_clear(from, f);
}
const ValueType value_rlimit = {rlimit_parse, rlimit_format, rlimit_take, rlimit_clear, NULL, false};
