/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define SOURCES_LIMIT (1024 * 1024)

void deb_sources_done(DebSources *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->items[i].url);
                free(s->items[i].suite);
                free(s->items[i].signed_by);
                free(s->items[i].architectures);
        }
        free(s->items);
        *s = (DebSources){0};
}

static Slice without_slashes(Slice s)
{
        while (s.n > 0 && s.s[s.n - 1] == '/')
                s.n--;
        return s;
}

static void add(DebSources *v, Slice url, Slice suite, Slice signed_by, Slice architectures)
{
        url = without_slashes(url);
        if (url.n == 0 || suite.n == 0 || suite.s[suite.n - 1] == '/') /* a flat repository */
                return;
        *vec_push(v) = (DebSource){slice_dup(url), slice_dup(suite), slice_dup(signed_by), slice_dup(architectures)};
}

static Slice option_value(Slice word, const char *name)
{
        size_t n = strlen(name);

        return word.n > n && slice_caseeq((Slice){word.s, n}, (Slice){name, n}) ? (Slice){word.s + n, word.n - n}
                                                                                : (Slice){NULL, 0};
}

/* "[arch=amd64,arm64 signed-by=/x.gpg]" off the front. */
static void take_options(Slice *rest, Slice *ret_signed_by, Slice *ret_architectures)
{
        Slice o = slice_strip(*rest), word, value;
        const char *end = o.n > 0 && o.s[0] == '[' ? memchr(o.s, ']', o.n) : NULL;

        *ret_signed_by = *ret_architectures = (Slice){NULL, 0};
        if (!end)
                return;
        *rest = (Slice){end + 1, (size_t)(o.s + o.n - end - 1)};
        o = (Slice){o.s + 1, (size_t)(end - o.s - 1)};
        while (slice_word(&o, 0, &word))
                if ((value = option_value(word, "signed-by=")).s)
                        *ret_signed_by = value;
                else if ((value = option_value(word, "arch=")).s)
                        *ret_architectures = value;
}

void deb_sources_parse_list(Slice text, DebSources *ret)
{
        Slice line, type, url, suite, signed_by, architectures;

        while (slice_until(&text, '\n', &line)) {
                const char *comment = line.n > 0 ? memchr(line.s, '#', line.n) : NULL;
                if (comment)
                        line.n = (size_t)(comment - line.s);
                if (!slice_word(&line, 0, &type) || !slice_eq_str(type, "deb"))
                        continue;
                take_options(&line, &signed_by, &architectures);
                if (slice_word(&line, 0, &url) && slice_word(&line, 0, &suite))
                        add(ret, url, suite, signed_by, architectures);
        }
}

static bool has_word(Slice value, const char *want)
{
        Slice w;

        while (slice_word(&value, 0, &w))
                if (slice_eq_str(w, want))
                        return true;
        return false;
}

void deb_sources_parse_deb822(Slice text, DebSources *ret)
{
        Slice st, url, suite;

        while (deb822_next_stanza(&text, &st)) {
                Slice enabled = deb822_get(st, "Enabled"), urls = deb822_get(st, "URIs");
                if (!has_word(deb822_get(st, "Types"), "deb") || slice_caseeq(enabled, SLICE("no")) ||
                    slice_caseeq(enabled, SLICE("false")))
                        continue;
                while (slice_word(&urls, 0, &url)) {
                        Slice suites = deb822_get(st, "Suites");
                        while (slice_word(&suites, 0, &suite))
                                add(ret, url, suite, deb822_get(st, "Signed-By"), deb822_get(st, "Architectures"));
                }
        }
}

static void read_file(const char *path, DebSources *ret)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;

        if (file_read_at(AT_FDCWD, path, SOURCES_LIMIT, &text, &len) < 0)
                return;
        if (str_endswith(path, ".sources"))
                deb_sources_parse_deb822((Slice){text, len}, ret);
        else
                deb_sources_parse_list((Slice){text, len}, ret);
}

void deb_sources_read(const char *etc, DebSources *ret)
{
        _cleanup_free_ char *list = path_join(etc, "sources.list"), *parts = path_join(etc, "sources.list.d");
        _cleanup_closedir_ DIR *d = opendir(parts);
        _cleanup_strv_ char **names = NULL;

        read_file(list, ret);
        for (struct dirent *de = d ? readdir(d) : NULL; de; de = readdir(d))
                if (str_endswith(de->d_name, ".list") || str_endswith(de->d_name, ".sources"))
                        strv_push(&names, de->d_name);
        strv_sort(names);
        STRV_FOREACH (n, names) {
                _cleanup_free_ char *path = path_join(parts, *n);
                read_file(path, ret);
        }
}

static bool is_security(const char *suite)
{
        return str_endswith(suite, "-security") || str_endswith(suite, "/updates");
}

static bool is_for(const DebSource *s, const char *arch)
{
        _cleanup_strv_ char **list = s->architectures ? strv_split(s->architectures, " ,\t\n") : NULL;

        return !list || strv_contains(list, arch);
}

static bool fits(const DebSource *s, const DebDistro *d)
{
        if (s->signed_by && str_startswith(path_basename(s->signed_by), d->keyring_prefix))
                return true;
        size_t base = strcspn(s->suite, "-/");
        for (const char *const *known = d->suites; *known && !s->signed_by; known++)
                if (strlen(*known) == base && strncmp(s->suite, *known, base) == 0)
                        return true;
        return false;
}

const char *deb_sources_find(const DebSources *s, const DebDistro *d, const char *arch, bool security)
{
        for (size_t i = 0; i < s->n; i++) {
                const char *url = s->items[i].url;
                bool reachable = str_startswith(url, "http://") || str_startswith(url, "https://") ||
                                 str_startswith(url, "file:/");
                if (reachable && is_security(s->items[i].suite) == security && fits(&s->items[i], d) &&
                    is_for(&s->items[i], arch))
                        return url;
        }
        return NULL;
}

int deb_keyrings(const DebDistro *d, char *const *given, char ***ret, Error *e)
{
        STRV_FOREACH (k, given)
                if (access(*k, R_OK) < 0)
                        return error_sys(e, -errno, "cannot read the keyring '%s'", *k);
        if (given && *given) {
                *ret = strv_copy(given);
                return 0;
        }
        for (const char *const *k = d->keyrings; *k; k++) {
                _cleanup_free_ char *path = path_join("/usr/share/keyrings", *k);
                if (access(path, R_OK) == 0) {
                        strv_push(ret, path);
                        return 0;
                }
        }
        return error_set(e, -ENOENT,
                         "this host has no '/usr/share/keyrings/%s' to verify the suite with; install the package '%s' or give "
                         "--keyring=FILE",
                         d->keyrings[0], d->keyring_package);
}
