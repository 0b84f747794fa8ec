/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-phases.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-environ.h"
#include "sys/open.h"
#include "transfer/transfer.h"

#define BUILD       "var/tmp/portage"
#define DRIVER      BUILD "/berth-phases"
#define ENVIRON_MAX (64 << 20)
#define LAST_LINES  20

static const char driver[] =
#include "distro/gentoo-phases.inc"
                ;

/* ---- which phases ---- */

/* In the order in which they run. A package that does not say what it defines may define all. */
static char *phases_of(const GentooMerged *m)
{
        static const char *const known[] = {"pretend", "setup", "preinst", "postinst"};
        Slice defined = m->package->phases, word;
        Buf b = {0};

        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                bool has = defined.n == 0;
                for (Slice rest = defined; slice_word(&rest, 0, &word);)
                        has = has || slice_eq_str(word, known[i]);
                if (has)
                        buf_addf(&b, "%s%s", b.len ? " " : "", known[i]);
        }
        if (b.len == 0 || !gentoo_merged_get(m, "environment.bz2")) {
                buf_done(&b);
                return NULL;
        }
        return buf_take(&b);
}

static char *name_of(const GentooMerged *m)
{
        return slice_dup(m->package->cpv);
}

/* ---- what goes into the root ---- */

static int decompress(const UnpackFile *f, char **ret, size_t *ret_len, Error *e)
{
        _cleanup_close_ int fd = memfd_create("berth-environment", MFD_CLOEXEC);
        int k = fd < 0 ? -errno : fd_write_all(fd, f->data, f->len);

        if (k >= 0 && lseek(fd, 0, SEEK_SET) < 0)
                k = -errno;
        if (k < 0)
                return error_sys(e, k, "cannot write to a memory file");
        return decompress_file(fd, ENVIRON_MAX, ret, ret_len, e);
}

/* The directories that Portage gives a build. Its image is the root itself: files are there before pkg_preinst sees them. */
static int write_package(const GentooMerged *m, Tar *tar, Error *e)
{
        _cleanup_free_ char *name = name_of(m), *text = NULL;
        _cleanup_free_ char *dir = xasprintf(BUILD "/%s", name), *category = slice_dup(m->package->category);
        _cleanup_free_ char *above = xasprintf(BUILD "/%s", category), *image = xasprintf("%s/image", dir),
                            *environment = xasprintf("%s/temp/environment", dir);
        static const char *const below[] = {"temp", "work", "homedir", "empty", "files"};
        size_t len;
        int k = decompress(gentoo_merged_get(m, "environment.bz2"), &text, &len, e);

        if (k < 0)
                return error_prefix(e, k, "'%s': its environment.bz2", name);
        tar_directory(tar, above, 0755);
        tar_directory(tar, dir, 0755);
        for (size_t i = 0; i < ELEMENTSOF(below); i++) {
                _cleanup_free_ char *path = xasprintf("%s/%s", dir, below[i]);
                tar_directory(tar, path, 0755);
        }
        tar_symlink(tar, image, "/");
        Buf b = {0};
        gentoo_environ_filter((Slice){text, len}, &b);
        tar_file(tar, environment, b.data ?: "", b.len, 0644);
        buf_done(&b);
        return 0;
}

/* All of it is checked: the characters of names and versions are few. */
static void add_call(Buf *b, const char *function, const GentooPackage *p, const char *phases)
{
        buf_addf(b, "%s '%.*s' '%.*s' '%.*s' '%s' '%s' '%s'", function, (int)p->category.n, p->category.s, (int)p->name.n,
                 p->name.s, (int)p->version.n, p->version.s, p->eapi->name, p->eapi->bash, phases);
}

static void add_phases(Buf *b, const GentooPackage *p, const char *phases)
{
        buf_adds(b, "(");
        add_call(b, "berth_enter", p, phases);
        buf_addf(b, "; source \"$T/environment\"; berth_run) || berth_failed '%.*s'\n", (int)p->cpv.n, p->cpv.s);
}

static int write_all(const GentooPhases *p, Tar *tar, Error *e)
{
        _cleanup_buf_ Buf first = {0}, then = {0}, text = {0};
        int k = 0;

        for (size_t i = 0; i < p->n && k >= 0; i++) {
                const GentooPackage *package = p->merged[i].package;
                _cleanup_free_ char *phases = phases_of(&p->merged[i]);
                const char *rest = phases ? str_startswith(phases, "pretend") : NULL;
                if (rest)
                        add_phases(&first, package, "pretend");
                rest = rest ?: phases ?: "";
                if (*rest)
                        add_phases(&then, package, *rest == ' ' ? rest + 1 : rest);
                add_call(&then, "berth_installed", package, "");
                buf_adds(&then, "\n");
                if (phases)
                        k = write_package(&p->merged[i], tar, e);
        }
        buf_adds(&text, driver);
        buf_addf(&text, "berth_begin\n%s%sberth_end\n", first.data ?: "", then.data ?: "");
        tar_file(tar, DRIVER, text.data, text.len, 0644);
        return k;
}

