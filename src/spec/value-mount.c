/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts: --bind=, --bind-ro=, --tmpfs=, --inaccessible=. */

#include "spec/value.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

static void mount_done(SpecMount *m)
{
        free(m->source);
        free(m->target);
        free(m->options);
        strv_free(m->layers);
        *m = (SpecMount){};
}

int value_fields_split(const char *text, char **fields, int n, bool rest)
{
        _cleanup_buf_ Buf field = {};
        int count = 0;

        for (;; text++) {
                bool last = rest && count == n - 1;
                if (!last && *text == '\\' && (text[1] == ':' || text[1] == '\\'))
                        buf_append(&field, ++text, 1);
                else if (*text && (*text != ':' || last))
                        buf_append(&field, text, 1);
                else {
                        if (count == n)
                                return -EINVAL;
                        fields[count++] = buf_take(&field);
                        if (!*text)
                                return count;
                }
        }
}

int value_path_read(const char *text, const char *what, char **ret, Error *e)
{
        if (!path_is_absolute(text))
                return error_set(e, -EINVAL, "the %s '%s' is not an absolute path", what, text);

        _cleanup_free_ char *path = path_simplify(xstrdup(text));
        if (!path_is_normalized(path))
                return error_set(e, -EINVAL, "the %s '%s' has '..' in it; write the path that is meant", what, text);
        free(*ret);
        *ret = TAKE_PTR(path);
        return 0;
}

/* ---- --bind=SOURCE[:TARGET[:OPTIONS]] ---- */

/* uid=N, gid=N: whose files they are inside. */
static int bind_owner(SpecMount *m, const char *word, Error *e)
{
        const char *number = strchr(word, '=') + 1;
        uint32_t id;

        if (str_parse_u32(number, &id) < 0 || id == UINT32_MAX)
                return error_set(e, -EINVAL, "'%s' is no user or group ID", number);
        if (!m->has_owner)
                m->uid = m->gid = id; /* one of them alone is both */
        if (*word == 'u')
                m->uid = id;
        else
                m->gid = id;
        m->has_owner = true;
        m->idmap = SPEC_IDMAP_OWNER;
        return 0;
}

static int bind_option(SpecMount *m, const char *word, Error *e)
{
        if (str_startswith(word, "uid=") || str_startswith(word, "gid="))
                return bind_owner(m, word, e);
        for (SpecIdmap i = 0; i < _SPEC_IDMAP_MAX; i++)
                if (str_eq(word, value_idmap_to_name(i))) {
                        m->idmap = i;
                        return 0;
                }
        if (str_eq(word, "rbind") || str_eq(word, "norbind")) {
                m->recursive = *word == 'r';
                return 0;
        }
        return error_set(e, -EINVAL,
                         "'%s' is no option of a bind mount; there are rbind, norbind, noidmap, idmap, rootidmap, owneridmap, "
                         "uid= and "
                         "gid=",
                         word);
}

static int bind_fields(SpecMount *m, char *const *fields, int n, Error *e)
{
        const char *source = fields[0];

        int r = 0;

        m->source_in_image = *source == '+';
        if (*source)
                r = value_path_read(source + m->source_in_image, "source", &m->source, e);
        else if (n < 2 || !*fields[1])
                r = error_set(e, -EINVAL, "a bind mount without a source, which is an empty directory, needs a target");
        if (r >= 0)
                r = value_path_read(n > 1 && *fields[1] ? fields[1] : m->source, "target", &m->target, e);
        if (r < 0 || n < 3)
                return r;

        _cleanup_strv_ char **words = strv_split(fields[2], ",");
        for (char **w = words; r >= 0 && w && *w; w++)
                r = bind_option(m, *w, e);
        return r;
}

static int bind_parse(SpecMount *m, const char *text, Error *e)
{
        char *fields[3] = {};
        int n = value_fields_split(text, fields, 3, false), r;

        m->recursive = true;
        if (n < 0)
                r = error_set(e, n,
                              "'%s' has too many parts; a bind mount is SOURCE[:TARGET[:OPTIONS]], and a colon in a path is "
                              "written \\:",
                              text);
        else
                r = bind_fields(m, fields, n, e);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                free(fields[i]);
        return r;
}

/* ---- --tmpfs=PATH[:OPTIONS], --inaccessible=PATH ---- */

static int tmpfs_parse(SpecMount *m, const char *text, Error *e)
{
        char *fields[2] = {};
        int n = value_fields_split(text, fields, 2, true);

        int r = value_path_read(fields[0], "target", &m->target, e);
        if (r >= 0 && n > 1 && *fields[1])
                m->options = TAKE_PTR(fields[1]);
        free(fields[0]);
        free(fields[1]);
        return r;
}

static int inaccessible_parse(SpecMount *m, const char *text, Error *e)
{
        return value_path_read(text, "path", &m->target, e);
}

/* ---- --overlay=LOWER[:LOWER…]:UPPER[:TARGET] ---- */

#define OVERLAY_FIELDS 64

