/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-atom.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "distro/gentoo-version.h"

/* ---- reading ---- */

static bool take(Slice *s, const char *prefix)
{
        size_t n = strlen(prefix);

        if (s->n < n || memcmp(s->s, prefix, n) != 0)
                return false;
        s->s += n;
        s->n -= n;
        return true;
}

static int bad(Slice text, const char *why, Error *e)
{
        return error_set(e, -EINVAL, "'%.*s' is no package: %s", (int)text.n, text.s, why);
}

static GentooOperator take_operator(Slice *s)
{
        static const struct {
                const char *text;
                GentooOperator op;
        } operators[] = {{"<=", GENTOO_OP_LESS_EQUAL}, {"<", GENTOO_OP_LESS},  {">=", GENTOO_OP_GREATER_EQUAL},
                         {">", GENTOO_OP_GREATER},     {"=", GENTOO_OP_EQUAL}, {"~", GENTOO_OP_ANY_REVISION}};
        for (size_t i = 0; i < ELEMENTSOF(operators); i++)
                if (take(s, operators[i].text))
                        return operators[i].op;
        return GENTOO_OP_NONE;
}

/* Cuts off what begins with the separator and returns what stands behind it. */
static bool cut(Slice *s, const char *separator, Slice *ret)
{
        const char *at = s->n ? memmem(s->s, s->n, separator, strlen(separator)) : NULL;

        if (!at)
                return false;
        const char *begin = at + strlen(separator);
        *ret = (Slice){begin, (size_t)(s->s + s->n - begin)};
        s->n = (size_t)(at - s->s);
        return true;
}

static int parse_use(Slice *s, const GentooEapi *eapi, GentooAtom *a, Error *e)
{
        if (s->n == 0 || s->s[s->n - 1] != ']')
                return 0;
        if (!cut(s, "[", &a->use))
                return bad(a->text, "there is a ']' without a '['", e);
        a->use.n--;
        if (eapi && !eapi->use_deps)
                return bad(a->text, "its EAPI has no [use]", e);
        GentooUse u;
        Slice rest = a->use;
        size_t n = 0;
        for (; gentoo_use_next(&rest, &u); n++)
                if (u.fallback && eapi && !eapi->use_defaults)
                        return bad(a->text, "its EAPI has no (+) and (-) in [use]", e);
        return rest.n > 0 || n == 0 ? bad(a->text, "what is between the brackets is no list of USE flags", e) : 0;
}

static int parse_slot(Slice s, const GentooEapi *eapi, GentooAtom *a, Error *e)
{
        if (eapi && !eapi->slot_deps)
                return bad(a->text, "its EAPI has no :slot", e);
        if (s.n > 0 && (s.s[s.n - 1] == '=' || (s.n == 1 && s.s[0] == '*'))) {
                a->slot_operator = s.s[s.n - 1];
                s.n--;
        } else if (s.n == 0)
                return bad(a->text, "there is no slot behind ':'", e);
        a->slot = s;
        bool has_sub = cut(&a->slot, "/", &a->subslot);
        if ((has_sub || a->slot_operator) && eapi && !eapi->slot_operators)
                return bad(a->text, "its EAPI has no sub-slots and slot operators", e);
        if ((a->slot.n > 0 && !gentoo_is_slot(a->slot)) || (has_sub && !gentoo_is_slot(a->subslot)) ||
            (has_sub && a->slot.n == 0))
                return bad(a->text, "its slot is not well-formed", e);
        return 0;
}

static bool split_build_id(Slice *pf, Slice *ret)
{
        const char *dash = memrchr(pf->s, '-', pf->n);
        Slice name, version, rest = *pf;

        if (!dash)
                return false;
        *ret = (Slice){dash + 1, (size_t)(pf->s + pf->n - dash - 1)};
        rest.n = (size_t)(dash - pf->s);
        for (size_t i = 0; i < ret->n; i++)
                if (ret->s[i] < '0' || ret->s[i] > '9')
                        return false;
        if (ret->n == 0 || !gentoo_split_pf(rest, &name, &version))
                return false;
        *pf = rest;
        return true;
}

