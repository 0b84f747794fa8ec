/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-wants.h"

#define JOURNAL "/var/log/journal"

/* A link of ours is renewed, an empty directory gives way; a journal that is there is nobody's to remove. */
static int make_link(const char *target, const char *path)
{
        if (symlink(target, path) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (unlink(path) < 0 && rmdir(path) < 0)
                return -errno;
        return symlink(target, path) < 0 ? -errno : 0;
}

static int make_directory(const char *path)
{
        struct stat st;

        if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && unlink(path) < 0)
                return -errno;
        return file_mkdir_p(path, 0755);
}

int target_link_journal(const Target *t, const HostFacts *f, Error *e)
{
        SpecLinkJournal mode = t->spec.link_journal;
        bool guest = mode == SPEC_LINK_JOURNAL_GUEST || mode == SPEC_LINK_JOURNAL_TRY_GUEST;
        bool must = mode == SPEC_LINK_JOURNAL_GUEST || mode == SPEC_LINK_JOURNAL_HOST;

        if (mode == SPEC_LINK_JOURNAL_NO || mode == SPEC_LINK_JOURNAL_AUTO || t->spec.ephemeral || !f->machine_id ||
            str_eq(f->machine_id, f->host_machine_id) || (!must && !f->has_journal))
                return 0;
        if (guest && t->image.disk) /* it is nowhere in the host's tree, so there is nothing to link to */
                return must ? error_set(e, -EOPNOTSUPP, "the journal of a disk image cannot be linked; use --link-journal=host")
                            : 0;
        _cleanup_free_ char *path = path_join(JOURNAL, f->machine_id);
        _cleanup_free_ char *inside = xasprintf("%s%s", t->image.upper ?: t->image.directory ?: "", path);
        int r = guest ? file_mkdir_p(JOURNAL, 0755) : 0;
        if (r >= 0)
                r = guest ? make_link(inside, path) : make_directory(path);
        return r < 0 && must ? error_sys(e, r, "cannot link the journal to '%s'", path) : 0;
}