static bool has_program(const GentooPhases *p, const char *path)
{
        _cleanup_close_ int fd = sys_open_in_root(p->root_dirfd, path, O_PATH, 0);
        return fd >= 0;
}

static void warn_not_run(const GentooPhases *p, const char *why)
{
        Buf names = {0};
        size_t n = 0;

        for (size_t i = 0; i < p->n; i++) {
                _cleanup_free_ char *phases = phases_of(&p->merged[i]), *name = name_of(&p->merged[i]);
                if (phases)
                        buf_addf(&names, "%s%s", n++ ? ", " : "", name);
        }
        events_warning(p->events, "%s: the phases of these packages did not run: %s", why, names.data ?: "");
        buf_done(&names);
}

int gentoo_phases_write(const GentooPhases *p, Tar *tar, bool *ret_any, Error *e)
{
        bool any = false;

        *ret_any = false;
        for (size_t i = 0; i < p->n && !any; i++) {
                _cleanup_free_ char *phases = phases_of(&p->merged[i]);
                any = phases != NULL;
        }
        if (!any)
                return 0;
        if (!has_program(p, "/bin/bash")) {
                warn_not_run(p, "there is no bash in the new root");
                return 0;
        }
        tar_directory(tar, "var/tmp", 01777);
        tar_directory(tar, BUILD, 0775);
        *ret_any = true;
        return write_all(p, tar, e);
}

/* ---- running ---- */

/* Without what ran before them: directories of other packages below it are not ours. */
static void clean(const GentooPhases *p)
{
        _cleanup_close_ int fd = sys_open_in_root(p->root_dirfd, "/" BUILD, O_RDONLY | O_DIRECTORY, 0),
                            above = sys_open_in_root(p->root_dirfd, "/var/tmp", O_RDONLY | O_DIRECTORY, 0);

        if (fd < 0)
                return;
        for (size_t i = 0; i < p->n; i++) {
                _cleanup_free_ char *category = slice_dup(p->merged[i].package->category);
                (void)file_remove_tree_at(fd, category);
        }
        (void)unlinkat(fd, "berth-phases", 0);
        if (above >= 0)
                (void)unlinkat(above, "portage", AT_REMOVEDIR); /* stays where a package has something in it */
}

static const char *last_of(const char *text, const char *sign)
{
        const char *last = NULL;

        for (const char *at = text; (at = strstr(at, sign)); at++)
                last = at + strlen(sign);
        return last;
}

/* The driver says which phase begins, and at the end whose failed; between the two is what the phase said. */
static int failed(const GentooPhases *p, const char *output, int status, Error *e)
{
        static const char begin[] = "berth: phase ", end[] = "\nberth: failed: ";
        const char *name = last_of(output, end), *phase = last_of(output, begin);
        const char *from = phase ? strchr(phase, '\n') ?: "" : output;
        _cleanup_free_ char *text = name && name > from ? xstrndup(from, (size_t)(name - from) - strlen(end)) : xstrdup(from);
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        size_t n = strv_len(lines);

        for (size_t i = n > LAST_LINES ? n - LAST_LINES : 0; i < n; i++)
                events_note(p->events, "  %s", lines[i]);
        if (!name || !phase)
                return error_set(e, -EREMOTEIO, "the packages' phases ended with status %d; above are their last lines", status);
        const char *word = phase + strcspn(phase, " \n");
        word += *word == ' ';
        return error_set(e, -EREMOTEIO, "'%.*s': pkg_%.*s failed; above are its last lines, and --keep keeps the root to look at",
                         (int)strcspn(name, "\n"), name, (int)strcspn(word, "\n"), word);
}

int gentoo_phases_run(const GentooPhases *p, Error *e)
{
        static const char *const argv[] = {"/bin/bash", "--noprofile", "--norc", "/" DRIVER, NULL};
        static const char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin",
                                          "HOME=/root", "LC_ALL=C", "SHELL=/bin/bash", NULL};
        const DistroCommand command = {.argv = (char *const *)argv, .env = (char *const *)env};
        _cleanup_free_ char *output = NULL;
        int status = 0, k = p->runner->run(p->runner->ctx, &command, &status, &output, e);

        /* The system has no loader for it, or a library is missing: then nothing at all ran. */
        bool started = output && (str_startswith(output, "berth: begin\n") || strstr(output, "\nberth: "));
        if (!started && (k == -ENOENT || (k >= 0 && (status == 126 || status == 127)))) {
                if (e)
                        *e = (Error){0};
                warn_not_run(p, "bash does not run in the new root");
                k = status = 0;
        } else if (k < 0)
                error_prefix(e, k, "running the packages' phases");
        else if (status != 0)
                k = failed(p, output, status, e);
        if (k >= 0)
                clean(p);
        return k;
}
