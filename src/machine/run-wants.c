/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-wants.h"
#include "machine/run-forward.h"
#include "machine/run-network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/cgroup.h"

/* ---- name servers, time zone, journal ---- */

/* The stub of systemd-resolved has a socket of its own since 246. */
static bool resolved_listens(void)
{
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/resolve/io.systemd.Resolve"};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) >= 0;
}

static void want_resolv_conf(HostFacts *f)
{
        static const char *const paths[_FACT_RESOLV_MAX] = {"/etc/resolv.conf", "/usr/lib/systemd/resolv.conf",
                                                            "/run/systemd/resolve/resolv.conf",
                                                            "/run/systemd/resolve/stub-resolv.conf"};
        for (size_t i = 0; i < _FACT_RESOLV_MAX; i++)
                f->resolv_conf[i] = access(paths[i], R_OK) == 0;
        f->resolved_listens = f->resolv_conf[FACT_RESOLV_STUB] && resolved_listens();
}

static void want_timezone(const StoreImage *image, HostFacts *f)
{
        char target[PATH_MAX];
        ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);

        f->has_localtime = access("/etc/localtime", R_OK) == 0;
        if (n < 0)
                return;
        target[n] = '\0';
        const char *zone = strstr(target, "zoneinfo/");
        if (!zone || !path_is_normalized(zone += strlen("zoneinfo/")))
                return;
        f->timezone = xstrdup(zone);
        _cleanup_free_ char *path = path_join("/usr/share/zoneinfo", zone);
        _cleanup_close_ int fd = store_image_open(image, path, O_PATH);
        f->image_has_timezone = fd >= 0;
}

static void want_journal(HostFacts *f)
{
        machine_facts_host_id(f);
        f->has_journal = access("/var/log/journal", F_OK) == 0;
        if (f->machine_id) {
                _cleanup_free_ char *path = path_join("/var/log/journal", f->machine_id);
                struct stat st;
                f->has_machine_journal = lstat(path, &st) >= 0 && S_ISDIR(st.st_mode);
        }
}

/* ---- --volatile=yes ---- */

static void want_usr(const StoreImage *image, HostFacts *f)
{
        static const char *const names[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char target[PATH_MAX];
                _cleanup_free_ char *path = xasprintf("/%s", names[i]);
                _cleanup_close_ int fd = store_image_open(image, path, O_PATH | O_NOFOLLOW);
                if (fd < 0)
                        continue;
                ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
                if (n < 0) {
                        f->usr_unmerged = true;
                        continue;
                }
                target[n] = '\0';
                const char *relative = target + strspn(target, "/");
                if (!path_has_prefix(relative, "usr"))
                        f->usr_unmerged = true;
                else
                        strv_pushf(&f->usr_links, "%s=%s", names[i], relative);
        }
}

/* ---- owneridmap ---- */

static void want_owners(const StoreImage *image, const MachineSpec *s, HostFacts *f)
{
        for (size_t i = 0; i < s->mounts.n; i++) {
                const SpecMount *m = &s->mounts.items[i];
                struct stat st;
                if (m->idmap != SPEC_IDMAP_OWNER || m->has_owner)
                        continue;
                if (!f->mount_owners)
                        f->mount_owners = xnew(FactOwner, s->mounts.n);
                _cleanup_close_ int fd = store_image_open(image, m->target, O_PATH);
                if (fd >= 0 && fstat(fd, &st) >= 0) /* on disk, where the tree's own range may begin anywhere */
                        f->mount_owners[i] = (FactOwner){true, st.st_uid & 0xffff, st.st_gid & 0xffff};
        }
}

/* ---- socket activation ---- */

/* Only what is there: the numbers in the environment are the caller's word. */
static unsigned listen_fds(void)
{
        const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
        uint32_t owner, n, open = 0;

        if (!pid || !fds || str_parse_u32(pid, &owner) < 0 || owner != (uint32_t)getpid() || str_parse_u32(fds, &n) < 0)
                return 0;
        while (open < n && fcntl(3 + (int)open, F_GETFD) >= 0)
                open++;
        return open;
}

static bool wants_volatile(const MachineSpec *s)
{
        return s->volatile_mode == SPEC_VOLATILE_YES;
}

int machine_facts_wanted(const Target *t, HostFacts *f, Error *e)
{
        const MachineSpec *s = &t->spec;
        int r = 0;

        if (spec_is_set(s, SPEC_FIELD_RESOLV_CONF) && s->resolv_conf != SPEC_RESOLV_CONF_OFF)
                want_resolv_conf(f);
        if (spec_is_set(s, SPEC_FIELD_TIMEZONE) && s->timezone != SPEC_TIMEZONE_OFF)
                want_timezone(&t->image, f);
        if (s->link_journal != SPEC_LINK_JOURNAL_NO)
                want_journal(f);
        if (wants_volatile(s))
                want_usr(&t->image, f);
        want_owners(&t->image, s, f);
        if (machine_network_is_wanted(s))
                r = machine_facts_network(t, f, e);
        if (spec_is_set(s, SPEC_FIELD_BUNDLE))
                machine_facts_bundle(f);
        else if (s->properties && !f->has_systemd)
                machine_facts_controllers(f);
        if (s->keep_unit)
                (void)sys_cgroup_self(&f->cgroup_own); /* no cgroup2: no control group at all */
        f->scratch = xstrdup(t->scratch.path);
        if (t->verb != MACHINE_START) /* whose supervisor has given them up */
                f->n_listen_fds = listen_fds();
        if (r >= 0 && s->credentials.n > 0)
                r = machine_facts_credentials(s, f, e);
        if (r >= 0 && s->bind_users)
                r = machine_facts_bind_users(t, f, e);
        if (r >= 0 && s->forward_journal)
                r = machine_facts_forward(t, f, e);
        return r;
}
