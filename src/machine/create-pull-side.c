/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "machine/create-pull.h"
#include "sys/copy.h"

#define SMALL_MAX (1ULL * 1024 * 1024)         /* settings, a hash, its signature */
#define TREE_MAX  (64ULL * 1024 * 1024 * 1024) /* of hashes: some per cent of a disk */

static bool is_tree(const char *suffix)
{
        return suffix[1] == 'v'; /* ".verity" */
}

/* image.raw.xz has image.roothash beside it. */
static char *name_on_server(const Pull *p, const char *suffix)
{
        _cleanup_free_ char *plain = import_name_of(p->file);

        return xasprintf("%s%s", plain, suffix);
}

static int fetch_one(const Pull *p, const char *suffix, PullSide *side, Error *e)
{
        _cleanup_free_ char *name = name_on_server(p, suffix);
        Digest digest = {0};
        Error why = {0};
        bool named = p->sums && pull_find_sum(p->sums, name, false, &digest) >= 0;

        if (!named && p->request->verify != PULL_VERIFY_NO)
                return 0; /* nobody vouches for it */
        int r = pull_fetch_beside(p, name, is_tree(suffix) ? TREE_MAX : SMALL_MAX, named ? &digest : NULL, &why);
        if (r == -ENOENT && !named)
                return 0;
        if (r < 0)
                return error_set(e, r, "%s", why.message);
        strv_push(&side->suffixes, suffix);
        return 0;
}

int pull_side_fetch(const Pull *p, PullSide *ret, Error *e)
{
        int r = 0;

        for (const char *const *suffix = p->kind->side_suffixes; *suffix && r >= 0; suffix++)
                r = fetch_one(p, *suffix, ret, e);
        return r;
}

/* sys_copy_file() makes a new file: it gets its name when it is whole. */
static int place_one(const Pull *p, int to, const char *suffix, Error *e)
{
        _cleanup_free_ char *from = name_on_server(p, suffix), *name = xasprintf("%s%s", p->name, suffix),
                            *hidden = xasprintf(".#%s.pulled", name);

        (void)unlinkat(to, hidden, 0);
        int r = sys_copy_file(p->dirfd, from, to, hidden);
        if (r >= 0 && renameat(to, hidden, to, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(to, hidden, 0);
        return r < 0 ? error_sys(e, r, "cannot put '%s' beside the machine", name) : 0;
}

int pull_side_place(const Pull *p, const PullSide *side, Error *e)
{
        _cleanup_close_ int to = open(p->host->machines_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = to < 0 ? error_sys(e, -errno, "cannot open '%s'", p->host->machines_dir) : 0;

        STRV_FOREACH (suffix, side->suffixes)
                if (r >= 0)
                        r = place_one(p, to, *suffix, e);
        return r < 0 || !side->suffixes || fsync(to) >= 0 ? r : error_sys(e, -errno, "cannot write '%s'", p->host->machines_dir);
}

void pull_side_done(PullSide *side)
{
        strv_free(side->suffixes);
}