/* The left one is the lowest. With two paths the second one is upper layer and target. */
static int overlay_fields(SpecMount *m, char *const *fields, int n, Error *e)
{
        const char *upper = fields[n == 2 ? 1 : n - 2], *target = fields[n - 1];
        int n_lower = n == 2 ? 1 : n - 2, r = 0;

        for (int i = 0; r >= 0 && i < n_lower; i++) {
                _cleanup_free_ char *path = NULL;
                bool in_image = *fields[i] == '+';
                r = value_path_read(fields[i] + in_image, "lower layer", &path, e);
                if (r >= 0)
                        strv_pushf(&m->layers, "%s%s", in_image ? "+" : "", path);
        }
        m->source_in_image = *upper == '+';
        if (r >= 0 && *upper)
                r = value_path_read(upper + m->source_in_image, m->read_only ? "layer" : "upper layer", &m->source, e);
        if (r >= 0 && n == 2 && !*upper)
                return error_set(e, -EINVAL, "an overlay whose upper layer is thrown away needs a target: LOWER::TARGET");
        if (r >= 0)
                r = value_path_read(target + (n == 2 && m->source_in_image), "target", &m->target, e);
        if (r < 0 || !m->read_only || !m->source)
                return r;
        strv_pushf(&m->layers, "%s%s", m->source_in_image ? "+" : "", m->source); /* nothing is written: the topmost of all */
        free(TAKE_PTR(m->source));
        return 0;
}

static int overlay_parse(SpecMount *m, const char *text, Error *e)
{
        char *fields[OVERLAY_FIELDS] = {};
        int n = value_fields_split(text, fields, OVERLAY_FIELDS, false), r;

        if (n < 0)
                r = error_set(e, n, "'%s' has more than %d parts", text, OVERLAY_FIELDS);
        else if (n < 2)
                r = error_set(e, -EINVAL,
                              "'%s' is no overlay; write LOWER[:LOWER…]:UPPER[:TARGET], a colon in a path as \\:", text);
        else
                r = overlay_fields(m, fields, n, e);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                free(fields[i]);
        return r;
}

typedef struct MountSpelling {
        SpecMountType type;
        bool read_only;
        int (*parse)(SpecMount *m, const char *text, Error *e);
} MountSpelling;

static const MountSpelling mount_spellings[_VARIANT_MAX] = {
                [VARIANT_BIND] = {SPEC_MOUNT_BIND, false, bind_parse},
                [VARIANT_BIND_READ_ONLY] = {SPEC_MOUNT_BIND, true, bind_parse},
                [VARIANT_TMPFS] = {SPEC_MOUNT_TMPFS, false, tmpfs_parse},
                [VARIANT_OVERLAY] = {SPEC_MOUNT_OVERLAY, false, overlay_parse},
                [VARIANT_OVERLAY_READ_ONLY] = {SPEC_MOUNT_OVERLAY, true, overlay_parse},
                [VARIANT_INACCESSIBLE] = {SPEC_MOUNT_INACCESSIBLE, false, inaccessible_parse},
};

static int mounts_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        const MountSpelling *sp = &mount_spellings[variant];
        SpecMount m = {.type = sp->type, .read_only = sp->read_only};

        int r = sp->parse(&m, text, e);
        if (r < 0)
                mount_done(&m);
        else
                *vec_push(&s->mounts) = m;
        return r;
}

static void field_add(Buf *out, const char *s)
{
        for (; *s; s++)
                buf_addf(out, *s == ':' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void layer_add(Buf *out, const char *path, bool in_image)
{
        buf_adds(out, in_image ? "+" : "");
        field_add(out, path);
        buf_adds(out, ":");
}

static char *overlay_format(const SpecMount *m)
{
        Buf out = {};

        STRV_FOREACH (l, m->layers)
                layer_add(&out, *l + (**l == '+'), **l == '+');
        if (m->source)
                layer_add(&out, m->source, m->source_in_image);
        else if (!m->read_only || strv_len(m->layers) == 1) /* alone it would be upper layer and target at once */
                buf_adds(&out, ":");
        field_add(&out, m->target);
        return buf_take(&out);
}

static char *mount_format(const SpecMount *m)
{
        Buf out = {};

        if (m->type == SPEC_MOUNT_INACCESSIBLE)
                return xstrdup(m->target);
        if (m->type == SPEC_MOUNT_OVERLAY)
                return overlay_format(m);
        if (m->type == SPEC_MOUNT_BIND) {
                buf_adds(&out, m->source_in_image ? "+" : "");
                field_add(&out, m->source ?: "");
                buf_adds(&out, ":");
        }
        field_add(&out, m->target);
        if (m->type == SPEC_MOUNT_BIND && m->has_owner)
                buf_addf(&out, ":%s,uid=%u,gid=%u", m->recursive ? "rbind" : "norbind", m->uid, m->gid);
        else if (m->type == SPEC_MOUNT_BIND)
                buf_addf(&out, ":%s,%s", m->recursive ? "rbind" : "norbind", value_idmap_to_name(m->idmap));
        else /* the default is written out: a target may end with a backslash, which at a line's end would join lines */
                buf_addf(&out, ":%s", m->options ?: "mode=0755");
        return buf_take(&out);
}

static void mounts_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        const MountSpelling *sp = &mount_spellings[variant];

        for (size_t i = 0; i < s->mounts.n; i++)
                if (s->mounts.items[i].type == sp->type && s->mounts.items[i].read_only == sp->read_only)
                        strv_consume(ret, mount_format(&s->mounts.items[i]));
}
static void mounts_clear(MachineSpec *s, SpecField f)
{
        for (size_t i = 0; i < s->mounts.n; i++)
                mount_done(&s->mounts.items[i]);
        free(s->mounts.items);
        s->mounts = (SpecMounts){};
}
static void mounts_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->mounts = from->mounts;
        from->mounts = (SpecMounts){};
}
const ValueType value_mounts = {mounts_parse, mounts_format, mounts_take, mounts_clear, NULL, true};
