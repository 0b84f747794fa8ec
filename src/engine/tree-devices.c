/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/trees.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

/* The directory in front of "net/tun". */
static int make_parent(int tree, const char *name, uid_t uid, gid_t gid)
{
        const char *slash = strchr(name, '/');

        if (!slash)
                return 0;
        _cleanup_free_ char *parent = xstrndup(name, (size_t)(slash - name));
        if (mkdirat(tree, parent, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        return fchownat(tree, parent, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* As the host has it: number and mode. Whose it is there says nothing about the machine. */
static int make_node(int tree, const char *name, uid_t uid, gid_t gid, Error *e)
{
        _cleanup_free_ char *path = path_join("/dev", name);
        struct stat st;

        if (stat(path, &st) < 0)
                return error_sys(e, -errno, "cannot look at the host's device '%s'", path);
        if (!S_ISCHR(st.st_mode))
                return error_set(e, -ENODEV, "the host's '%s' is no character device", path);
        int r = make_parent(tree, name, uid, gid);
        if (r >= 0 && mknodat(tree, name, S_IFCHR | (st.st_mode & 0777), st.st_rdev) < 0)
                r = -errno;
        if (r == -EPERM) /* by the caller's control group (DevicePolicy= of systemd), which would not let it be opened either */
                return 0;
        if (r >= 0 && fchownat(tree, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        return r < 0 ? error_sys(e, r, "cannot make device '%s'", path) : 0;
}

int tree_devices(const MachinePlan *plan, const PlanOp *op, Error *e)
{
        uint32_t uid, gid;
        if (plan_id_outside(plan, false, 0, &uid) < 0 || plan_id_outside(plan, true, 0, &gid) < 0)
                return error_set(e, -EINVAL, "the machine has no root who could own its devices");

        _cleanup_close_ int tree = tree_tmpfs(op->options, op->attrs, e);
        if (tree < 0)
                return tree;
        const mode_t mask = umask(0); /* the modes are the host's */
        int r = 0;
        for (char **name = op->parts; r >= 0 && name && *name; name++)
                r = make_node(tree, *name, uid, gid, e);
        (void)umask(mask);
        return r < 0 ? r : TAKE_FD(tree);
}
