/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* golden [--bless] DIRECTORY: runs every .test in DIRECTORY and compares. A test is text:
 *
 *     # what it shows
 *     facts WORD…          golden/presets.c
 *     argv WORD…           as a command line, '…' and "…" quote; the words behind the options are the command
 *     nspawn LINE          a line of a .nspawn file; all of them together are one file
 *     oci TEXT             of an OCI config.json, as nspawn; the bundle is /srv/bundle, and the command line goes over it
 *     untrusted            the file is not trusted
 *     layers               the command line over the file, instead of each by itself
 *     show plan|json|enter|nspawn     what is compared: the plan (default), the plan to enter, the spec as .nspawn text
 *     ---
 *     the text that comes out, or "error: MESSAGE"
 *
 * With both argv and nspawn, and without "layers", both must give the same text. Warnings come out as "warning: MESSAGE" lines first. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "golden/presets.h"
#include "plan/plan.h"
#include "spec/argv.h"
#include "spec/nspawn.h"
#include "spec/oci.h"

typedef struct Case {
        char *facts, *argv, *nspawn, *oci;
        bool has_argv, untrusted, layers;
        char *show;
        size_t head; /* bytes before the expected text, with "---\n" */
        char *expected;
} Case;

static void case_done(Case *c)
{
        free(c->facts);
        free(c->argv);
        free(c->nspawn);
        free(c->oci);
        free(c->show);
        free(c->expected);
}

static void add_line(char **to, const char *rest)
{
        char *joined = xasprintf("%s%s\n", *to ?: "", *rest ? rest + 1 : "");

        free(*to);
        *to = joined;
}

static bool case_line(Case *c, const char *line)
{
        const char *rest;

        if (!*line || *line == '#')
                return true;
        if ((rest = str_startswith(line, "facts ")))
                c->facts = xstrdup(rest);
        else if ((rest = str_startswith(line, "argv"))) {
                c->has_argv = true;
                c->argv = xstrdup(rest);
        } else if ((rest = str_startswith(line, "nspawn")))
                add_line(&c->nspawn, rest);
        else if ((rest = str_startswith(line, "oci")))
                add_line(&c->oci, rest);
        else if ((rest = str_startswith(line, "show ")))
                c->show = xstrdup(rest);
        else if (str_eq(line, "untrusted"))
                c->untrusted = true;
        else if (str_eq(line, "layers"))
                c->layers = true;
        else
                return false;
        return true;
}

static bool case_read(Case *c, const char *text)
{
        const char *p = text;

        while (*p) {
                size_t len = strcspn(p, "\n");
                _cleanup_free_ char *line = xstrndup(p, len);
                p += len + (p[len] == '\n');
                if (str_eq(line, "---")) {
                        c->head = (size_t)(p - text);
                        c->expected = xstrdup(p);
                        return c->facts != NULL;
                }
                if (!case_line(c, line)) {
                        printf("bad line '%s'\n", line);
                        return false;
                }
        }
        return false;
}

static void warn(void *ctx, const Event *event)
{
        if (event->kind == EVENT_WARNING)
                buf_addf(ctx, "warning: %s\n", event->text);
}

