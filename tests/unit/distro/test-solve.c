/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the cases of tests/golden/solve: a paragraph that says what is asked for (Variant, Include, Exclude) and what comes out
 * (Result: names, those that apt may remove again with a plus; or Error: the sentence), then the index. TAP. */
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
#include "distro/deb-select.h"

static char **words(Slice s)
{
        char **v = NULL;
        Slice w;

        while (slice_word(&s, ',', &w))
                strv_consume(&v, slice_dup(w));
        return v;
}

static char *outcome(Slice request, Slice index)
{
        _cleanup_strv_ char **include = words(deb822_get(request, "Include")), **exclude = words(deb822_get(request, "Exclude"));
        _cleanup_free_ char *variant = slice_dup(deb822_get(request, "Variant"));
        DebSelection s = {.variant = variant, .arch = "amd64", .include = include, .exclude = exclude};
        DebPackages p = {0};
        DebChoice c = {0};
        Error e = {0};

        int k = deb_packages_add(&p, index, 0, "amd64", &e);
        deb_packages_seal(&p);
        if (k >= 0)
                k = deb_select(&p, &s, &c, &e);
        _cleanup_strv_ char **names = NULL;
        for (size_t i = 0; i < c.n; i++)
                strv_pushf(&names, "%.*s%s", (int)c.items[i]->name.n, c.items[i]->name.s, c.automatic[i] ? "+" : "");
        strv_sort(names);
        char *result = k < 0 ? xstrdup(e.message) : strv_join(names, " ");
        deb_choice_done(&c);
        deb_packages_done(&p);
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
