/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said about disk images: the policy of systemd.image-policy(7), and dm-verity. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/field.h"
#include "spec/value.h"

/* ---- --image-policy=PARTITION=WORD+WORD…:PARTITION=…:=WORD… ---- */

static const char *const partition_names[] = {
                [SPEC_PARTITION_ROOT] = "root",
                [SPEC_PARTITION_USR] = "usr",
                [SPEC_PARTITION_HOME] = "home",
                [SPEC_PARTITION_SRV] = "srv",
                [SPEC_PARTITION_XBOOTLDR] = "xbootldr",
                [SPEC_PARTITION_ESP] = "esp",
                [SPEC_PARTITION_VAR] = "var",
                [SPEC_PARTITION_TMP] = "tmp",
                [SPEC_PARTITION_SWAP] = "swap",
                [SPEC_PARTITION_ROOT_VERITY] = "root-verity",
                [SPEC_PARTITION_ROOT_VERITY_SIG] = "root-verity-sig",
                [SPEC_PARTITION_USR_VERITY] = "usr-verity",
                [SPEC_PARTITION_USR_VERITY_SIG] = "usr-verity-sig",
};
static_assert(ELEMENTSOF(partition_names) == _SPEC_PARTITION_MAX, "every partition has a name");

#define USE_PROTECTED                                                                                             \
        (SPEC_POLICY_VERITY | SPEC_POLICY_SIGNED | SPEC_POLICY_ENCRYPTED | SPEC_POLICY_ENCRYPTED_WITH_INTEGRITY | \
         SPEC_POLICY_UNPROTECTED)
#define USE_IGNORE (SPEC_POLICY_UNUSED | SPEC_POLICY_ABSENT)
#define USE_OPEN   (USE_PROTECTED | USE_IGNORE)
#define READ_ONLY  (SPEC_POLICY_READ_ONLY_ON | SPEC_POLICY_READ_ONLY_OFF)
#define GROW       (SPEC_POLICY_GROW_ON | SPEC_POLICY_GROW_OFF)

typedef struct PolicyWord {
        const char *word;
        uint32_t bits;
} PolicyWord;
/* Those of one bit first, in the order in which they are written. */
static const PolicyWord policy_words[] = {
                {"verity", SPEC_POLICY_VERITY},
                {"signed", SPEC_POLICY_SIGNED},
                {"encrypted", SPEC_POLICY_ENCRYPTED},
                {"encryptedwithintegrity", SPEC_POLICY_ENCRYPTED_WITH_INTEGRITY},
                {"unprotected", SPEC_POLICY_UNPROTECTED},
                {"unused", SPEC_POLICY_UNUSED},
                {"absent", SPEC_POLICY_ABSENT},
                {"read-only-off", SPEC_POLICY_READ_ONLY_OFF},
                {"read-only-on", SPEC_POLICY_READ_ONLY_ON},
                {"growfs-off", SPEC_POLICY_GROW_OFF},
                {"growfs-on", SPEC_POLICY_GROW_ON},
                {"open", USE_OPEN},
                {"ignore", USE_IGNORE},
};

const char *value_partition_to_name(SpecPartition which)
{
        return which >= 0 && which < _SPEC_PARTITION_MAX ? partition_names[which] : NULL;
}

int value_partition_from_name(const char *name)
{
        return value_find_name(partition_names, ELEMENTSOF(partition_names), name);
}

const char *value_policy_to_name(uint32_t bit)
{
        for (size_t i = 0; i < ELEMENTSOF(policy_words); i++)
                if (policy_words[i].bits == bit)
                        return policy_words[i].word;
        return NULL;
}

uint32_t spec_policy_allows(const SpecImagePolicy *p, SpecPartition which)
{
        uint32_t bits = p->listed[which] ? p->allowed[which] : p->others;
        if (!(bits & USE_OPEN))
                bits |= USE_OPEN;
        if (!(bits & READ_ONLY))
                bits |= READ_ONLY;
        if (!(bits & GROW))
                bits |= GROW;
        return bits;
}

SpecImagePolicy spec_policy_default(void)
{
        static const uint32_t system = SPEC_POLICY_VERITY | SPEC_POLICY_SIGNED | SPEC_POLICY_ENCRYPTED | SPEC_POLICY_UNPROTECTED |
                                       SPEC_POLICY_ABSENT,
                              data = SPEC_POLICY_ENCRYPTED | SPEC_POLICY_UNPROTECTED | SPEC_POLICY_ABSENT,
                              boot = SPEC_POLICY_UNPROTECTED | SPEC_POLICY_ABSENT;
        SpecImagePolicy p = {.others = USE_IGNORE};
        static const struct {
                SpecPartition which;
                uint32_t bits;
        } rows[] = {{SPEC_PARTITION_ROOT, system}, {SPEC_PARTITION_USR, system},   {SPEC_PARTITION_HOME, data},
                    {SPEC_PARTITION_SRV, data},    {SPEC_PARTITION_TMP, data},     {SPEC_PARTITION_VAR, data},
                    {SPEC_PARTITION_ESP, boot},    {SPEC_PARTITION_XBOOTLDR, boot}};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                p.listed[rows[i].which] = true;
                p.allowed[rows[i].which] = rows[i].bits;
        }
        return p;
}

