/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which packages of an index must not be taken, and why. Licences are not looked at: who points berth at a host of binaries has taken
 * theirs. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-use.h"
#include "distro/gentoo-vars.h"
#include "distro/gentoo.h"

/* ---- masks ---- */

static int matches_any(char *const *atoms, const char *file, const GentooPackage *p, bool *ret, Error *e)
{
        *ret = false;
        STRV_FOREACH (text, atoms) {
                GentooAtom a;
                int k = gentoo_atom_parse((Slice){*text, strlen(*text)}, NULL, &a, e);
                if (k < 0)
                        return error_prefix(e, k, "the profile's %s", file);
                *ret = *ret || gentoo_atom_matches(&a, p, NULL);
        }
        return 0;
}

static int is_masked(const GentooPlan *p, const GentooPackage *package, bool *ret, Error *e)
{
        bool masked = false, unmasked = false;
        int k = 0;

        *ret = false;
        for (int user = 0; user < 2 && k >= 0; user++) {
                const GentooProfile *from = user ? &p->user : &p->profile;
                k = matches_any(from->mask, "package.mask", package, &masked, e);
                if (k >= 0)
                        k = matches_any(from->unmask, "package.unmask", package, &unmasked, e);
                *ret = (*ret || masked) && !unmasked;
        }
        return k;
}

/* ---- keywords ---- */

/* One of the accepted ones ("amd64", "~amd64" for both, "**" for all) is among the package's. */
static bool is_accepted(char *const *accepted, Slice keywords)
{
        Slice rest, word;

        STRV_FOREACH (a, accepted) {
                if (str_eq(*a, "**"))
                        return true;
                for (rest = keywords; slice_word(&rest, 0, &word);)
                        if (slice_eq_str(word, *a) || (str_eq(*a, "*") && word.s[0] != '~' && word.s[0] != '-') ||
                            ((*a)[0] == '~' && slice_eq_str(word, *a + 1)) || (str_eq(*a, "~*") && word.s[0] != '-'))
                                return true;
        }
        return false;
}

/* With those that package.accept_keywords adds; a line without any stands for the unstable ones. */
static bool is_accepted_here(const GentooPlan *p, char *const *accepted, const GentooPackage *package)
{
        _cleanup_strv_ char **all = strv_copy(accepted);
        Slice rest, word;

        STRV_FOREACH (line, p->user.keywords) {
                bool any = false;
                if (!gentoo_line_matches(*line, package, &rest))
                        continue;
                while (slice_word(&rest, 0, &word)) {
                        gentoo_incremental_add(&all, word);
                        any = true;
                }
                if (!any)
                        strv_pushf(&all, "~%s", p->arch);
        }
        return is_accepted(all, package->keywords);
}

static char *chost_of(const GentooPlan *p)
{
        const char *chost = p->has_profile ? gentoo_profile_get(&p->profile, "CHOST") : "";

        return *chost ? xstrdup(chost) : slice_dup(gentoo_index_header(&p->hosts.items[0].index, "CHOST"));
}

int gentoo_hide(GentooPlan *p, Error *e)
{
        const GentooUseSettings use = {.profile = &p->profile, .user = &p->user, .make_conf = p->make_conf};
        const char *words = p->has_profile ? gentoo_profile_get(&p->profile, "ACCEPT_KEYWORDS") : "";
        _cleanup_strv_ char **accepted = strv_split(words, " ");
        _cleanup_free_ char *chost = chost_of(p);

        p->hidden = xnew(char *, p->n_packages + 1);
        for (size_t i = 0; i < p->n_packages; i++) {
                const GentooPackage *package = &p->packages[i];
                bool masked = false;
                if (gentoo_is_provided(package))
                        continue;
                int k = is_masked(p, package, &masked, e);
                if (k < 0)
                        return k;
                if (masked)
                        p->hidden[i] = xstrdup("is masked by the profile or the settings");
                else if (chost && *chost && package->chost.n > 0 && !slice_eq_str(package->chost, chost))
                        p->hidden[i] = xasprintf("was built for '%.*s'", (int)package->chost.n, package->chost.s);
                else if (accepted && !is_accepted_here(p, accepted, package))
                        p->hidden[i] = xasprintf("has the keywords '%.*s', of which the profile accepts none",
                                                 (int)package->keywords.n, package->keywords.s);
                else if (p->respect_use) {
                        _cleanup_free_ char *differs = gentoo_use_differs(&use, package);
                        if (differs)
                                p->hidden[i] = xasprintf("was built with other flags than are wanted, which are [%s]", differs);
                }
        }
        return 0;
}
