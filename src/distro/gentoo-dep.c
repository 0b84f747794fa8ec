/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-dep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "distro/gentoo-version.h"

#define DEPTH_MAX 64 /* of groups in groups; real ones have three */

void gentoo_dep_done(GentooDep *d)
{
        for (size_t i = 0; i < d->n; i++)
                gentoo_dep_done(&d->items[i]);
        free(d->items);
        free(d->text);
        *d = (GentooDep){0};
}

/* ---- reading ---- */

static int bad(Slice text, const char *why, Error *e)
{
        return error_set(e, -EINVAL, "the dependencies '%.*s%s' are not well-formed: %s", text.n > 200 ? 200 : (int)text.n,
                         text.s, text.n > 200 ? "…" : "", why);
}

/* "flag?" and "!flag?" */
static bool is_condition(Slice word, GentooDep *ret)
{
        if (word.n < 2 || word.s[word.n - 1] != '?')
                return false;
        bool negated = word.s[0] == '!';
        *ret = (GentooDep){.kind = GENTOO_DEP_USE, .negated = negated, .flag = {word.s + negated, word.n - 1 - negated}};
        return gentoo_is_flag(ret->flag);
}

typedef struct Reader {
        Slice all, rest;
        const GentooEapi *eapi;
} Reader;

static int parse_group(Reader *r, GentooDep *group, unsigned depth, Error *e);

static int parse_nested(Reader *r, GentooDep nested, GentooDep *group, unsigned depth, Error *e)
{
        Slice word;

        if (nested.kind != GENTOO_DEP_ALL && (!slice_word(&r->rest, 0, &word) || !slice_eq_str(word, "(")))
                return bad(r->all, "'||' and 'flag?' need a group in parentheses behind them", e);
        if (depth >= DEPTH_MAX)
                return bad(r->all, "its groups are nested too deeply", e);
        int k = parse_group(r, &nested, depth + 1, e);
        if (k >= 0 && nested.n == 0)
                k = bad(r->all, "a group is empty", e);
        if (k < 0)
                gentoo_dep_done(&nested);
        else
                *vec_push(group) = nested;
        return k;
}

/* Up to the parenthesis that closes the group, or the end of the text. */
static int parse_group(Reader *r, GentooDep *group, unsigned depth, Error *e)
{
        for (Slice word; slice_word(&r->rest, 0, &word);) {
                GentooDep d = {.kind = GENTOO_DEP_ALL};
                int k;
                if (slice_eq_str(word, ")"))
                        return depth > 0 ? 0 : bad(r->all, "there is a ')' without a '('", e);
                if (slice_eq_str(word, "||"))
                        d.kind = GENTOO_DEP_ANY;
                else if (slice_eq_str(word, "^^") || slice_eq_str(word, "?\?"))
                        return bad(r->all, "groups of exactly or at most one are not for dependencies", e);
                else if (!slice_eq_str(word, "(") && !is_condition(word, &d))
                        d.kind = GENTOO_DEP_ATOM;
                if (d.kind == GENTOO_DEP_ATOM) {
                        k = gentoo_atom_parse(word, r->eapi, &d.atom, e);
                        if (k >= 0)
                                *vec_push(group) = d;
                } else
                        k = parse_nested(r, d, group, depth, e);
                if (k < 0)
                        return k;
        }
        return depth > 0 ? bad(r->all, "a ')' is missing", e) : 0;
}

int gentoo_dep_parse(Slice text, const GentooEapi *eapi, GentooDep *ret, Error *e)
{
        Reader r = {.all = text, .rest = text, .eapi = eapi};
        GentooDep d = {.kind = GENTOO_DEP_ALL};
        int k = parse_group(&r, &d, 0, e);

        if (k < 0)
                gentoo_dep_done(&d);
        else
                *ret = d;
        return k;
}

/* ---- evaluating ---- */

static GentooDep evaluated_atom(const GentooAtom *a, Slice use)
{
        GentooDep d = {.kind = GENTOO_DEP_ATOM, .atom = *a};
        Buf b = {0};

        if (a->use.n == 0)
                return d;
        gentoo_atom_evaluate(a, use, &b);
        d.text = buf_take(&b);
        if (gentoo_atom_parse((Slice){d.text, strlen(d.text)}, NULL, &d.atom, NULL) < 0)
                d.kind = GENTOO_DEP_NEVER; /* cannot be: what was written comes from an atom that was read */
        return d;
}

static void evaluate_into(const GentooDep *d, Slice use, const GentooEapi *eapi, GentooDep *group);

/* A group goes into the one around it when that changes nothing. */
static void add_group(GentooDep g, const GentooEapi *eapi, GentooDep *group)
{
        if (g.n == 0) {
                bool never = g.kind == GENTOO_DEP_ANY && eapi && !eapi->empty_any_true;
                free(g.items);
                if (never)
                        *vec_push(group) = (GentooDep){.kind = GENTOO_DEP_NEVER};
                return;
        }
        if (g.kind != group->kind && g.n > 1) {
                *vec_push(group) = g;
                return;
        }
        for (size_t i = 0; i < g.n; i++)
                *vec_push(group) = g.items[i];
        free(g.items);
}

static void evaluate_into(const GentooDep *d, Slice use, const GentooEapi *eapi, GentooDep *group)
{
        GentooDep g = {.kind = d->kind};

        switch (d->kind) {
        case GENTOO_DEP_ATOM:
                *vec_push(group) = evaluated_atom(&d->atom, use);
                return;
        case GENTOO_DEP_NEVER:
                *vec_push(group) = g;
                return;
        case GENTOO_DEP_USE:
                if (gentoo_flag_is_on(use, d->flag) == d->negated)
                        return;
                g.kind = GENTOO_DEP_ALL;
                break;
        case GENTOO_DEP_ALL:
        case GENTOO_DEP_ANY:
                break;
        }
        for (size_t i = 0; i < d->n; i++)
                evaluate_into(&d->items[i], use, eapi, &g);
        add_group(g, eapi, group);
}

void gentoo_dep_evaluate(const GentooDep *d, Slice use, const GentooEapi *eapi, GentooDep *ret)
{
        *ret = (GentooDep){.kind = GENTOO_DEP_ALL};
        evaluate_into(d, use, eapi, ret);
}

/* ---- writing ---- */

static void format_items(const GentooDep *d, Buf *ret)
{
        for (size_t i = 0; i < d->n; i++) {
                if (i > 0)
                        buf_adds(ret, " ");
                if (d->items[i].kind == GENTOO_DEP_ALL) {
                        buf_adds(ret, "( ");
                        format_items(&d->items[i], ret);
                        buf_adds(ret, " )");
                } else
                        gentoo_dep_format(&d->items[i], ret);
        }
}

void gentoo_dep_format(const GentooDep *d, Buf *ret)
{
        switch (d->kind) {
        case GENTOO_DEP_ATOM:
                buf_append(ret, d->atom.text.s, d->atom.text.n);
                return;
        case GENTOO_DEP_NEVER:
                buf_adds(ret, "|| ( )");
                return;
        case GENTOO_DEP_ALL:
                format_items(d, ret);
                return;
        case GENTOO_DEP_USE:
                buf_addf(ret, "%s%.*s?", d->negated ? "!" : "", (int)d->flag.n, d->flag.s);
                break;
        case GENTOO_DEP_ANY:
                buf_adds(ret, "||");
                break;
        }
        buf_adds(ret, " ( ");
        format_items(d, ret);
        buf_adds(ret, " )");
}
