/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spec.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/spelling.h"

void spec_init(MachineSpec *s)
{
        *s = (MachineSpec){};
}

static void clear_field(MachineSpec *s, SpecField f)
{
        field_row(f)->type->clear(s, f);
        free(TAKE_PTR(s->origin[f]));
}

void spec_done(MachineSpec *s)
{
        for (SpecField f = 0; f < _SPEC_FIELD_MAX; f++)
                clear_field(s, f);
}

bool spec_names_image(const MachineSpec *s)
{
        return spec_is_set(s, SPEC_FIELD_OCI_BUNDLE) || spec_is_set(s, SPEC_FIELD_DIRECTORY) ||
               spec_is_set(s, SPEC_FIELD_IMAGE) || spec_is_set(s, SPEC_FIELD_MSTACK) || spec_is_set(s, SPEC_FIELD_MACHINE);
}

void spec_mark(MachineSpec *s, SpecField f, const char *origin)
{
        char *copy = xstrdup(origin);

        free(s->origin[f]);
        s->origin[f] = copy;
}

void spec_set_parameters(MachineSpec *s, char *const *words, const char *origin)
{
        if (strv_len(words) == 0)
                return;
        strv_free(s->parameters);
        s->parameters = strv_copy(words);
        spec_mark(s, SPEC_FIELD_PARAMETERS, origin);
}

/* What of a group that is replaced as a whole says so; NULL when nothing in `over` replaces the field. Published ports are on their
 * own, but a network without any link leaves nothing that they could be published on. */
static const char *replaced_by(const MachineSpec *over, SpecField field)
{
        static const SpecField links[] = {SPEC_FIELD_NETWORK_VETH,      SPEC_FIELD_NETWORK_BRIDGE,  SPEC_FIELD_NETWORK_ZONE,
                                          SPEC_FIELD_NETWORK_INTERFACE, SPEC_FIELD_NETWORK_MACVLAN, SPEC_FIELD_NETWORK_IPVLAN,
                                          SPEC_FIELD_NETWORK_VETH_EXTRA};
        SpecGroup group = field_row(field)->group;

        if (field == SPEC_FIELD_PORT) {
                for (size_t i = 0; i < ELEMENTSOF(links); i++)
                        if (spec_is_set(over, links[i]))
                                return NULL;
                return over->origin[SPEC_FIELD_NETWORK];
        }
        for (SpecField f = 0; group != SPEC_GROUP_SINGLE && f < _SPEC_FIELD_MAX; f++)
                if (spec_is_set(over, f) && field_row(f)->group == group)
                        return over->origin[f];
        return NULL;
}

char **spec_hidden(const MachineSpec *base, const MachineSpec *over)
{
        static const char *const groups[_SPEC_GROUP_MAX] = {
                        [SPEC_GROUP_SINGLE] = "the network", /* of the published ports */
                        [SPEC_GROUP_START] = "the command",        [SPEC_GROUP_CAPABILITY] = "the capabilities",
                        [SPEC_GROUP_FILTER] = "the filters",       [SPEC_GROUP_NETWORK] = "the network",
                        [SPEC_GROUP_USERS] = "the user namespace", [SPEC_GROUP_MOUNTS] = "the mounts",
        };
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);
        char **hidden = NULL;

        for (size_t i = 0; i < n; i++) {
                SpecField f = all[i].field;
                const char *by = all[i].key && all[i].help ? replaced_by(over, f) : NULL;
                if (by && spec_is_set(base, f) && !spec_is_set(over, f) && field_row(f)->group != SPEC_GROUP_START)
                        strv_pushf(&hidden, "%s= (%s) does not count, as %s replaces %s as a whole", all[i].key, base->origin[f],
                                   by, groups[field_row(f)->group]);
        }
        return hidden;
}

void spec_merge(MachineSpec *base, MachineSpec *over)
{
        bool replaced[_SPEC_FIELD_MAX];

        for (SpecField f = 0; f < _SPEC_FIELD_MAX; f++)
                replaced[f] = spec_is_set(over, f) || replaced_by(over, f);
        for (SpecField f = 0; f < _SPEC_FIELD_MAX; f++) {
                if (!replaced[f])
                        continue;
                clear_field(base, f);
                if (!spec_is_set(over, f))
                        continue;
                field_row(f)->type->take(base, over, f);
                base->origin[f] = TAKE_PTR(over->origin[f]);
        }
}

/* ---- .nspawn text ---- */

/* A path that ends in a blank, which readers would strip: a slash behind it is of no matter. */
static bool ends_in_blank_path(const char *value)
{
        size_t n = strlen(value);

        return (*value == '/' || *value == '+') && strchr(" \t\r\n\v\f", value[n - 1]);
}

static void nspawn_value(Buf *out, const char *key, const char *value)
{
        size_t backslashes = 0;

        buf_addf(out, "%s=", key);
        /* A value is one line: a newline in it can only be a continuation, which reads as a blank. */
        for (const char *c = value; *c; c++) {
                buf_append(out, *c == '\n' ? " " : c, 1);
                backslashes = *c == '\\' ? backslashes + 1 : 0;
        }
        if (ends_in_blank_path(value))
                buf_adds(out, "/");
        /* Nor does it go on in the next: a blank behind the last backslash, which readers strip. */
        buf_adds(out, backslashes % 2 ? " \n" : "\n");
}

static bool nspawn_spelling(Buf *out, const MachineSpec *s, const SpecSpelling *sp)
{
        _cleanup_strv_ char **values = NULL;

        if (!spec_is_set(s, sp->field))
                return false;
        field_row(sp->field)->type->format(s, sp->field, sp->variant, &values);
        STRV_FOREACH (v, values)
                nspawn_value(out, sp->key, *v);
        return strv_len(values) > 0;
}

char *spec_to_nspawn(const MachineSpec *s)
{
        static const char *const sections[] = {"Exec", "Files", "Network"};
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);
        Buf out = {};

        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                _cleanup_buf_ Buf body = {};
                for (size_t k = 0; k < n; k++)
                        if (str_eq(all[k].section, sections[i]))
                                (void)nspawn_spelling(&body, s, &all[k]); /* what is unset has no line */
                if (body.len > 0)
                        buf_addf(&out, "%s[%s]\n%s", out.len > 0 ? "\n" : "", sections[i], body.data);
        }
        return buf_take(&out);
}
