/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings with a grammar of their own: slices, ID maps, the root to pivot to, filters, users, credentials. */

#include "spec/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

/* ---- --slice=NAME[.slice] ---- */

static int slice_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\-";
        const char *suffix = str_endswith(text, ".slice");
        size_t len = suffix ? (size_t)(suffix - text) : strlen(text);
        _cleanup_free_ char *name = xstrndup(text, len);

        if (len == 0 || len > 200 || strspn(name, allowed) != len || *name == '.' || strstr(name, "--") ||
            (len > 1 && (*name == '-' || name[len - 1] == '-')))
                return error_set(e, -EINVAL, "'%s' cannot be a slice's name, as in machine.slice or machine-web.slice", text);
        value_string_assign(s, f, xasprintf("%s.slice", name));
        return 0;
}
const ValueType value_slice = {slice_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- SELinux labels ---- */

/* What a policy calls user:role:type, with a level or without; it alone knows which there are. */
static int label_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        const char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;

        if (!second || first == text || second == first + 1 || !second[1] || strpbrk(text, " \t\n\""))
                return error_set(e, -EINVAL, "'%s' is no SELinux label; write USER:ROLE:TYPE or USER:ROLE:TYPE:LEVEL", text);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_label = {label_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- --background=COLOR ---- */

static int background_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ";");
        size_t n = strv_len(words);
        uint32_t v[5] = {};
        bool valid = n <= 5 && strspn(text, "0123456789;") == strlen(text);

        for (size_t i = 0; valid && i < n; i++)
                valid = str_parse_u32(words[i], &v[i]) >= 0 && v[i] < 256;
        if (n == 1)
                valid = valid && ((v[0] >= 40 && v[0] <= 47) || (v[0] >= 100 && v[0] <= 107));
        else if (n > 0)
                valid = valid && v[0] == 48 && ((n == 5 && v[1] == 2) || (n == 3 && v[1] == 5));
        if (!valid)
                return error_set(e, -EINVAL,
                                 "'%s' is no colour of a background; write 40 to 47, 100 to 107, 48;5;N or 48;2;R;G;B", text);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_background = {background_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- --pivot-root=NEW[:OLD] ---- */

static void pivot_root_clear(MachineSpec *s, SpecField f)
{
        free(TAKE_PTR(s->pivot_root));
        free(TAKE_PTR(s->pivot_root_old));
}
static int pivot_root_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        char *fields[2] = {};
        int n = value_fields_split(text, fields, 2, false);
        int r = n < 0 ? error_set(e, n, "'%s' has too many parts; write NEW[:OLD]", text) : 0;

        pivot_root_clear(s, f);
        if (r >= 0)
                r = value_path_read(fields[0], "new root", &s->pivot_root, e);
        if (r >= 0 && n > 1)
                r = value_path_read(fields[1], "place for the old root", &s->pivot_root_old, e);
        if (r >= 0 && (str_eq(s->pivot_root, "/") || str_eq(s->pivot_root_old, "/")))
                r = error_set(e, -EINVAL, "'%s': the root is there already; name a directory below it", text);
        free(fields[0]);
        free(fields[1]);
        return r;
}
static void field_add(Buf *out, const char *s)
{
        for (; *s; s++)
                buf_addf(out, *s == ':' || *s == '\\' ? "\\%c" : "%c", *s);
}
static void pivot_root_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        Buf out = {};

        field_add(&out, s->pivot_root);
        if (s->pivot_root_old) {
                buf_adds(&out, ":");
                field_add(&out, s->pivot_root_old);
        }
        strv_consume(ret, buf_take(&out));
}
static void pivot_root_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->pivot_root = TAKE_PTR(from->pivot_root);
        to->pivot_root_old = TAKE_PTR(from->pivot_root_old);
}
const ValueType value_pivot_root = {pivot_root_parse, pivot_root_format, pivot_root_take, pivot_root_clear, NULL, false};

/* ---- --private-users-map=INSIDE:OUTSIDE:COUNT ---- */

