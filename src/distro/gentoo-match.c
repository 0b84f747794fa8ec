/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/str.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-version.h"

/* "=1*" is a prefix of the version's text that ends where a component does. */
static Slice without_leading_zeros(Slice v)
{
        while (v.n > 1 && v.s[0] == '0' && v.s[1] >= '0' && v.s[1] <= '9') {
                v.s++;
                v.n--;
        }
        return v;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool has_prefix(Slice version, Slice prefix)
{
        version = without_leading_zeros(version);
        prefix = without_leading_zeros(prefix);
        if (version.n < prefix.n || memcmp(version.s, prefix.s, prefix.n) != 0)
                return false;
        if (version.n == prefix.n)
                return true;
        char next = version.s[prefix.n], last = prefix.s[prefix.n - 1];
        return strchr("._-", next) || is_digit(next) != is_digit(last);
}

static bool version_matches(const GentooAtom *a, const GentooPackage *p)
{
        switch (a->op) {
        case GENTOO_OP_NONE:
                return true;
        case GENTOO_OP_LESS:
                return gentoo_version_compare(p->version, a->version) < 0;
        case GENTOO_OP_LESS_EQUAL:
                return gentoo_version_compare(p->version, a->version) <= 0;
        case GENTOO_OP_EQUAL:
                return gentoo_version_compare(p->version, a->version) == 0 &&
                       (a->build_id.n == 0 || slice_eq(a->build_id, p->build_id));
        case GENTOO_OP_GREATER_EQUAL:
                return gentoo_version_compare(p->version, a->version) >= 0;
        case GENTOO_OP_GREATER:
                return gentoo_version_compare(p->version, a->version) > 0;
        case GENTOO_OP_ANY_REVISION:
                return slice_eq(gentoo_version_without_revision(p->version), a->version);
        case GENTOO_OP_PREFIX:
                return has_prefix(p->version, a->version);
        }
        return false;
}

bool gentoo_atom_matches_version(const GentooAtom *a, const GentooPackage *p)
{
        return slice_eq(a->name, p->name) && slice_eq(a->category, p->category) && version_matches(a, p) &&
               (a->slot.n == 0 || slice_eq(a->slot, p->slot)) && (a->subslot.n == 0 || slice_eq(a->subslot, p->subslot)) &&
               (a->repository.n == 0 || slice_eq(a->repository, p->repository));
}

static bool knows_flag(const GentooPackage *p, char *const *implicit, Slice flag)
{
        Slice iuse = p->iuse, word;

        while (slice_word(&iuse, 0, &word)) {
                if (word.s[0] == '+' || word.s[0] == '-')
                        word = (Slice){word.s + 1, word.n - 1};
                if (slice_eq(word, flag))
                        return true;
        }
        for (; implicit && *implicit; implicit++)
                if (slice_eq_str(flag, *implicit))
                        return true;
        return false;
}

static bool flag_matches(const GentooUse *u, const GentooPackage *p, char *const *implicit)
{
        if (u->suffix) /* a condition on a package that nobody named: left out of what is asked */
                return true;
        bool known = knows_flag(p, implicit, u->flag);
        if (!known && !u->fallback)
                return false;
        bool on = known ? gentoo_flag_is_on(p->use, u->flag) : u->fallback == '+';
        return on == (u->prefix != '-');
}

bool gentoo_atom_matches(const GentooAtom *a, const GentooPackage *p, char *const *implicit)
{
        Slice rest = a->use;
        GentooUse u;

        if (!gentoo_atom_matches_version(a, p))
                return false;
        while (gentoo_use_next(&rest, &u))
                if (!flag_matches(&u, p, implicit))
                        return false;
        return true;
}
