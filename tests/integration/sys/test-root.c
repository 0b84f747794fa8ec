/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What src/sys and src/base do that only root can: cgroups, owners and attributes in copies, mounts in the way of a removal,
 * interfaces, ID maps, the change of the root. In a mount namespace of its own, on $BERTH_TEST_PLACE (/var/tmp). */

#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "sys/cgroup-private.h"
#include "sys/cgroup.h"
#include "sys/copy.h"
#include "sys/idmap.h"
#include "sys/link.h"
#include "sys/mount.h"
#include "sys/process.h"

typedef struct Place {
        char *dir;
        int fd;
        char *cgroup;
} Place;

static int place_setup(void **state)
{
        const char *place = getenv("BERTH_TEST_PLACE");
        Place *p = xnew(Place, 1);

        p->dir = xasprintf("%s/berth-root.XXXXXX", place ? place : "/var/tmp");
        if (!mkdtemp(p->dir))
                return -1;
        p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        p->cgroup = xasprintf("/berth-test-sys-%d", getpid());
        *state = p;
        return p->fd < 0 ? -1 : 0;
}

static int place_teardown(void **state)
{
        Place *p = *state;

        if (sys_cgroup_mountpoint()) {
                (void)sys_cgroup_kill(p->cgroup);
                assert_int_equal(sys_cgroup_remove(p->cgroup), 0);
        }
        close(p->fd);
        int r = file_remove_tree_at(AT_FDCWD, p->dir);
        free(p->dir);
        free(p->cgroup);
        free(p);
        return r;
}

static pid_t sleeper(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
        pid_t pid = sys_clone(flags, cgroup_fd, ret_pidfd);

        if (pid == 0)
                for (;;)
                        pause();
        assert_true(pid > 0);
        return pid;
}

static const Place *place_with_cgroups(void **state)
{
        if (!sys_cgroup_mountpoint())
                skip();
        return *state;
}

static void a_process_starts_in_its_cgroup_and_dies_with_it(void **state)
{
        const Place *p = place_with_cgroups(state);
        int dir = -1, pidfd = -1;
        siginfo_t si;

        assert_int_equal(sys_cgroup_make(p->cgroup, &dir), 0);
        assert_int_equal(sys_cgroup_populated(p->cgroup), 0);
        sleeper(0, dir, &pidfd);
        assert_int_equal(sys_cgroup_populated(p->cgroup), 1);
        assert_int_equal(sys_cgroup_kill(p->cgroup), 0);
        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        assert_int_equal(si.si_status, SIGKILL);
        assert_int_equal(sys_cgroup_remove(p->cgroup), 0);
        assert_int_equal(sys_cgroup_remove(p->cgroup), 0);
        assert_int_equal(sys_cgroup_populated(p->cgroup), -ENOENT);
        close(dir);
        close(pidfd);
}

static void removal_takes_the_cgroups_below_along(void **state)
{
        const Place *p = place_with_cgroups(state);
        _cleanup_free_ char *deep = xasprintf("%s/a/b/c", p->cgroup), *other = xasprintf("%s/a/d", p->cgroup);
        int pidfd = -1;

        assert_int_equal(sys_cgroup_make(deep, NULL), 0);
        assert_int_equal(sys_cgroup_make(other, NULL), 0);
        pid_t pid = sleeper(0, -1, &pidfd);
        assert_int_equal(sys_cgroup_attach(deep, pid), 0);
        assert_int_equal(sys_cgroup_populated(p->cgroup), 1);
        assert_int_equal(sys_cgroup_kill(p->cgroup), 0); /* and not waited for: removal does */
        assert_int_equal(sys_pidfd_wait(pidfd, NULL), 0);
        assert_int_equal(sys_cgroup_remove(p->cgroup), 0);
        assert_int_equal(sys_cgroup_populated(p->cgroup), -ENOENT);
        close(pidfd);
}

