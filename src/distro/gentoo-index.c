/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-index.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "distro/gentoo-version.h"

/* The entry keys of Portage's index that say anything to an installation. An entry's other keys are for humans, and a paragraph without
 * any key that Portage knows ends the file. */
static const struct {
        const char *key;
        size_t slice, number; /* offsets; one of them is set */
} keys[] = {
#define TEXT(k, member)                                      \
        {                                                    \
                k, offsetof(GentooPackage, member), SIZE_MAX \
        }
#define NUMBER(k, member)                                    \
        {                                                    \
                k, SIZE_MAX, offsetof(GentooPackage, member) \
        }
#define IGNORED(k)                    \
        {                             \
                k, SIZE_MAX, SIZE_MAX \
        }
                TEXT("CPV", cpv),
                TEXT("SLOT", slot),
                TEXT("REPO", repository),
                TEXT("repository", repository),
                TEXT("USE", use),
                TEXT("IUSE", iuse),
                TEXT("KEYWORDS", keywords),
                TEXT("LICENSE", license),
                TEXT("PROPERTIES", properties),
                TEXT("RESTRICT", restricts),
                TEXT("CHOST", chost),
                TEXT("DEFINED_PHASES", phases),
                TEXT("RDEPEND", rdepend),
                TEXT("PDEPEND", pdepend),
                TEXT("IDEPEND", idepend),
                TEXT("PATH", path),
                TEXT("MD5", md5),
                TEXT("SHA1", sha1),
                TEXT("BUILD_ID", build_id),
                NUMBER("SIZE", size),
                NUMBER("BUILD_TIME", build_time),
                NUMBER("MTIME", mtime),
                NUMBER("_mtime_", mtime),
                IGNORED("EAPI"), /* by itself, below */
                IGNORED("BDEPEND"),
                IGNORED("DEPEND"),
                IGNORED("DESC"),
                IGNORED("DESCRIPTION"),
                IGNORED("PROVIDES"),
                IGNORED("REQUIRES"),
                IGNORED("BASE_URI"),
                IGNORED("PKGINDEX_URI"),
                IGNORED("FETCHCOMMAND"),
                IGNORED("RESUMECOMMAND"),
#undef TEXT
#undef NUMBER
#undef IGNORED
};

/* "KEY: value": one character behind the colon is dropped, whatever it is. */
static bool split_line(Slice line, Slice *ret_key, Slice *ret_value)
{
        const char *colon = line.n ? memchr(line.s, ':', line.n) : NULL;

        if (!colon)
                return false;
        *ret_key = (Slice){line.s, (size_t)(colon - line.s)};
        *ret_value = (Slice){colon + 1, line.n - ret_key->n - 1};
        if (ret_value->n > 0) {
                ret_value->s++;
                ret_value->n--;
        }
        return true;
}

static uint64_t number_of(Slice s)
{
        uint64_t n = 0;
        char text[24];

        if (s.n == 0 || s.n >= sizeof(text))
                return 0;
        memcpy(text, s.s, s.n);
        text[s.n] = '\0';
        return str_parse_u64(text, &n) < 0 ? 0 : n;
}

static bool set_key(GentooPackage *p, Slice key, Slice value, Slice *eapi)
{
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                if (!slice_eq_str(key, keys[i].key))
                        continue;
                if (keys[i].slice != SIZE_MAX)
                        *(Slice *)((char *)p + keys[i].slice) = value;
                else if (keys[i].number != SIZE_MAX)
                        *(uint64_t *)((char *)p + keys[i].number) = number_of(value);
                else if (slice_eq_str(key, "EAPI"))
                        *eapi = value;
                return true;
        }
        return false;
}

bool gentoo_package_set_cpv(GentooPackage *p, Slice cpv)
{
        const char *slash = cpv.n ? memchr(cpv.s, '/', cpv.n) : NULL;

        if (!slash)
                return false;
        p->cpv = cpv;
        p->category = (Slice){cpv.s, (size_t)(slash - cpv.s)};
        return gentoo_is_category(p->category) &&
               gentoo_split_pf((Slice){slash + 1, cpv.n - p->category.n - 1}, &p->name, &p->version);
}

/* "3/3.1" */
static void split_slot(GentooPackage *p)
{
        const char *slash = p->slot.n ? memchr(p->slot.s, '/', p->slot.n) : NULL;

        if (p->slot.n == 0)
                p->slot = SLICE("0");
        p->subslot = p->slot;
        if (slash) {
                size_t n = (size_t)(slash - p->slot.s);
                p->subslot = (Slice){slash + 1, p->slot.n - n - 1};
                p->slot.n = n;
        }
}

/* Takes one paragraph off the front. false: it has nothing that is known. */
static bool take_entry(Slice *rest, GentooPackage *ret, bool *ret_valid)
{
        GentooPackage p = {0};
        Slice line, key, value, eapi = {"", 0};
        bool any = false;

        while (slice_line(rest, &line) && line.n > 0)
                if (split_line(line, &key, &value) && set_key(&p, key, value, &eapi))
                        any = true;
        *ret_valid = gentoo_package_set_cpv(&p, p.cpv);
        p.eapi = gentoo_eapi(eapi);
        split_slot(&p);
        *ret = p;
        return any;
}

