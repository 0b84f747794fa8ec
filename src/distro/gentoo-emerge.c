/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A root that Portage builds from source, in a seed: berth lays out its top and its /etc/portage, and runs emerge as people type it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-config.h"
#include "distro/gentoo.h"
#include "distro/key.h"
#include "sys/open.h"
#include "transfer/transfer.h"

#define LAST_LINES 20
#define BASELAYOUT "sys-apps/baselayout"

/* ---- resolving: only what can be known without Portage ---- */

static int check_request(const DistroRequest *r, Error *e)
{
        if (!str_eq(r->suite, "emerge"))
                return error_set(e, -EINVAL, "Gentoo has no '%s'; there is gentoo:emerge", r->suite);
        if (!r->seed)
                return error_set(e, -EINVAL,
                                 "gentoo:emerge builds in a seed, a system with Portage: give --seed=MACHINE, "
                                 "--seed=gentoo:stage3, or "
                                 "on a Gentoo host --seed=host");
        if (!r->profile)
                return error_set(e, -EINVAL,
                                 "what shall the system be? Name a profile with --profile= and its repository with --repo=");
        if (r->arch)
                return error_set(e, -EINVAL, "--arch is not for gentoo:emerge, which builds for what its seed is");
        return 0;
}

/* What a repository says about its own state: as Gentoo's mirrors do, or as git does. */
static char *state_of(const GentooRepo *repo)
{
        static const char *const files[] = {"metadata/timestamp.commit", "metadata/timestamp.chk", ".git/shallow", ".git/HEAD"};
        char *text = NULL;

        for (size_t i = 0; i < ELEMENTSOF(files) && !text; i++) {
                _cleanup_free_ char *path = path_join(repo->path, files[i]);
                (void)file_read_at(AT_FDCWD, path, 4096, &text, NULL);
        }
        return text ?: xstrdup("");
}

static int make_key(DistroPlan *plan, Error *e)
{
        const GentooPlan *p = plan->data;
        _cleanup_strv_ char **lines = NULL;
        char hex[33];

        strv_pushf(&lines, "berth 1 gentoo:emerge %s %s %s", p->arch, p->profile.name, p->seed);
        strv_extend(&lines, p->wanted);
        strv_extend(&lines, p->make_conf);
        strv_push(&lines, p->settings ?: "");
        for (size_t i = 0; i < p->repos.n; i++) {
                _cleanup_free_ char *state = state_of(&p->repos.items[i]);
                strv_pushf(&lines, "%s %s %s", p->repos.items[i].name, p->repos.items[i].path, state);
        }
        for (size_t i = 0; i < p->hosts.n; i++)
                strv_push(&lines, p->hosts.items[i].url);
        _cleanup_free_ char *text = strv_join(lines, "\n");
        int k = key_of_text(text, strlen(text), hex, e);
        if (k >= 0)
                plan->key = xasprintf("gentoo-emerge-%s-%s", p->arch, hex);
        return k;
}

int emerge_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *plan, Error *e)
{
        GentooPlan *p = plan->data = xnew(GentooPlan, 1);
        int k = check_request(r, e);

        if (k >= 0)
                k = gentoo_request_read(p, d, r, ev, e);
        if (k < 0)
                return k;
        STRV_FOREACH (url, r->mirrors)
                vec_push(&p->hosts)->url = xstrdup(*url);
        p->seed = xstrdup(r->seed);
        plan->title = xasprintf("Gentoo %s, %s, built in '%s'", p->arch, p->profile.name, p->seed);
        return make_key(plan, e);
}

/* ---- building ---- */

typedef struct Emerge {
        GentooPlan *plan;
        const DistroInstall *o;
        char **env;
} Emerge;

static bool same_name(const char *x, const char *y)
{
        GentooAtom a, b;

        return gentoo_atom_parse((Slice){x, strlen(x)}, NULL, &a, NULL) >= 0 &&
               gentoo_atom_parse((Slice){y, strlen(y)}, NULL, &b, NULL) >= 0 && slice_eq(a.category, b.category) &&
               slice_eq(a.name, b.name);
}

/* packages.build, each as @system has it (with its version and slot), the layout of / first. */
static char **bootstrap_set(const GentooProfile *p)
{
        char **atoms = NULL;

        for (int layout = 1; layout >= 0; layout--) {
                STRV_FOREACH (a, p->build) {
                        const char *atom = *a;
                        STRV_FOREACH (s, p->system)
                                if (same_name(*s, *a))
                                        atom = *s;
                        if (same_name(atom, BASELAYOUT) == layout)
                                strv_push(&atoms, atom);
                }
                STRV_FOREACH (s, p->system)
                        if (layout && !atoms && same_name(*s, BASELAYOUT))
                                strv_push(&atoms, *s);
        }
        return atoms;
}

static int failed(const Emerge *m, const char *what, const char *output, int status, Error *e)
{
        _cleanup_strv_ char **lines = strv_split(output ?: "", "\n");
        size_t n = strv_len(lines);

        for (size_t i = n > LAST_LINES ? n - LAST_LINES : 0; i < n; i++)
                events_note(m->o->events, "  %s", lines[i]);
        if (status == 127)
                return error_set(e, -ENOENT, "the seed '%s' has no emerge that runs: it has to be a Gentoo with Portage",
                                 m->plan->seed);
        return error_set(e, -EREMOTEIO,
                         "emerge ended with status %d in '%s', in %s; above are its last lines, and --keep keeps the root to "
                         "look at",
                         status, m->plan->seed, what);
}