static bool ranges_overlap(uint32_t a, uint32_t b, const SpecIdRange *x, const SpecIdRange *y)
{
        return (uint64_t)a < (uint64_t)b + y->count && (uint64_t)b < (uint64_t)a + x->count;
}
static int users_map_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ":");
        SpecIdRange m;

        if (strv_len(words) != 3 || str_parse_u32(words[0], &m.inside) < 0 || str_parse_u32(words[1], &m.outside) < 0 ||
            str_parse_u32(words[2], &m.count) < 0)
                return error_set(e, -EINVAL, "'%s' is no ID map; write INSIDE:OUTSIDE:COUNT", text);
        if (m.count == 0 || m.inside > UINT32_MAX - m.count || m.outside > UINT32_MAX - m.count)
                return error_set(e, -EINVAL, "the ID map '%s' is empty or goes past the last ID, %u", text, UINT32_MAX - 1);
        for (size_t i = 0; i < s->users_map.n; i++) {
                const SpecIdRange *o = &s->users_map.items[i];
                if (ranges_overlap(m.inside, o->inside, &m, o) || ranges_overlap(m.outside, o->outside, &m, o))
                        return error_set(e, -EINVAL, "the ID maps '%s' and '%u:%u:%u' overlap", text, o->inside, o->outside,
                                         o->count);
        }
        if (s->users_map.n >= 340) /* UID_GID_MAP_MAX_EXTENTS of the kernel */
                return error_set(e, -E2BIG, "the kernel takes at most 340 ID maps");
        *vec_push(&s->users_map) = m;
        return 0;
}
static void users_map_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        for (size_t i = 0; i < s->users_map.n; i++) {
                const SpecIdRange *m = &s->users_map.items[i];
                strv_pushf(ret, "%u:%u:%u", m->inside, m->outside, m->count);
        }
}
static void users_map_clear(MachineSpec *s, SpecField f)
{
        free(s->users_map.items);
        s->users_map = (SpecIdRanges){};
}
static void users_map_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->users_map = from->users_map;
        from->users_map = (SpecIdRanges){};
}
const ValueType value_users_map = {users_map_parse, users_map_format, users_map_take, users_map_clear, NULL, true};

/* ---- --system-call-filter=LIST or ~LIST, --restrict-address-families= likewise ---- */

static int filter_add(MachineSpec *s, SpecField f, const char *text, int (*check)(const char *word, Error *e), Error *e)
{
        bool refuse = *text == '~';
        _cleanup_strv_ char **words = strv_split(text + refuse, ", \t\n");

        STRV_FOREACH (w, words) {
                int r = check(*w, e);
                if (r < 0)
                        return r;
                strv_pushf(VALUE_MEMBER(char **, s, f), "%s%s", refuse ? "~" : "", *w);
        }
        return 0;
}
/* Which calls and groups there are depends on the architecture: the plan knows. */
static int check_call(const char *word, Error *e)
{
        const char *name = word + (*word == '@');

        if (*name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name))
                return 0;
        return error_set(e, -EINVAL, "'%s' is neither a system call nor a @group of them", word);
}
static int filter_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        return filter_add(s, f, text, check_call, e);
}
static void filter_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        _cleanup_strv_ char **allow = NULL, **refuse = NULL;

        STRV_FOREACH (w, *VALUE_MEMBER(char **, s, f)) {
                bool tilde = **w == '~';
                strv_push(tilde ? &refuse : &allow, *w + tilde);
        }
        if (allow)
                strv_consume(ret, strv_join(allow, " "));
        if (refuse) {
                _cleanup_free_ char *joined = strv_join(refuse, " ");
                strv_pushf(ret, "~%s", joined);
        }
}
const ValueType value_filter = {filter_parse, filter_format, value_strv_take, value_strv_clear, NULL, true};