static int policy_bits(const char *text, uint32_t *ret, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, "+");

        *ret = 0;
        STRV_FOREACH (word, words) {
                size_t i = 0;
                while (i < ELEMENTSOF(policy_words) && !str_eq(policy_words[i].word, *word))
                        i++;
                if (i == ELEMENTSOF(policy_words))
                        return error_set(e, -EINVAL,
                                         "'%s' is no word of an image policy; there are verity, signed, encrypted, "
                                         "encryptedwithintegrity, unprotected, unused, absent, open, ignore, read-only-on, "
                                         "read-only-off, growfs-on and growfs-off",
                                         *word);
                *ret |= policy_words[i].bits;
        }
        return *ret ? 0 : error_set(e, -EINVAL, "a partition in an image policy has nothing behind its '='");
}

static int policy_rule(SpecImagePolicy *p, const char *rule, bool *others, Error *e)
{
        const char *equals = strchr(rule, '=');
        if (!equals)
                return error_set(e, -EINVAL, "'%s' is no rule of an image policy; write PARTITION=WORD+WORD…, by colons", rule);
        _cleanup_free_ char *name = xstrndup(rule, (size_t)(equals - rule));
        int which = *name ? value_partition_from_name(name) : _SPEC_PARTITION_MAX;
        if (which < 0)
                return error_set(e, -EINVAL,
                                 "an image has no partition '%s'; there are root, usr, home, srv, esp, xbootldr, tmp, "
                                 "var, swap, and root and usr with -verity and -verity-sig",
                                 name);
        bool *seen = *name ? &p->listed[which] : others;
        if (*seen)
                return error_set(e, -EINVAL, "an image policy has two rules for '%s='", name);
        *seen = true;
        return policy_bits(equals + 1, *name ? &p->allowed[which] : &p->others, e);
}

static int policy_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        SpecImagePolicy p = {.others = USE_IGNORE};
        bool others = false;

        if (str_eq(text, "*"))
                p.others = USE_OPEN;
        else if (str_eq(text, "~"))
                p.others = SPEC_POLICY_ABSENT;
        else if (*text && !str_eq(text, "-")) {
                _cleanup_strv_ char **rules = strv_split(text, ":");
                STRV_FOREACH (rule, rules) {
                        int r = policy_rule(&p, *rule, &others, e);
                        if (r < 0)
                                return r;
                }
        }
        s->image_policy = p;
        return 0;
}

static void policy_add(Buf *out, const char *name, uint32_t bits)
{
        const char *between = "";

        buf_addf(out, "%s%s=", out->len > 0 ? ":" : "", name);
        for (size_t i = 0; i < ELEMENTSOF(policy_words) && bits; i++)
                if ((bits & policy_words[i].bits) == policy_words[i].bits) {
                        buf_addf(out, "%s%s", between, policy_words[i].word);
                        bits &= ~policy_words[i].bits;
                        between = "+";
                }
}

static void policy_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        const SpecImagePolicy *p = &s->image_policy;
        Buf out = {};

        for (SpecPartition i = 0; i < _SPEC_PARTITION_MAX; i++)
                if (p->listed[i])
                        policy_add(&out, partition_names[i], p->allowed[i]);
        policy_add(&out, "", p->others);
        strv_consume(ret, buf_take(&out));
}

static void policy_clear(MachineSpec *s, SpecField f)
{
        s->image_policy = (SpecImagePolicy){};
}
static void policy_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->image_policy = from->image_policy;
        policy_clear(from, f);
}
const ValueType value_image_policy = {policy_parse, policy_format, policy_take, policy_clear, NULL, false};

/* ---- --root-hash=, --root-hash-sig= ---- */

static int root_hash_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        size_t n = strlen(text);

        if (n < 32 || n % 2 != 0 || n > 256 || !str_is_hex(text, n))
                return error_set(e, -EINVAL, "'%s' is no root hash: 32 hexadecimal digits or more, an even number", text);
        char *hash = xstrdup(text);
        for (char *c = hash; *c; c++)
                *c = *c >= 'A' && *c <= 'F' ? *c + ('a' - 'A') : *c;
        value_string_assign(s, f, hash);
        return 0;
}
const ValueType value_root_hash = {root_hash_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

static int root_hash_sig_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        const char *base64 = str_startswith(text, "base64:");
        char *path = NULL;

        if (!base64) {
                int r = value_path_read(text, "signature", &path, e);
                if (r < 0)
                        return r;
        } else if (!*base64 ||
                   strspn(base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != strlen(base64))
                return error_set(e, -EINVAL, "what follows 'base64:' is not base64");
        value_string_assign(s, f, path ?: xstrdup(text));
        return 0;
}
const ValueType value_root_hash_sig = {
                root_hash_sig_parse, value_string_format, value_string_take, value_string_clear, NULL, false};
