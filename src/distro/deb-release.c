/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-release.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

/* A clock that is a little behind must not make a fresh index unusable. */
#define CLOCK_SKEW_SEC 600

static bool parse_number(Slice s, int max, int *ret)
{
        int v = 0;

        if (s.n == 0 || s.n > 5)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                if (s.s[i] < '0' || s.s[i] > '9')
                        return false;
                v = v * 10 + (s.s[i] - '0');
        }
        *ret = v;
        return v <= max;
}

static bool parse_month(Slice s, int *ret)
{
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

        for (int m = 0; m < 12; m++)
                if (slice_caseeq(s, (Slice){names + 3 * m, 3})) {
                        *ret = m;
                        return true;
                }
        return false;
}

static bool parse_clock(Slice s, struct tm *tm)
{
        Slice part[3];

        for (size_t i = 0; i < 3; i++)
                if (!slice_until(&s, ':', &part[i]))
                        return false;
        return s.n == 0 && parse_number(part[0], 23, &tm->tm_hour) && parse_number(part[1], 59, &tm->tm_min) &&
               parse_number(part[2], 60, &tm->tm_sec);
}

int deb_date_parse(Slice s, int64_t *ret)
{
        struct tm tm = {0};
        Slice w[6], extra;

        for (size_t i = 0; i < 6; i++)
                if (!slice_word(&s, 0, &w[i]))
                        return -EINVAL;
        bool utc = slice_eq_str(w[5], "UTC") || slice_eq_str(w[5], "GMT") || slice_eq_str(w[5], "+0000") ||
                   slice_eq_str(w[5], "-0000");
        if (!utc || slice_word(&s, 0, &extra) || !parse_number(w[1], 31, &tm.tm_mday) || !parse_month(w[2], &tm.tm_mon) ||
            !parse_number(w[3], 9999, &tm.tm_year) || !parse_clock(w[4], &tm))
                return -EINVAL;
        tm.tm_year -= 1900;
        *ret = (int64_t)timegm(&tm);
        return 0;
}

static char **words(Slice s)
{
        char **v = NULL;
        Slice w;

        while (slice_word(&s, 0, &w))
                strv_consume(&v, slice_dup(w));
        return v;
}

/* Lines of digest, size and path. A path that leaves the suite's directory is not taken. */
static int parse_files(DebRelease *r, Slice value, Error *e)
{
        struct {
                DebReleaseFile *items;
                size_t n;
        } v = {NULL, 0};
        Slice line, hex, size, path;
        int k = 0;

        while (k == 0 && slice_until(&value, '\n', &line)) {
                char digits[65] = "", number[21] = "";
                if (!slice_word(&line, 0, &hex))
                        continue;
                DebReleaseFile f = {0};
                if (!slice_word(&line, 0, &size) || !slice_word(&line, 0, &path) || hex.n >= sizeof(digits) ||
                    size.n >= sizeof(number)) {
                        k = error_set(e, -EBADMSG, "the Release file has a malformed line in its SHA256 list");
                        break;
                }
                memcpy(digits, hex.s, hex.n);
                memcpy(number, size.s, size.n);
                if (digest_parse(DIGEST_SHA256, digits, &f.digest) < 0 || str_parse_u64(number, &f.size) < 0)
                        k = error_set(e, -EBADMSG, "the Release file has a malformed line in its SHA256 list");
                else {
                        f.path = path;
                        *vec_push(&v) = f;
                }
        }
        free(r->files);
        r->files = v.items;
        r->n_files = v.n;
        return k;
}

static int parse_date(Slice value, const char *field, int64_t *ret, Error *e)
{
        if (value.s && deb_date_parse(value, ret) < 0)
                return error_set(e, -EBADMSG, "the Release file's %s '%.*s' is not a date", field, (int)MIN(value.n, (size_t)60),
                                 value.s);
        return 0;
}

int deb_release_parse(char *text, size_t len, DebRelease *ret, Error *e)
{
        Slice all = {text, len}, st;
        int k;

        *ret = (DebRelease){.text = text};
        if (!deb822_next_stanza(&all, &st)) {
                deb_release_done(ret);
                return error_set(e, -EBADMSG, "the Release file is empty");
        }
        ret->suite = slice_dup(deb822_get(st, "Suite"));
        ret->codename = slice_dup(deb822_get(st, "Codename"));
        ret->version = slice_dup(deb822_get(st, "Version"));
        ret->label = slice_dup(deb822_get(st, "Label"));
        ret->architectures = words(deb822_get(st, "Architectures"));
        ret->components = words(deb822_get(st, "Components"));
        ret->by_hash = deb822_get_bool(st, "Acquire-By-Hash");
        ret->all_apart = strv_contains(ret->architectures, "all") &&
                         !slice_eq_str(deb822_get(st, "No-Support-for-Architecture-all"), "Packages");
        k = parse_date(deb822_get(st, "Date"), "Date", &ret->date, e);
        if (k >= 0)
                k = parse_date(deb822_get(st, "Valid-Until"), "Valid-Until", &ret->valid_until, e);
        if (k >= 0)
                k = parse_files(ret, deb822_get(st, "SHA256"), e);
        if (k >= 0 && ret->n_files == 0)
                k = error_set(e, -EBADMSG, "the Release file has no SHA256 list");
        if (k < 0)
                deb_release_done(ret);
        return k;
}

void deb_release_done(DebRelease *r)
{
        free(r->text);
        free(r->suite);
        free(r->codename);
        free(r->version);
        free(r->label);
        strv_free(r->architectures);
        strv_free(r->components);
        free(r->files);
        *r = (DebRelease){0};
}

const DebReleaseFile *deb_release_find(const DebRelease *r, const char *path)
{
        for (size_t i = 0; i < r->n_files; i++)
                if (slice_eq_str(r->files[i].path, path))
                        return &r->files[i];
        return NULL;
}

static const char *format_utc(char buf[static 40], int64_t t)
{
        time_t when = (time_t)t;
        struct tm tm;

        if (!gmtime_r(&when, &tm) || strftime(buf, 40, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                buf[0] = 0;
        return buf;
}

int deb_release_check_time(const DebRelease *r, int64_t now, bool allow_expired, const char *what, Error *e)
{
        char when[40];

        if (r->date > now + CLOCK_SKEW_SEC)
                return error_set(e, -ESTALE, "%s is dated %s, which is in the future; set this host's clock", what,
                                 format_utc(when, r->date));
        if (r->valid_until != 0 && now > r->valid_until && !allow_expired)
                return error_set(e, -ESTALE, "%s expired on %s; use a mirror that is up to date, or --allow-expired to take it",
                                 what, format_utc(when, r->valid_until));
        return 0;
}

int deb_release_check_arch(const DebRelease *r, const char *arch, const char *what, Error *e)
{
        if (strv_contains(r->architectures, arch))
                return 0;
        _cleanup_free_ char *list = strv_join(r->architectures, " ");
        return error_set(e, -ENOENT, "%s has no binary-%s; it has: %s", what, arch, list);
}
