/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files between the host and a machine that runs, both ways. The machine's side is entered by its root directory, and every link there is
 * resolved below that, or not followed: what a hostile machine changes meanwhile leads nowhere else. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/engine.h"
#include "machine/run-registry.h"
#include "sys/copy.h"
#include "sys/credentials.h"
#include "sys/open.h"

typedef struct Side {
        int dir;
        const char *name; /* in it */
} Side;

static int open_machine_root(const Machine *m, Error *e)
{
        int root = machine_open_root(m);

        return root < 0 ? error_set(e, -ESRCH, "machine '%s' is not running any more", m->name) : root;
}

static int open_inside(const Machine *m, int root, const char *path, bool make, Side *ret, Error *e)
{
        if (make) {
                _cleanup_free_ char *parent = path_dirname(path);
                int r = sys_mkdir_in_root(root, parent, 0755, NULL);
                if (r < 0)
                        return error_sys(e, r, "cannot make '%s' in machine '%s'", parent, m->name);
        }
        ret->dir = sys_open_parent_in_root(root, path, &ret->name);
        return ret->dir < 0 ? error_sys(e, ret->dir, "cannot open '%s' in machine '%s'", path, m->name) : 0;
}

static int open_outside(const char *path, Side *ret, Error *e)
{
        _cleanup_free_ char *parent = path_dirname(path);

        ret->name = path_basename(path);
        if (!*ret->name || str_eq(ret->name, ".."))
                return error_set(e, -EINVAL, "'%s' cannot be copied as a whole", path);
        ret->dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return ret->dir < 0 ? error_sys(e, -errno, "cannot open '%s'", parent) : 0;
}

static int copy(const MachineHost *h, const Machine *m, const MachineCopy *what, const char *inside, Error *e)
{
        SysCopyAcross how = {.from = what->from_machine ? m->id_base : 0,
                             .to = what->from_machine ? 0 : m->id_base,
                             .count = h->rootless ? 0 : m->id_count,
                             .replace = what->force};
        _cleanup_(sys_credentials_restore) SysCredentials saved = {0};
        Side in = {-1, NULL}, out = {-1, NULL};
        _cleanup_close_ int root = open_machine_root(m, e);
        int r = root;

        if (r >= 0 && !what->from_machine && how.count) {
                r = sys_credentials_switch(&saved, m->id_base);
                if (r < 0)
                        error_sys(e, r, "cannot act as root of machine '%s'", m->name);
        }
        if (r >= 0)
                r = open_inside(m, root, inside, !what->from_machine, &in, e);
        if (r >= 0)
                r = open_outside(what->outside, &out, e);
        _cleanup_close_ int in_fd = in.dir, out_fd = out.dir;
        if (r < 0)
                return r;
        Error error = {0};
        r = what->from_machine ? sys_copy_across(in_fd, in.name, out_fd, out.name, &how, &h->events, &error)
                               : sys_copy_across(out_fd, out.name, in_fd, in.name, &how, &h->events, &error);
        if (r < 0 && e)
                *e = error;
        if (r == -EEXIST)
                return error_set(e, r, "%s: it is there already; --force replaces files that are", error.message);
        return r;
}

int machine_copy(const MachineHost *h, const char *name, const MachineCopy *what, Error *e)
{
        Machine m = {0};
        _cleanup_free_ char *inside = path_simplify(xstrdup(what->inside));

        if (!path_is_absolute(inside))
                return error_set(e, -EINVAL, "'%s' is no absolute path, which paths in a machine have to be", what->inside);
        int r = machine_find(h, name, &m, e);
        if (r >= 0)
                r = copy(h, &m, what, inside, e);
        machine_done(&m);
        return r;
}

int machine_bind(const MachineHost *h, const char *name, const char *source, const char *target, bool read_only, bool make,
                 Error *e)
{
        Machine m = {0};

        if (!path_is_absolute(target))
                return error_set(e, -EINVAL, "'%s' is no absolute path, which paths in a machine have to be", target);
        int r = machine_find(h, name, &m, e);
        if (r >= 0) {
                _cleanup_close_ int leader = machine_open_leader(&m); /* held, the number is nobody else's */
                EngineBind b = {.leader = m.leader,
                                .source = source,
                                .target = target,
                                .mapped = m.id_count > 0,
                                .read_only = read_only,
                                .make = make};
                r = leader < 0 ? error_sys(e, leader, "cannot open the leader of machine '%s'", name) : engine_bind(&b, e);
                if (r < 0)
                        error_prefix(e, r, "machine '%s'", name);
        }
        machine_done(&m);
        return r;
}
