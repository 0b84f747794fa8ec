/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the cases of tests/golden/solve-gentoo: a paragraph that says what is asked for (System, Atoms; Implicit: flags that every package
 * knows) and what comes out (Result: packages in the order of installation, with "#" and the build ID where there is one; or Error: the
 * sentence), then the entries of the index. TAP. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/deb822.h"
#include "distro/gentoo-index.h"
#include "distro/gentoo-select.h"

static char **words(Slice s)
{
        char **v = NULL;
        Slice w;

        while (slice_word(&s, 0, &w))
                strv_consume(&v, slice_dup(w));
        return v;
}

static char *outcome(Slice request, Slice entries)
{
        static const char header[] = "TIMESTAMP: 1\nVERSION: 0\nrepository: gentoo\n\n";
        _cleanup_strv_ char **system = words(deb822_get(request, "System")), **atoms = words(deb822_get(request, "Atoms")),
                            **implicit = words(deb822_get(request, "Implicit"));
        _cleanup_buf_ Buf text = {0};
        _cleanup_gentoo_index_ GentooIndex index = {0};
        const GentooWish wishes[] = {{"@system", system}, {"what is asked for", atoms}};
        GentooChoice c = {0};
        Error e = {0};

        buf_adds(&text, header);
        buf_append(&text, entries.s, entries.n);
        int k = gentoo_index_parse((Slice){text.data, text.len}, &index, &e);
        const GentooSelection s = {.packages = index.packages.items,
                                   .n = index.packages.n,
                                   .implicit = implicit,
                                   .wishes = wishes,
                                   .n_wishes = 2};
        if (k >= 0)
                k = gentoo_select(&s, &c, &e);
        _cleanup_strv_ char **names = NULL;
        for (size_t i = 0; i < c.n; i++)
                strv_pushf(&names, "%.*s%s%.*s", (int)c.items[i]->cpv.n, c.items[i]->cpv.s, c.items[i]->build_id.n ? "#" : "",
                           (int)c.items[i]->build_id.n, c.items[i]->build_id.s);
        char *result = k < 0 ? xstrdup(e.message) : strv_join(names, " ");
        gentoo_choice_done(&c);
        return result;
}

static bool run_case(const char *path, int number)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        Slice request;

        if (file_read_at(AT_FDCWD, path, 1 << 20, &text, &len) < 0)
                return false;
        Slice rest = {text, len};
        if (!deb822_next_stanza(&rest, &request))
                return false;
        Slice expected = deb822_get(request, "Error");
        if (!expected.s)
                expected = deb822_get(request, "Result");
        _cleanup_free_ char *is = outcome(request, rest);
        bool ok = slice_eq_str(expected, is);
        printf("%sok %d - %s\n", ok ? "" : "not ", number, path_basename(path));
        if (!ok)
                printf("# expected: %.*s\n# got:      %s\n", (int)expected.n, expected.s ?: "", is);
        return ok;
}

int main(int argc, char **argv)
{
        _cleanup_closedir_ DIR *d = argc > 1 ? opendir(argv[1]) : NULL;
        _cleanup_strv_ char **names = NULL;
        int number = 0, failed = 0;

        for (struct dirent *de = d ? readdir(d) : NULL; de; de = readdir(d))
                if (str_endswith(de->d_name, ".test"))
                        strv_push(&names, de->d_name);
        strv_sort(names);
        printf("1..%zu\n", strv_len(names));
        for (char **n = names; n && *n; n++) {
                _cleanup_free_ char *path = path_join(argv[1], *n);
                failed += !run_case(path, ++number);
        }
        return failed > 0 || number == 0;
}