/* The families of <linux/socket.h>, which are the same everywhere. */
static const char *const family_names[] = {
                [1] = "AF_UNIX",     [2] = "AF_INET",    [3] = "AF_AX25",      [4] = "AF_IPX",      [5] = "AF_APPLETALK",
                [6] = "AF_NETROM",   [7] = "AF_BRIDGE",  [8] = "AF_ATMPVC",    [9] = "AF_X25",      [10] = "AF_INET6",
                [11] = "AF_ROSE",    [12] = "AF_DECnet", [14] = "AF_SECURITY", [15] = "AF_KEY",     [16] = "AF_NETLINK",
                [17] = "AF_PACKET",  [18] = "AF_ASH",    [19] = "AF_ECONET",   [20] = "AF_ATMSVC",  [21] = "AF_RDS",
                [22] = "AF_SNA",     [23] = "AF_IRDA",   [24] = "AF_PPPOX",    [25] = "AF_WANPIPE", [26] = "AF_LLC",
                [27] = "AF_IB",      [28] = "AF_MPLS",   [29] = "AF_CAN",      [30] = "AF_TIPC",    [31] = "AF_BLUETOOTH",
                [32] = "AF_IUCV",    [33] = "AF_RXRPC",  [34] = "AF_ISDN",     [35] = "AF_PHONET",  [36] = "AF_IEEE802154",
                [37] = "AF_CAIF",    [38] = "AF_ALG",    [39] = "AF_NFC",      [40] = "AF_VSOCK",   [41] = "AF_KCM",
                [42] = "AF_QIPCRTR", [43] = "AF_SMC",    [44] = "AF_XDP",      [45] = "AF_MCTP",
};

int value_family_from_name(const char *name)
{
        return str_eq(name, "AF_LOCAL") ? AF_UNIX : value_find_name(family_names, ELEMENTSOF(family_names), name);
}

static int check_family(const char *word, Error *e)
{
        if (str_eq(word, "none") || value_family_from_name(word) >= 0)
                return 0;
        return error_set(e, -EINVAL, "'%s' is no address family, as AF_INET is; address_families(7) lists them", word);
}
static int families_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        bool mixed = s->address_families && (**s->address_families == '~') != (*text == '~');

        if (mixed)
                return error_set(e, -EINVAL, "'%s': address families are either all allowed ones, or all refused ones behind a ~",
                                 text);
        return filter_add(s, f, text, check_family, e);
}
const ValueType value_families = {families_parse, filter_format, value_strv_take, value_strv_clear, NULL, true};

/* ---- --bind-user=USER, --bind-user-group=GROUP, --bind-user-shell=BOOL|PATH ---- */

static int user_names_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ", \t");

        STRV_FOREACH (w, words) {
                bool valid = (isalpha((unsigned char)**w) || **w == '_') && strlen(*w) < 32;
                for (const char *c = *w; valid && *c; c++)
                        valid = isalnum((unsigned char)*c) || strchr("_-.", *c);
                if (!valid)
                        return error_set(e, -EINVAL, "'%s' cannot be a user's or group's name", *w);
                if (!strv_contains(*VALUE_MEMBER(char **, s, f), *w))
                        strv_push(VALUE_MEMBER(char **, s, f), *w);
        }
        return 0;
}
const ValueType value_user_names = {user_names_parse, value_strv_format, value_strv_take, value_strv_clear, NULL, true};