static int read_argv(MachineSpec *s, const Case *c, Error *e)
{
        static char *environment[] = {"EDITOR=vi", NULL};
        SpecArgv how = {.uses = SPEC_USE_RUN | SPEC_USE_SHELL, .directory = "/home/admin", .environment = environment};
        _cleanup_spec_ MachineSpec words = {}; /* the table's own reader of quoted words takes the line apart */
        static const SpecSpelling split = {.field = SPEC_FIELD_PARAMETERS, .variant = VARIANT_WORDS};
        char *none[] = {NULL};
        size_t first;

        int r = spec_apply(&words, &split, c->argv, "test", e);
        if (r < 0)
                return r;
        char **argv = words.parameters ?: none;
        r = spec_read_argv(s, &how, argv, &first, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *origin = xasprintf("argument %zu", first + 1);
        spec_set_parameters(s, argv + first, origin);
        return 0;
}

static int read_nspawn(MachineSpec *s, const Case *c, Buf *warnings, Error *e)
{
        Events events = {.func = warn, .ctx = warnings};
        SpecNspawnFile file = {.name = "web.nspawn",
                               .text = c->nspawn,
                               .len = strlen(c->nspawn),
                               .trusted = !c->untrusted,
                               .events = &events};

        return spec_read_nspawn(s, &file, e);
}

static int read_oci(MachineSpec *s, const Case *c, Buf *warnings, Error *e)
{
        Events events = {.func = warn, .ctx = warnings};
        SpecOciFile file = {.name = "/srv/bundle/config.json",
                            .text = c->oci,
                            .len = strlen(c->oci),
                            .directory = "/srv/bundle",
                            .events = &events};

        return spec_read_oci(s, &file, e);
}

static int show(const Case *c, const MachineSpec *s, Buf *out, Error *e)
{
        _cleanup_strv_ char **words = strv_split(c->facts, " ");
        _cleanup_(facts_done) HostFacts facts;
        _cleanup_(plan_done) MachinePlan plan = {};

        if (!preset_facts(&facts, words))
                return error_set(e, -EINVAL, "unknown facts '%s'", c->facts);
        if (str_eq(c->show, "nspawn")) {
                _cleanup_free_ char *text = spec_to_nspawn(s);
                buf_adds(out, text);
                return 0;
        }
        int r = (str_eq(c->show, "enter") ? plan_enter : plan_build)(s, &facts, &plan, e);
        if (r < 0)
                return r;
        if (str_eq(c->show, "json")) {
                Json j = {.pretty = true};
                plan_to_json(&plan, &j);
                buf_append(out, j.out.data, j.out.len);
                buf_adds(out, j.out.len > 0 && j.out.data[j.out.len - 1] == '\n' ? "" : "\n");
                buf_done(&j.out);
                return 0;
        }
        _cleanup_free_ char *text = plan_to_text(&plan);
        buf_adds(out, text);
        return 0;
}

static char *run_way(const Case *c, bool argv, bool nspawn)
{
        _cleanup_spec_ MachineSpec file = {}, line = {};
        Error e = {};
        Buf out = {};
        int r = 0;

        buf_adds(&out, "");
        if (nspawn)
                r = read_nspawn(&file, c, &out, &e);
        if (c->oci)
                r = read_oci(&file, c, &out, &e);
        if (r >= 0 && argv)
                r = read_argv(&line, c, &e);
        if (r >= 0) {
                _cleanup_strv_ char **hidden = spec_hidden(&file, &line);
                STRV_FOREACH (w, hidden)
                        buf_addf(&out, "warning: %s\n", *w);
                spec_merge(&file, &line);
                r = show(c, &file, &out, &e);
        }
        if (r < 0)
                buf_addf(&out, "error: %s\n", e.message);
        return buf_take(&out);
}

/* ---- every key ---- */

/* Whether the command line of a test has an option of the field. */
static bool has_option(const Case *c, const SpecSpelling *all, size_t n, SpecField f)
{
        for (size_t i = 0; i < n; i++) {
                const SpecSpelling *sp = &all[i];
                bool same = sp->field == f || (sp->named_rlimit && f >= SPEC_FIELD_RLIMIT && f <= SPEC_FIELD_RLIMIT_LAST);
                _cleanup_free_ char *option = sp->long_name ? xasprintf(" --%s", sp->long_name) : NULL,
                                    *letter = sp->short_name ? xasprintf(" -%c", sp->short_name) : NULL;
                if (same && ((option && strstr(c->argv, option)) || (letter && strstr(c->argv, letter))))
                        return true;
        }
        return false;
}

/* A key without a test that holds it against the command line may mean something else there, and nobody would see it. The words of
 * Parameters= are the command. */
static void note_keys(const Case *c, bool *tested)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *key = all[i].key ? xasprintf("\n%s=", all[i].key) : NULL;
                if (key && strstr(c->nspawn, key) &&
                    (all[i].field == SPEC_FIELD_PARAMETERS || has_option(c, all, n, all[i].field)))
                        tested[i] = true;
        }
}