static void without_cgroup_kill_every_process_is_found(void **state)
{
        const Place *p = place_with_cgroups(state);
        _cleanup_free_ char *below = xasprintf("%s/a/b", p->cgroup), *full = path_join(sys_cgroup_mountpoint(), p->cgroup);
        int dir = -1, dir_below = -1, one = -1, two = -1;

        assert_int_equal(sys_cgroup_make(p->cgroup, &dir), 0);
        assert_int_equal(sys_cgroup_make(below, &dir_below), 0);
        sleeper(0, dir, &one);
        sleeper(0, dir_below, &two);
        assert_int_equal(cgroup_kill_until_empty(full, dir), 0);
        assert_int_equal(sys_cgroup_populated(p->cgroup), 0);
        const int pidfds[] = {one, two, dir, dir_below};
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(sys_pidfd_wait(pidfds[i], NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(pidfds); i++)
                close(pidfds[i]);
}

static void a_frozen_cgroup_is_frozen_on_return(void **state)
{
        const Place *p = place_with_cgroups(state);
        int dir = -1, pidfd = -1;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(sys_cgroup_make(p->cgroup, &dir), 0);
        sleeper(0, dir, &pidfd);
        assert_int_equal(sys_cgroup_freeze(p->cgroup, true), 0);
        assert_int_equal(file_read_at(dir, "cgroup.events", 1000, &text, NULL), 0);
        assert_non_null(strstr(text, "frozen 1"));
        assert_int_equal(sys_cgroup_freeze(p->cgroup, false), 0);
        assert_int_equal(sys_cgroup_kill(p->cgroup), 0);
        assert_int_equal(sys_pidfd_wait(pidfd, NULL), 0);
        close(dir);
        close(pidfd);
}

static void a_delegated_cgroup_belongs_to_the_guest_and_its_limits_do_not(void **state)
{
        const Place *p = place_with_cgroups(state);
        int dir = -1;
        struct stat st;

        assert_int_equal(sys_cgroup_make(p->cgroup, &dir), 0);
        assert_int_equal(sys_cgroup_own(p->cgroup, 524288, 524289), 0);
        static const char *const owned[] = {".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"};
        for (size_t i = 0; i < ELEMENTSOF(owned); i++) {
                assert_int_equal(fstatat(dir, owned[i], &st, 0), 0);
                assert_int_equal(st.st_uid, 524288);
                assert_int_equal(st.st_gid, 524289);
        }
        assert_int_equal(fstatat(dir, "cgroup.freeze", &st, 0), 0);
        assert_int_equal(st.st_uid, 0);
        close(dir);
}

static void the_root_and_paths_that_lead_out_are_refused(void **state)
{
        place_with_cgroups(state);
        static const char *const bad[] = {"/", "", "/a/../..", "/a//b"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(sys_cgroup_make(bad[i], NULL), -EINVAL);
                assert_int_equal(sys_cgroup_kill(bad[i]), -EINVAL);
                assert_int_equal(sys_cgroup_remove(bad[i]), -EINVAL);
        }
}

static void the_base_is_never_the_root(void **state)
{
        place_with_cgroups(state);
        _cleanup_free_ char *self = NULL, *base = NULL;
        assert_int_equal(sys_cgroup_self(&self), 0);
        assert_int_equal(sys_cgroup_base(&base), 0);
        assert_string_equal(base, strcmp(self, "/") == 0 ? "/machine.slice" : self);
}

static void copies_keep_owners_attributes_and_devices(void **state)
{
        const Place *p = *state;
        static const uint8_t capability[20] = {0x01, 0, 0, 0x02, 0, 0x20};
        /* user::rw- user:1000:r-- group::r-- mask::r-- other::--- */
        static const uint8_t acl[] = {2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                      0, 0xe8, 3,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                      4, 0,    255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
        static const char *const links[][2] = {
                        {"from/f", "to/f"}, {"from/d", "to/d"}, {"from/l", "to/l"}, {"from/white", "to/white"}};
        uint8_t got[64];
        struct stat a, b;
        Error e = {};

        assert_int_equal(file_mkdir_p_at(p->fd, "from/d", 0755), 0);
        assert_int_equal(file_write_at(p->fd, "from/f", "x", 0640), 0);
        assert_int_equal(symlinkat("f", p->fd, "from/l"), 0);
        assert_int_equal(mknodat(p->fd, "from/white", S_IFCHR, makedev(0, 0)), 0);
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                assert_int_equal(fchownat(p->fd, links[i][0], 1000 + i, 2000 + i, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(fchmodat(p->fd, "from/d", 02775, 0), 0);
        assert_int_equal(fchdir(p->fd), 0);
        assert_int_equal(setxattr("from/f", "security.capability", capability, sizeof(capability), 0), 0);
        assert_int_equal(setxattr("from/f", "system.posix_acl_access", acl, sizeof(acl), 0), 0);
        assert_int_equal(setxattr("from/d", "system.posix_acl_default", acl, sizeof(acl), 0), 0);
        assert_int_equal(setxattr("from/d", "trusted.overlay.opaque", "y", 1, 0), 0);
        assert_int_equal(lsetxattr("from/l", "trusted.x", "l", 1, 0), 0);

        assert_int_equal(sys_copy_tree(p->fd, "from", p->fd, "to", NULL, &e), 0);
        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                assert_int_equal(fstatat(p->fd, links[i][0], &a, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(fstatat(p->fd, links[i][1], &b, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(a.st_mode, b.st_mode);
                assert_int_equal(a.st_uid, b.st_uid);
                assert_int_equal(a.st_gid, b.st_gid);
                assert_int_equal(a.st_rdev, b.st_rdev);
        }
        assert_int_equal(getxattr("to/f", "security.capability", got, sizeof(got)), sizeof(capability));
        assert_memory_equal(got, capability, sizeof(capability));
        assert_int_equal(getxattr("to/f", "system.posix_acl_access", got, sizeof(got)), sizeof(acl));
        assert_memory_equal(got, acl, sizeof(acl));
        assert_int_equal(getxattr("to/d", "system.posix_acl_default", got, sizeof(got)), sizeof(acl));
        assert_int_equal(getxattr("to/d", "trusted.overlay.opaque", got, sizeof(got)), 1);
        assert_int_equal(lgetxattr("to/l", "trusted.x", got, sizeof(got)), 1);
        assert_int_equal(chdir("/"), 0);
}

/* A second view of "other" is attached at tree/mnt: the same file system, so that its device number shows nothing. */
static void attach_other(const Place *p)
{
        assert_int_equal(file_mkdir_p_at(p->fd, "tree/mnt", 0755), 0);
        assert_int_equal(file_mkdir_p_at(p->fd, "other", 0755), 0);
        assert_int_equal(file_write_at(p->fd, "other/precious", "x", 0600), 0);
        _cleanup_close_ int mount = sys_mount_clone(p->fd, "other", false);
        assert_int_equal(sys_mount_attach(mount, p->fd, "tree/mnt"), 0);
}

static void detach_other(const Place *p)
{
        _cleanup_free_ char *path = path_join(p->dir, "tree/mnt");
        assert_int_equal(syscall(SYS_umount2, path, 0), 0);
}

static void removal_stops_at_mounts(void **state)
{
        const Place *p = *state;

        attach_other(p);
        int r = file_remove_tree_at(p->fd, "tree");
        detach_other(p);
        assert_int_equal(r, -EBUSY);
        assert_int_equal(faccessat(p->fd, "other/precious", F_OK, 0), 0);
}

static void copies_leave_mount_points_empty(void **state)
{
        const Place *p = *state;

        attach_other(p);
        int r = sys_copy_tree(p->fd, "tree", p->fd, "copy", NULL, NULL);
        detach_other(p);
        assert_int_equal(r, 0);
        assert_int_equal(file_dir_is_empty_at(p->fd, "copy/mnt"), 1);
}

/* Runs f in a child with new namespaces; 0 or the number f returned. */
static int in_child(uint64_t flags, int (*f)(const Place *), const Place *p)
{
        int pidfd = -1;
        siginfo_t si;
        pid_t pid = sys_clone(flags, -1, &pidfd);

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(f(p));
        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        close(pidfd);
        return si.si_status;
}

static int lo_flags(void)
{
        struct ifreq r = {.ifr_name = "lo"};
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return ioctl(fd, SIOCGIFFLAGS, &r) < 0 ? -1 : r.ifr_flags;
}

static int bring_lo_up(const Place *p _unused_)
{
        Error e = {};

        if (lo_flags() & IFF_UP)
                return 1;
        if (sys_link_up("lo", &e) < 0)
                return 2;
        return lo_flags() & IFF_UP ? 0 : 3;
}

static void an_interface_comes_up(void **state)
{
        assert_int_equal(in_child(CLONE_NEWNET, bring_lo_up, *state), 0);
}

static int change_root(const Place *p)
{
        int fd = sys_mount_clone(AT_FDCWD, p->dir, false);

        if (fd < 0 || sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, MS_PRIVATE, -1) < 0 ||
            sys_mount_attach(fd, AT_FDCWD, p->dir) < 0)
                return 1;
        if (sys_pivot_root(fd) < 0)
                return 2;
        if (access("/here", F_OK) < 0 || access("/proc", F_OK) == 0)
                return 3;
        return chdir("..") < 0 || access("here", F_OK) < 0 ? 4 : 0; /* nothing above */
}

static void the_root_is_changed_and_the_old_one_gone(void **state)
{
        const Place *p = *state;

        assert_int_equal(file_write_at(p->fd, "here", "", 0644), 0);
        assert_int_equal(in_child(CLONE_NEWNS, change_root, p), 0);
        assert_int_equal(access("/proc/self", F_OK), 0);
}

static void a_map_is_written_to_both_files(void **state)
{
        static const SysIdRange ranges[] = {{0, 524288, 1000}, {1000, 700000, 1}};
        _cleanup_free_ char *uids = NULL, *gids = NULL;
        char path[64];
        int pidfd = -1;
        uint32_t a, b, c, d, e, f;
        pid_t pid = sleeper(CLONE_NEWUSER, -1, &pidfd);

        assert_int_equal(sys_idmap_write(pid, ranges, 2), 0);
        snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
        assert_int_equal(file_read_at(AT_FDCWD, path, 1000, &uids, NULL), 0);
        snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
        assert_int_equal(file_read_at(AT_FDCWD, path, 1000, &gids, NULL), 0);
        assert_int_equal(sys_pidfd_send_signal(pidfd, SIGKILL), 0);
        assert_int_equal(sys_pidfd_wait(pidfd, NULL), 0);
        close(pidfd);
        assert_string_equal(uids, gids);
        assert_int_equal(sscanf(uids, "%u %u %u %u %u %u", &a, &b, &c, &d, &e, &f), 6);
        assert_true(a == 0 && b == 524288 && c == 1000 && d == 1000 && e == 700000 && f == 1);
        assert_int_equal(sys_idmap_write(pid, NULL, 0), -EINVAL);
}

static void a_user_namespace_outlives_its_helper(void **state)
{
        static const SysIdRange range = {0, 524288, 65536};
        _cleanup_close_ int userns = sys_idmap_userns(&range, 1);

        assert_true(userns >= 0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left to be reaped */
        assert_int_equal(errno, ECHILD);
        assert_int_equal(sys_idmap_userns(&(SysIdRange){0, 0, 0}, 1), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(a_process_starts_in_its_cgroup_and_dies_with_it, place_setup,
                                                        place_teardown),
                        cmocka_unit_test_setup_teardown(removal_takes_the_cgroups_below_along, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(without_cgroup_kill_every_process_is_found, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(a_frozen_cgroup_is_frozen_on_return, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(a_delegated_cgroup_belongs_to_the_guest_and_its_limits_do_not,
                                                        place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(the_root_and_paths_that_lead_out_are_refused, place_setup,
                                                        place_teardown),
                        cmocka_unit_test_setup_teardown(the_base_is_never_the_root, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(copies_keep_owners_attributes_and_devices, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(removal_stops_at_mounts, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(copies_leave_mount_points_empty, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(an_interface_comes_up, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(the_root_is_changed_and_the_old_one_gone, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(a_map_is_written_to_both_files, place_setup, place_teardown),
                        cmocka_unit_test_setup_teardown(a_user_namespace_outlives_its_helper, place_setup, place_teardown),
        };

        if (geteuid() != 0)
                return 77; /* skipped */
        if (unshare(CLONE_NEWNS) < 0 || sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, MS_PRIVATE, -1) < 0)
                return 1;
        umask(022);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