/* ---- the header ---- */

Slice gentoo_index_header(const GentooIndex *i, const char *name)
{
        Slice rest = i->header, line, key, value, found = {"", 0};

        while (slice_line(&rest, &line))
                if (split_line(line, &key, &value) && slice_eq_str(key, name))
                        found = value;
        return found;
}

static int check_header(const GentooIndex *i, Error *e)
{
        Slice version = gentoo_index_header(i, "VERSION");

        if (gentoo_index_header(i, "TIMESTAMP").n == 0)
                return error_set(e, -EBADMSG,
                                 "the package index has no TIMESTAMP in its header: it is no Packages file of a binary package "
                                 "host");
        if (version.n > 0 && version.s[0] != '-' && !(version.n == 1 && version.s[0] == '0'))
                return error_set(e, -EBADMSG, "the package index is of version '%.*s', and berth knows 0", (int)version.n,
                                 version.s);
        return 0;
}

static void inherit(GentooPackage *p, Slice chost, Slice repository)
{
        if (p->chost.n == 0)
                p->chost = chost;
        if (p->repository.n == 0)
                p->repository = repository;
}

/* ---- all of it ---- */

static int compare_instance(const void *x, const void *y)
{
        const GentooPackage *a = *(GentooPackage *const *)x, *b = *(GentooPackage *const *)y;
        const uint64_t u[] = {a->size, a->build_time, a->mtime, a->place}, v[] = {b->size, b->build_time, b->mtime, b->place};
        const Slice s[] = {a->cpv, a->build_id}, t[] = {b->cpv, b->build_id};

        for (size_t i = 0; i < ELEMENTSOF(s); i++) {
                size_t n = s[i].n < t[i].n ? s[i].n : t[i].n;
                int d = n ? memcmp(s[i].s, t[i].s, n) : 0;
                if (d == 0)
                        d = (s[i].n > t[i].n) - (s[i].n < t[i].n);
                if (d != 0)
                        return d;
        }
        for (size_t i = 0; i < ELEMENTSOF(u); i++)
                if (u[i] != v[i])
                        return u[i] < v[i] ? -1 : 1;
        return 0;
}

static bool is_same_instance(const GentooPackage *a, const GentooPackage *b)
{
        return slice_eq(a->cpv, b->cpv) && slice_eq(a->build_id, b->build_id) && a->size == b->size &&
               a->build_time == b->build_time && a->mtime == b->mtime;
}

/* Of entries that are one instance the last stays. */
static void drop_repeated(GentooIndex *i)
{
        size_t n = i->packages.n, kept = 0;
        _cleanup_free_ GentooPackage **sorted = xnew(GentooPackage *, n + 1);

        for (size_t j = 0; j < n; j++)
                sorted[j] = &i->packages.items[j];
        qsort(sorted, n, sizeof(*sorted), compare_instance);
        for (size_t j = 0; j + 1 < n; j++)
                if (is_same_instance(sorted[j], sorted[j + 1]))
                        sorted[j]->cpv.n = 0;
        for (size_t j = 0; j < n; j++)
                if (i->packages.items[j].cpv.n > 0)
                        i->packages.items[kept++] = i->packages.items[j];
        i->packages.n = kept;
}

int gentoo_index_parse(Slice text, GentooIndex *ret, Error *e)
{
        GentooIndex i = {0};
        Slice rest = text, line;
        GentooPackage p;
        bool valid;
        size_t cap = 0;

        while (slice_line(&rest, &line) && line.n > 0)
                ;
        i.header = (Slice){text.s, text.n - rest.n};
        int k = check_header(&i, e);
        if (k < 0)
                return k;
        Slice chost = gentoo_index_header(&i, "CHOST"), repository = gentoo_index_header(&i, "repository");
        if (repository.n == 0)
                repository = gentoo_index_header(&i, "REPO");
        while (rest.n > 0 && take_entry(&rest, &p, &valid)) {
                if (!valid)
                        continue;
                if (i.packages.n == cap) {
                        cap = cap ? cap * 2 : 256;
                        GentooPackage *items = reallocarray(i.packages.items, cap, sizeof(*items));
                        if (!items) {
                                gentoo_index_done(&i);
                                return error_set(e, -ENOMEM, "the package index is too large for this host's memory");
                        }
                        i.packages.items = items;
                }
                inherit(&p, chost, repository);
                p.place = i.packages.n;
                i.packages.items[i.packages.n++] = p;
        }
        drop_repeated(&i);
        *ret = i;
        return 0;
}

void gentoo_index_done(GentooIndex *i)
{
        free(i->packages.items);
        *i = (GentooIndex){0};
}

int gentoo_package_compare(const GentooPackage *a, const GentooPackage *b)
{
        int d = gentoo_version_compare(a->version, b->version);

        if (d != 0)
                return d;
        if (a->build_time != b->build_time)
                return a->build_time < b->build_time ? -1 : 1;
        return (a->place > b->place) - (a->place < b->place);
}