static int parse_name(Slice s, GentooAtom *a, Error *e)
{
        Slice pf;

        a->category = s;
        if (!cut(&a->category, "/", &pf))
                return bad(a->text, "write category/name", e);
        if (!gentoo_is_category(a->category))
                return bad(a->text, "its category is not well-formed", e);
        if (a->op == GENTOO_OP_NONE) {
                a->name = pf;
                Slice name, version;
                if (gentoo_split_pf(pf, &name, &version))
                        return bad(a->text, "a version needs an operator before the category, such as '='", e);
                return gentoo_is_name(pf) ? 0 : bad(a->text, "its name is not well-formed", e);
        }
        if (a->op == GENTOO_OP_EQUAL && pf.n > 0 && pf.s[pf.n - 1] == '*') {
                a->op = GENTOO_OP_PREFIX;
                pf.n--;
        }
        if (!gentoo_split_pf(pf, &a->name, &a->version) &&
            (a->op != GENTOO_OP_EQUAL || !split_build_id(&pf, &a->build_id) || !gentoo_split_pf(pf, &a->name, &a->version)))
                return bad(a->text, "its operator needs a version", e);
        if (a->op == GENTOO_OP_ANY_REVISION && gentoo_version_revision(a->version).n > 0)
                return bad(a->text, "'~' is for all revisions, so the version must be without one", e);
        return 0;
}

int gentoo_atom_parse(Slice text, const GentooEapi *eapi, GentooAtom *ret, Error *e)
{
        GentooAtom a = {.text = text};
        Slice s = text, slot;

        if (take(&s, "!"))
                a.block = take(&s, "!") ? GENTOO_BLOCK_STRONG : GENTOO_BLOCK_WEAK;
        if (a.block == GENTOO_BLOCK_STRONG && eapi && !eapi->strong_blocks)
                return bad(text, "its EAPI has no '!!'", e);
        a.op = take_operator(&s);
        int k = parse_use(&s, eapi, &a, e);
        if (k >= 0 && cut(&s, "::", &a.repository) && !gentoo_is_repository(a.repository))
                k = bad(text, "its repository is not well-formed", e);
        if (k >= 0 && cut(&s, ":", &slot))
                k = parse_slot(slot, eapi, &a, e);
        if (k >= 0)
                k = parse_name(s, &a, e);
        if (k >= 0)
                *ret = a;
        return k;
}

/* ---- [use] ---- */

bool gentoo_use_next(Slice *rest, GentooUse *ret)
{
        Slice s = *rest;
        GentooUse u = {0};

        if (s.n == 0)
                return false;
        const char *comma = memchr(s.s, ',', s.n);
        size_t n = comma ? (size_t)(comma - s.s) : s.n;
        Slice word = {s.s, n};
        if (take(&word, "-"))
                u.prefix = '-';
        else if (take(&word, "!"))
                u.prefix = '!';
        if (word.n > 0 && strchr("?=", word.s[word.n - 1]))
                u.suffix = word.s[--word.n];
        if (word.n > 3 && word.s[word.n - 1] == ')' && word.s[word.n - 3] == '(' && strchr("+-", word.s[word.n - 2])) {
                u.fallback = word.s[word.n - 2];
                word.n -= 3;
        }
        u.flag = word;
        if (!gentoo_is_flag(word) || (u.prefix == '!' && !u.suffix) || (u.prefix == '-' && u.suffix) || (comma && n + 1 == s.n))
                return false;
        *rest = (Slice){s.s + n + (comma ? 1 : 0), s.n - n - (comma ? 1 : 0)};
        *ret = u;
        return true;
}

bool gentoo_flag_is_on(Slice use, Slice flag)
{
        Slice word;

        while (slice_word(&use, 0, &word))
                if (slice_eq(word, flag))
                        return true;
        return false;
}

/* What a flag's condition asks for, given the flags of the package that depends: '+' on, '-' off, 0 nothing. */
static char wanted(const GentooUse *u, Slice use)
{
        if (!u->suffix)
                return u->prefix == '-' ? '-' : '+';
        bool on = gentoo_flag_is_on(use, u->flag), negated = u->prefix == '!';
        if (u->suffix == '=')
                return on != negated ? '+' : '-';
        return on != negated ? (negated ? '-' : '+') : 0;
}

void gentoo_atom_evaluate(const GentooAtom *a, Slice use, Buf *ret)
{
        size_t head = a->use.n > 0 ? (size_t)(a->use.s - a->text.s) - 1 : a->text.n;
        Slice rest = a->use;
        GentooUse u;
        bool any = false;

        buf_append(ret, a->text.s, head);
        while (gentoo_use_next(&rest, &u)) {
                char w = wanted(&u, use);
                if (!w)
                        continue;
                buf_addf(ret, "%s%s%.*s", any ? "," : "[", w == '-' ? "-" : "", (int)u.flag.n, u.flag.s);
                if (u.fallback)
                        buf_addf(ret, "(%c)", u.fallback);
                any = true;
        }
        if (any)
                buf_adds(ret, "]");
}