static int user_shell_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int b = str_parse_bool(text);

        if (b < 0 && (!path_is_absolute(text) || !path_is_normalized(text)))
                return error_set(e, -EINVAL, "'%s' is no shell: an absolute path, yes for the user's own, or no", text);
        value_string_assign(s, f, xstrdup(b < 0 ? text : b ? "yes" : "no"));
        return 0;
}
const ValueType value_user_shell = {user_shell_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- --set-credential=ID:VALUE, --load-credential=ID:PATH ---- */

#define CREDENTIAL_NAME_MAX 255
#define CREDENTIAL_SIZE_MAX (1024 * 1024) /* of systemd.exec(5) */

static void credential_done(SpecCredential *c)
{
        free(c->id);
        free(c->path);
        if (c->data)
                explicit_bzero(c->data, c->len);
        free(c->data);
        *c = (SpecCredential){};
}

static int hex_digits(const char *s, size_t n, unsigned base)
{
        char digits[9] = {};
        char *end;

        for (size_t i = 0; i < n; i++)
                if (!isxdigit((unsigned char)s[i]))
                        return -EINVAL;
        memcpy(digits, s, n);
        unsigned long v = strtoul(digits, &end, (int)base);
        return *end || v > 0xff ? -EINVAL : (int)v;
}

/* The character behind a backslash at *p, which is moved past it. */
static int unescape_one(const char **p)
{
        static const char letters[] = "abfnrtv\\\"'s", values[] = "\a\b\f\n\r\t\v\\\"' ";
        const char *letter = **p ? strchr(letters, **p) : NULL;
        int r;

        if (letter) {
                (*p)++;
                return (unsigned char)values[letter - letters];
        }
        if (**p == 'x') {
                r = hex_digits(*p + 1, strnlen(*p + 1, 2), 16);
                *p += 3;
                return r;
        }
        r = strnlen(*p, 3) == 3 ? hex_digits(*p, 3, 8) : -EINVAL;
        *p += 3;
        return r;
}

static int unescape(const char *text, unsigned char **ret, size_t *ret_len)
{
        _cleanup_free_ unsigned char *out = xnew(unsigned char, strlen(text) + 1);
        size_t n = 0;

        for (const char *p = text; *p;) {
                if (*p != '\\') {
                        out[n++] = (unsigned char)*p++;
                        continue;
                }
                p++;
                if (*p == 'x' && strnlen(p, 3) < 3)
                        return -EINVAL;
                int c = unescape_one(&p);
                if (c < 0)
                        return c;
                out[n++] = (unsigned char)c;
        }
        *ret = TAKE_PTR(out);
        *ret_len = n;
        return 0;
}

static bool credential_id_is_valid(const char *id)
{
        for (const unsigned char *c = (const unsigned char *)id; *c; c++)
                if (*c < ' ' || *c == 0x7f || *c == '/' || *c == ':')
                        return false;
        return *id && strlen(id) <= CREDENTIAL_NAME_MAX && !str_eq(id, ".") && !str_eq(id, "..");
}

static int credential_read(SpecCredential *c, ValueVariant variant, const char *text, Error *e)
{
        const char *colon = strchr(text, ':');

        if (!colon)
                return error_set(e, -EINVAL, "'%s' is no credential; write ID:%s", text,
                                 variant == VARIANT_SET ? "VALUE" : "PATH");
        c->id = xstrndup(text, (size_t)(colon - text));
        if (!credential_id_is_valid(c->id))
                return error_set(e, -EINVAL, "'%s' cannot be a credential's name, which is a file name", c->id);
        if (variant == VARIANT_SET) {
                if (unescape(colon + 1, &c->data, &c->len) < 0)
                        return error_set(e, -EINVAL, "the value of credential '%s' has a backslash that begins no escape of C",
                                         c->id);
                return c->len > CREDENTIAL_SIZE_MAX ? error_set(e, -E2BIG, "credential '%s' is larger than 1M", c->id) : 0;
        }
        if (!path_is_absolute(colon + 1) && (strchr(colon + 1, '/') || !credential_id_is_valid(colon + 1)))
                return error_set(e, -EINVAL, "'%s' is neither an absolute path nor the name of a credential of berth's own",
                                 colon + 1);
        c->path = xstrdup(colon + 1);
        return 0;
}

static int credentials_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        SpecCredential c = {};
        int r = credential_read(&c, variant, text, e);

        for (size_t i = 0; r >= 0 && i < s->credentials.n; i++)
                if (str_eq(s->credentials.items[i].id, c.id))
                        r = error_set(e, -EEXIST, "credential '%s' is given twice", c.id);
        if (r < 0)
                credential_done(&c);
        else
                *vec_push(&s->credentials) = c;
        return r;
}
static void credentials_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        for (size_t i = 0; i < s->credentials.n; i++) {
                const SpecCredential *c = &s->credentials.items[i];
                Buf out = {};
                if ((c->path != NULL) != (variant == VARIANT_LOAD))
                        continue;
                buf_addf(&out, "%s:%s", c->id, c->path ?: "");
                for (size_t k = 0; k < c->len; k++)
                        buf_addf(&out, "\\x%02x", c->data[k]);
                strv_consume(ret, buf_take(&out));
        }
}
static void credentials_clear(MachineSpec *s, SpecField f)
{
        for (size_t i = 0; i < s->credentials.n; i++)
                credential_done(&s->credentials.items[i]);
        free(s->credentials.items);
        s->credentials = (SpecCredentials){};
}
static void credentials_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->credentials = from->credentials;
        from->credentials = (SpecCredentials){};
}
const ValueType value_credentials = {credentials_parse, credentials_format, credentials_take, credentials_clear, NULL, true};
