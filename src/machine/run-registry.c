/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-network.h"
#include "machine/run-range.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "machine/run-scope.h"
#include "sys/cgroup.h"
#include "sys/cgroup1.h"
#include "sys/process.h"

int machine_open_leader(const Machine *m)
{
        char boot_id[33];
        uint64_t starttime;
        int r = sys_boot_id(boot_id);
        if (r < 0)
                return r;
        if (!str_eq(boot_id, m->boot_id))
                return -ESRCH;
        _cleanup_close_ int fd = sys_pidfd_open(m->leader);
        if (fd < 0)
                return fd;
        /* The pidfd first, the start time after: the number cannot have gone to another process in between unnoticed. */
        r = sys_process_starttime(m->leader, &starttime);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        if (starttime != m->leader_starttime || !sys_pidfd_alive(fd))
                return -ESRCH;
        return TAKE_FD(fd);
}

int machine_open_root(const Machine *m)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/root", m->leader);
        _cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), leader = root < 0 ? -1 : machine_open_leader(m);

        return leader < 0 ? -ESRCH : TAKE_FD(root); /* the number was its own when it was used */
}

void machine_registry_forget(const MachineHost *h, const Machine *m)
{
        if (m->cgroup) {
                (void)sys_cgroup_kill(m->cgroup);
                for (unsigned tries = 0; tries < 3 && !scope_leave(h, m->cgroup) && sys_cgroup_remove(m->cgroup) == -EBUSY;
                     tries++)
                        usleep(10000); /* what was killed leaves its cgroup only when it is reaped */
                machine_registry_remove_parent(h);
        }
        IdRange range;
        if (m->id_count == RANGE_COUNT && machine_range_lock(m->id_base, &range, NULL) >= 0)
                machine_range_release(&range); /* the lock's file, which a killed supervisor left */
        machine_network_end(h, m);
        _cleanup_strv_ char **v1 = m->cgroup_v1 ? strv_split(m->cgroup_v1, "\n") : NULL;
        STRV_FOREACH (directory, v1)
                (void)sys_cgroup1_remove(*directory);
        (void)machine_record_remove(h, m->name);
}

void machine_registry_remove_parent(const MachineHost *h)
{
        const char *top = sys_cgroup_mountpoint(), *parent = h->cgroup_parent;
        if (!parent && !h->rootless && access("/run/systemd/system", F_OK) < 0) /* else machine.slice is systemd's */
                parent = "/machine.slice";
        if (!parent || !top)
                return;
        _cleanup_free_ char *path = path_join(top, parent);
        (void)rmdir(path); /* fails, as it shall, while other machines are in it */
}

/* What a supervisor that was killed, or a host that went down, left behind. Not ours to touch while a supervisor has the lock. */
static void clean(const MachineHost *h, const Machine *m)
{
        if (access(h->run_dir, W_OK) < 0) /* another's machines are for looking at */
                return;
        _cleanup_close_ int lock = machine_record_lock(h, m->name);
        if (lock < 0)
                return;
        Machine now = {0};
        if (machine_record_read(h, m->name, &now) >= 0) { /* again under the lock: it may have been started anew */
                _cleanup_close_ int leader = machine_open_leader(&now);
                if (leader == -ESRCH)
                        machine_registry_forget(h, &now);
        }
        machine_done(&now);
        machine_record_unlock(h, m->name, &lock);
}

int machine_check_name(const char *name, Error *e)
{
        if (path_machine_name_is_valid(name))
                return 0;
        return error_set(e, -EINVAL, "'%s' is not a valid machine name: letters, digits, '-' and '.', at most 64", name);
}

int machine_find(const MachineHost *h, const char *name, Machine *ret, Error *e)
{
        Machine m = {0};
        int r = machine_check_name(name, e);
        if (r < 0)
                return r;
        r = machine_record_read(h, name, &m);
        if (r < 0 && r != -ENOENT)
                return error_sys(e, r, "cannot read the record of machine '%s' in %s/machines", name, h->run_dir);
        if (r >= 0) {
                _cleanup_close_ int leader = machine_open_leader(&m);
                if (leader >= 0) {
                        *ret = m;
                        return 0;
                }
                clean(h, &m);
                machine_done(&m);
        }
        return error_set(e, -ENOENT, "machine '%s' is not running", name);
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const Machine *)a)->name, ((const Machine *)b)->name);
}

int machine_list(const MachineHost *h, bool with_addresses, Machine **ret, size_t *ret_n, Error *e)
{
        struct {
                Machine *items;
                size_t n;
        } list = {0};
        _cleanup_free_ char *path = path_join(h->run_dir, "machines");
        _cleanup_closedir_ DIR *dir = opendir(path);

        *ret = NULL;
        *ret_n = 0;
        if (!dir && errno == ENOENT)
                return 0;
        if (!dir)
                return error_sys(e, -errno, "cannot read '%s'", path);
        for (struct dirent *d; (d = readdir(dir));) {
                Machine m = {0};
                if (!path_machine_name_is_valid(d->d_name) || machine_find(h, d->d_name, &m, NULL) < 0)
                        continue;
                if (with_addresses)
                        machine_addresses(&m);
                *vec_push(&list) = m;
        }
        if (list.n)
                qsort(list.items, list.n, sizeof(*list.items), compare);
        *ret = list.items;
        *ret_n = list.n;
        return 0;
}

void machine_list_free(Machine *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                machine_done(v + i);
        free(v);
}

#define TAIL_BYTES 16384
char *machine_console_tail(const MachineHost *h, const char *name, size_t lines)
{
        _cleanup_free_ char *dir = machine_record_dir(h, name);
        _cleanup_free_ char *path = path_join(dir, "console.log");
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        char text[TAIL_BYTES + 1];
        off_t size = lseek(fd, 0, SEEK_END);
        off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
        ssize_t n = pread(fd, text, TAIL_BYTES, from);
        if (n <= 0)
                return NULL;
        text[n] = '\0';

        /* Terminals end lines with \r\n, and what only moves the cursor is noise in an error message: control characters go. */
        _cleanup_buf_ Buf out = {0};
        char *p = text, *end = text + n;
        for (size_t found = 0; end > text; end--)
                if (end[-1] == '\n' && end < text + n && ++found >= lines) {
                        p = end;
                        break;
                }
        for (; *p; p++) {
                if (*p == '\033' && p[1] == '[') { /* a CSI sequence, up to its final byte */
                        for (p += 2; *p && (*p < 0x40 || *p > 0x7e); p++)
                                ;
                        if (!*p)
                                break;
                        continue;
                }
                if (*p == '\n' || *p == '\t' || (unsigned char)*p >= 0x20)
                        buf_append(&out, p, 1);
        }
        return out.len ? buf_take(&out) : NULL;
}