static void note_options(const Case *c, bool *used)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++)
                if (all[i].long_name && has_option(c, &all[i], 1, all[i].field))
                        used[i] = true;
}

/* Settings that a plan does not show: they say which one is made, or where from. */
static bool shows_nothing(SpecField f)
{
        return f == SPEC_FIELD_SETTINGS || f == SPEC_FIELD_DIRECTORY || f == SPEC_FIELD_MACHINE || f == SPEC_FIELD_TEMPLATE;
}

static size_t missing_spellings(const bool *tested, const bool *used)
{
        size_t n, missing = 0;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++) {
                if (all[i].key && !tested[i]) {
                        printf("no test compares %s= of [%s] with its option\n", all[i].key, all[i].section);
                        missing++;
                }
                if (all[i].long_name && !used[i] && !shows_nothing(all[i].field)) {
                        printf("no test has --%s\n", all[i].long_name);
                        missing++;
                }
        }
        return missing;
}

static void print_diff(const char *name, const char *expected, const char *got)
{
        char dir[] = "/tmp/golden-XXXXXX";

        printf("%s differs (- expected, + got)\n", name);
        if (!mkdtemp(dir))
                return;
        _cleanup_free_ char *a = xasprintf("%s/expected", dir), *b = xasprintf("%s/got", dir),
                            *command = xasprintf("diff -u %s %s | tail -n +3", a, b);
        file_write_at(AT_FDCWD, a, expected, 0600);
        file_write_at(AT_FDCWD, b, got, 0600);
        fflush(stdout);
        if (system(command) != 0)
                printf("%s", got);
        file_remove_tree_at(AT_FDCWD, dir);
}

static bool run_case(int dirfd, const char *name, bool bless, bool *tested, bool *used)
{
        _cleanup_free_ char *text = NULL, *got = NULL;
        _cleanup_(case_done) Case c = {};
        size_t len;

        if (file_read_at(dirfd, name, 1 << 20, &text, &len) < 0 || !case_read(&c, text)) {
                printf("%s: cannot be read\n", name);
                return false;
        }
        if (c.has_argv)
                note_options(&c, used);
        if (c.layers || !c.has_argv || !c.nspawn)
                got = run_way(&c, c.has_argv, c.nspawn != NULL);
        else {
                _cleanup_free_ char *other = run_way(&c, false, true);
                note_keys(&c, tested);
                got = run_way(&c, true, false);
                if (!str_eq(got, other)) {
                        print_diff(name, got, other);
                        printf("%s: the command line (-) and the file (+) give different texts\n", name);
                        return false;
                }
        }
        if (str_eq(got, c.expected))
                return true;
        if (!bless) {
                print_diff(name, c.expected, got);
                return false;
        }
        _cleanup_free_ char *whole = xasprintf("%.*s%s", (int)c.head, text, got);
        printf("blessed %s\n", name);
        return file_write_at(dirfd, name, whole, 0644) >= 0;
}

int main(int argc, char **argv)
{
        bool bless = argc == 3 && str_eq(argv[1], "--bless");
        _cleanup_closedir_ DIR *d = argc >= 2 ? opendir(argv[argc - 1]) : NULL;
        _cleanup_strv_ char **names = NULL;
        size_t failed = 0, n;
        (void)spec_spellings(&n);
        _cleanup_free_ bool *tested = xnew(bool, n), *used = xnew(bool, n);

        if (!d) {
                fprintf(stderr, "usage: golden [--bless] DIRECTORY\n");
                return 2;
        }
        for (struct dirent *entry; (entry = readdir(d));)
                if (str_endswith(entry->d_name, ".test"))
                        strv_push(&names, entry->d_name);
        strv_sort(names);
        STRV_FOREACH (name, names)
                failed += !run_case(dirfd(d), *name, bless, tested, used);
        printf("%zu of %zu golden tests passed\n", strv_len(names) - failed, strv_len(names));
        failed += missing_spellings(tested, used);
        return failed > 0 || strv_len(names) == 0;
}
