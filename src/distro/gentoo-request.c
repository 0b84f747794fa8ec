/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every request for a Gentoo of packages names: architecture, repositories, profile, packages, settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-version.h"
#include "distro/gentoo.h"
#include "transfer/git.h"

#define HOST_KEYRING "/usr/share/openpgp-keys/gentoo-release.asc"

/* Gentoo's names of architectures by uname(2)'s. */
char *gentoo_host_arch(void)
{
        static const char *const names[][2] = {{"x86_64", "amd64"},  {"aarch64", "arm64"},    {"i686", "x86"},
                                               {"ppc64le", "ppc64"}, {"s390x", "s390"},       {"armv7l", "arm"},
                                               {"riscv64", "riscv"}, {"loongarch64", "loong"}};
        struct utsname u;

        if (uname(&u) < 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (str_eq(u.machine, names[i][0]))
                        return xstrdup(names[i][1]);
        return NULL;
}

/* "NAME=PATH", "PATH", or "NAME=URL" of what git fetches. */
static int add_repo(GentooPlan *p, const DistroRequest *r, const char *word, const Events *ev, Error *e)
{
        GentooRepoWord w;
        _cleanup_free_ char *name = NULL, *path = NULL;
        int k = 0;

        gentoo_repo_word(word, r->repos_dir, &w);
        name = w.name;
        path = w.path;
        if (w.url && (!name || !gentoo_is_repository((Slice){name, strlen(name)})))
                return error_set(e, -EINVAL, "how shall the repository of '%s' be called? Write --repo=NAME=%s", w.url, w.url);
        if (w.url && w.url[0] == '-') /* would be an option */
                return error_set(e, -EINVAL, "'%s' is no URL", w.url);
        if (w.url)
                k = git_fetch(w.url, path, ev, e);
        if (k >= 0)
                k = gentoo_repos_add(&p->repos, name, path, e);
        if (k >= 0 && w.url)
                p->repos.items[p->repos.n - 1].url = xstrdup(w.url);
        return k;
}

static int add_repos(GentooPlan *p, const DistroRequest *r, const Events *ev, Error *e)
{
        int k = 0;

        STRV_FOREACH (word, r->repos)
                k = k < 0 ? k : add_repo(p, r, *word, ev, e);
        return k;
}

int gentoo_find_keyrings(const DistroRequest *r, char ***ret, Error *e)
{
        if (r->verify != DISTRO_VERIFY_SIGNATURE)
                return 0;
        if (r->keyrings && *r->keyrings)
                *ret = strv_copy(r->keyrings);
        else if (access(HOST_KEYRING, R_OK) == 0)
                strv_push(ret, HOST_KEYRING);
        else
                return error_set(e, -ENOKEY,
                                 "no keys of Gentoo are on this host to verify with; name them with --keyring=FILE, or take "
                                 "packages by the "
                                 "index's digests alone with --verify=checksum");
        return 0;
}

static int check_wanted(GentooPlan *p, const DistroRequest *r, Error *e)
{
        STRV_FOREACH (text, r->include) {
                GentooAtom a;
                int k = gentoo_atom_parse((Slice){*text, strlen(*text)}, NULL, &a, e);
                if (k < 0)
                        return k;
                strv_push(&p->wanted, *text);
        }
        if (!r->profile && !p->wanted)
                return error_set(e, -EINVAL,
                                 "what shall the system be? Name a profile with --profile= and its repository with --repo=, or "
                                 "packages with "
                                 "--package=");
        STRV_FOREACH (assignment, r->make_conf) {
                size_t n = strspn(*assignment, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
                if (n == 0 || (*assignment)[n] != '=' || strpbrk(*assignment, "\"\\\n`$"))
                        return error_set(e, -EINVAL, "'%s' is no setting of make.conf; write --make-conf=KEY=VALUE", *assignment);
        }
        p->make_conf = strv_copy(r->make_conf);
        return 0;
}

char **gentoo_repo_words(const DistroPlan *plan)
{
        const GentooPlan *p = plan->data;
        char **words = NULL;

        for (size_t i = 0; i < p->repos.n; i++)
                strv_pushf(&words, "%s=%s", p->repos.items[i].name, p->repos.items[i].path);
        return words;
}

/* ---- all of it ---- */

/* What other distributions have is not passed over in silence. */
static int check_foreign(const DistroRequest *r, Error *e)
{
        if (r->variant)
                return error_set(e, -EINVAL, "--variant is not for Gentoo: a profile says what the system is; use --profile=");
        if (r->exclude && *r->exclude)
                return error_set(e, -EINVAL,
                                 "--exclude is not for Gentoo: what a profile needs cannot be left out; use another one");
        if (r->components && *r->components)
                return error_set(e, -EINVAL, "--components is not for Gentoo, whose package hosts have none");
        return 0;
}

int gentoo_request_read(GentooPlan *p, const Distro *d, const DistroRequest *r, const Events *ev, Error *e)
{
        p->arch = r->arch ? xstrdup(r->arch) : gentoo_host_arch();
        p->cache = xasprintf("%s/%s", r->cache_dir, d->name);
        p->verify = r->verify;
        if (!p->arch)
                return error_set(e, -EOPNOTSUPP, "this machine's architecture has no name in Gentoo; give --arch");
        int k = check_foreign(r, e);
        if (k >= 0)
                k = check_wanted(p, r, e);
        if (k >= 0)
                k = add_repos(p, r, ev, e);
        if (k >= 0 && r->profile) {
                k = gentoo_profile_read(&p->repos, r->profile, &p->profile, e);
                p->has_profile = k >= 0;
        }
        p->respect_use = r->respect_use;
        if (k >= 0 && r->portage_config) {
                p->config = xstrdup(r->portage_config);
                p->settings = gentoo_settings_text(r->portage_config);
                k = gentoo_settings_read(r->portage_config, &p->profile, &p->user, e);
        }
        return k;
}