/* use: of the environment; NULL: as the profile and make.conf have it. */
static int run(Emerge *m, const char *what, const char *use, char *const *options, char *const *atoms, Error *e)
{
        _cleanup_strv_ char **argv = NULL, **env = strv_copy(m->env);
        _cleanup_free_ char *output = NULL;
        int status = 0;

        if (use)
                strv_pushf(&env, "USE=%s", use);
        strv_push(&argv, "/usr/bin/env"); /* says with 127 that there is none */
        strv_push(&argv, "emerge");
        strv_push(&argv, "--root=" DISTRO_TARGET);
        strv_push(&argv, "--sysroot=" DISTRO_TARGET);
        strv_push(&argv, "--config-root=" DISTRO_TARGET);
        strv_push(&argv, "--buildpkg");
        strv_push(&argv, "--usepkg");
        if (m->plan->hosts.n > 0)
                strv_push(&argv, "--getbinpkg");
        strv_push(&argv, "--binpkg-respect-use=y");
        strv_push(&argv, "--color=n");
        strv_push(&argv, "--nospinner");
        strv_extend(&argv, options);
        strv_extend(&argv, atoms);
        events_step(m->o->events, "emerge in '%s': %s", m->plan->seed, what);
        const DistroCommand command = {.argv = argv, .env = env};
        int k = m->o->seed->run(m->o->seed->ctx, &command, &status, &output, e);
        if (k < 0)
                return error_prefix(e, k, "running emerge in '%s'", m->plan->seed);
        return status == 0 ? 0 : failed(m, what, output, status, e);
}

/* Two passes: what everything is built with, without a look at dependencies, which break the cycles that a root from nothing has; then all
 * of it, with the flags that it is to have. */
static int build(Emerge *m, Error *e)
{
        static const char *const first[] = {"--oneshot", "--nodeps", NULL},
                                 *const second[] = {"--oneshot", "--update", "--deep", "--newuse", NULL},
                                 *const third[] = {"--noreplace", NULL}, *const sets[] = {"@system", "@profile", NULL};
        _cleanup_strv_ char **atoms = bootstrap_set(&m->plan->profile);
        _cleanup_free_ char *use = xasprintf("-* build %s", gentoo_profile_get(&m->plan->profile, "BOOTSTRAP_USE"));
        int k = 0;

        if (atoms)
                k = run(m, "the first pass", use, (char *const *)first, atoms, e);
        if (k >= 0)
                k = run(m, "@system and @profile", NULL, (char *const *)second, (char *const *)sets, e);
        if (k >= 0 && m->plan->wanted)
                k = run(m, "what is asked for", NULL, (char *const *)third, m->plan->wanted, e);
        return k;
}

/* Before Portage: the layout, where repositories are bound, and its own settings. */
static int lay_out(const Emerge *m, Error *e)
{
        Tar tar = {.mtime = (int64_t)(clock_realtime() / USEC_PER_SEC)};
        UnpackOptions u = {.root_dirfd = m->o->root_dirfd, .id_base = m->o->id_base, .workers = 1};
        UnpackJob job = {.format = UNPACK_TAR, .label = "the layout of the root"};
        Unpack *unpack = NULL;

        gentoo_config_layout(m->plan, &tar);
        gentoo_config_portage(m->plan, &tar);
        tar_directory(&tar, "var/db", 0755);
        tar_directory(&tar, "var/db/repos", 0755);
        for (size_t i = 0; i < m->plan->repos.n; i++) {
                _cleanup_free_ char *path = path_join("var/db/repos", m->plan->repos.items[i].name);
                tar_directory(&tar, path, 0755);
        }
        job.fd = tar_take_fd(&tar, e);
        int k = job.fd < 0 ? job.fd : unpack_open(&u, &unpack, e);
        if (k >= 0)
                k = unpack_submit(unpack, &job, e);
        if (k >= 0)
                k = unpack_finish(unpack, e);
        unpack_close(unpack);
        fd_close(job.fd);
        tar_done(&tar);
        return k;
}

/* Portage takes its own directories away, but not the one that they are in. */
static void clean(const Emerge *m)
{
        _cleanup_close_ int fd = sys_open_in_root(m->o->root_dirfd, "/var/tmp", O_RDONLY | O_DIRECTORY, 0);

        if (fd >= 0)
                (void)file_remove_tree_at(fd, "portage");
}

/* The machine is a sandbox, and Portage cannot mount a second /proc in it. It builds in the tree, as the seed may be in memory. */
static void set_environment(Emerge *m)
{
        strv_push(&m->env, "FEATURES=-pid-sandbox -mount-sandbox binpkg-multi-instance"); /* beside those of make.conf */
        strv_push(&m->env, "PORTAGE_TMPDIR=" DISTRO_TARGET "/var/tmp");
        strv_push(&m->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin");
        strv_push(&m->env, "HOME=/root");
        strv_push(&m->env, "LC_ALL=C.UTF-8");
        strv_push(&m->env, "SHELL=/bin/bash");
}

int emerge_install(DistroPlan *plan, const DistroInstall *o, Error *e)
{
        Emerge m = {.plan = plan->data, .o = o};

        if (!o->seed)
                return error_set(e, -EINVAL, "there is no seed to build in");
        int k = lay_out(&m, e);
        if (k < 0)
                return k;
        set_environment(&m);
        k = build(&m, e);
        if (k >= 0)
                clean(&m);
        strv_free(m.env);
        return k;
}
