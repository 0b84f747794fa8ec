/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Overlays over ID-mapped layers, as root on whatever file system $BERTH_TEST_PLACE (/var/tmp) is on. Everything is mounted in a
 * mount namespace of this program's own or not attached at all. */

#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "sys/idmap.h"
#include "sys/mount.h"
#include "sys/overlay-private.h"
#include "sys/process.h"

#define FIRST_ID 524288

typedef struct Stage {
        char *dir;
        int top; /* of dir */
        int userns;
        int layers[2]; /* detached ID-mapped mounts, upper one first */
        int rw, data, work;
} Stage;

static const SysIdRange range = {.inside = 0, .outside = FIRST_ID, .count = 65536};

static void put(int dir, const char *path, const char *text)
{
        assert_int_equal(file_write_at(dir, path, text, 0644), 0);
}

static int mapped_clone(int top, const char *name, int userns)
{
        int fd = sys_mount_clone(top, name, false);
        assert_true(fd >= 0);
        assert_int_equal(sys_mount_setattr(fd, "", false, MOUNT_ATTR_IDMAP, 0, 0, userns), 0);
        return fd;
}

static int stage_setup(void **state)
{
        const char *place = getenv("BERTH_TEST_PLACE");
        Stage *s = xnew(Stage, 1);

        s->dir = xasprintf("%s/berth-overlay.XXXXXX", place ? place : "/var/tmp");
        assert_non_null(mkdtemp(s->dir));
        assert_int_equal(chmod(s->dir, 0755), 0);
        s->top = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(s->top >= 0);
        static const char *const dirs[] = {"base/etc/old", "base/usr/bin", "top/etc", "rw/data", "rw/work", "merged"};
        for (size_t i = 0; i < ELEMENTSOF(dirs); i++)
                assert_int_equal(file_mkdir_p_at(s->top, dirs[i], 0755), 0);
        put(s->top, "base/etc/motd", "from the base");
        put(s->top, "base/etc/passwd", "root");
        put(s->top, "base/etc/old/file", "old");
        put(s->top, "base/usr/bin/tool", "tool");
        put(s->top, "top/etc/motd", "from the top");

        s->userns = sys_idmap_userns(&range, 1);
        assert_true(s->userns >= 0);
        s->layers[0] = mapped_clone(s->top, "top", s->userns);
        s->layers[1] = mapped_clone(s->top, "base", s->userns);
        s->rw = mapped_clone(s->top, "rw", s->userns);
        s->data = openat(s->rw, "data", O_PATH | O_DIRECTORY | O_CLOEXEC);
        s->work = openat(s->rw, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
        *state = s;
        return 0;
}

static int stage_teardown(void **state)
{
        Stage *s = *state;
        const int fds[] = {s->layers[0], s->layers[1], s->data, s->work, s->rw, s->userns, s->top};

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fd_close(fds[i]);
        int r = file_remove_tree_at(AT_FDCWD, s->dir);
        free(s->dir);
        free(s);
        return r;
}

static SysOverlay overlay_of(const Stage *s)
{
        return (SysOverlay){.lower = s->layers, .n_lower = 2, .upper = s->data, .work = s->work, .owner = FIRST_ID};
}

/* Runs f as root of a user namespace with our ID range and a mount namespace of its own, the overlay attached and being the
 * current directory. f returns 0 or the line that failed. */
static int run_inside(const Stage *s, int overlay, int (*f)(void))
{
        int go[2], pidfd = -1;
        siginfo_t si;
        char byte;

        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        pid_t pid = sys_clone(CLONE_NEWUSER | CLONE_NEWNS, -1, &pidfd);
        assert_true(pid >= 0);
        if (pid == 0) {
                close(go[1]);
                if (read(go[0], &byte, 1) != 1 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                        _exit(250);
                if (chdir(s->dir) < 0 || sys_mount_attach(overlay, AT_FDCWD, "merged") < 0 || chdir("merged") < 0)
                        _exit(251);
                _exit(f());
        }
        assert_int_equal(sys_idmap_write(pid, &range, 1), 0);
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        close(go[0]);
        close(go[1]);
        close(pidfd);
        return si.si_code == CLD_EXITED ? si.si_status : -si.si_status;
}

#define CHECK(x)                                                                                  \
        do {                                                                                      \
                if (!(x)) {                                                                       \
                        fprintf(stderr, "inside: line %d: %s (errno %d)\n", __LINE__, #x, errno); \
                        return 1;                                                                 \
                }                                                                                 \
        } while (0)

static bool holds(const char *path, const char *text)
{
        _cleanup_free_ char *s = NULL;
        return file_read_at(AT_FDCWD, path, 4096, &s, NULL) == 0 && strcmp(s, text) == 0;
}

static int write_everything(void)
{
        /* VFS_CAP_REVISION_2, cap_net_raw permitted and effective */
        static const uint8_t capability[20] = {0x01, 0, 0, 0x02, 0, 0x20};
        uint8_t got[24];
        struct stat st;

        umask(022);
        CHECK(holds("etc/motd", "from the top"));
        CHECK(stat("etc/motd", &st) == 0 && st.st_uid == 0 && st.st_gid == 0);
        CHECK(file_write_at(AT_FDCWD, "new", "new", 0644) == 0);
        CHECK(stat("new", &st) == 0 && st.st_uid == 0);
        CHECK(mkdir("dir", 0755) == 0 && rename("dir", "dir2") == 0 && rename("new", "dir2/new") == 0);
        CHECK(file_write_at(AT_FDCWD, "etc/passwd", "copied up", 0644) == 0);
        CHECK(chown("etc/passwd", 1000, 1001) == 0);
        CHECK(rename("usr", "usr2") == 0 && holds("usr2/bin/tool", "tool"));
        CHECK(unlink("etc/old/file") == 0 && rmdir("etc/old") == 0);
        CHECK(access("etc/old", F_OK) < 0 && errno == ENOENT);
        CHECK(mkdir("etc/old", 0700) == 0 && access("etc/old/file", F_OK) < 0);
        CHECK(unlink("etc/motd") == 0 && access("etc/motd", F_OK) < 0);
        CHECK(setxattr("dir2/new", "user.x", "y", 1, 0) == 0);
        CHECK(setxattr("dir2/new", "security.capability", capability, sizeof(capability), 0) == 0);
        CHECK(getxattr("dir2/new", "security.capability", got, sizeof(got)) == sizeof(capability));
        CHECK(memcmp(got, capability, sizeof(capability)) == 0);
        CHECK(symlink("dir2", "link") == 0 && mkfifo("fifo", 0600) == 0);
        CHECK(link("dir2/new", "dir2/second") == 0);
        return 0;
}

static int look_again(void)
{
        CHECK(holds("dir2/second", "new"));
        CHECK(holds("usr2/bin/tool", "tool"));
        CHECK(access("usr", F_OK) < 0 && access("etc/motd", F_OK) < 0 && access("etc/old/file", F_OK) < 0);
        CHECK(holds("etc/passwd", "copied up"));
        return 0;
}

static void assert_owner(int dir, const char *path, uid_t uid, gid_t gid)
{
        struct stat st;
        assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(st.st_uid, uid);
        assert_int_equal(st.st_gid, gid);
}

static void assert_trusted(const Stage *s, const char *path, const char *name, const char *value)
{
        _cleanup_free_ char *full = xasprintf("%s/%s", s->dir, path);
        char got[64] = "";
        assert_true(getxattr(full, name, got, sizeof(got) - 1) > 0);
        assert_string_equal(got, value);
}

static void check_on_disk(const Stage *s)
{
        struct stat st;

        assert_owner(s->top, "rw/data/dir2", 0, 0);
        assert_owner(s->top, "rw/data/dir2/new", 0, 0);
        assert_owner(s->top, "rw/data/link", 0, 0);
        assert_owner(s->top, "rw/data/etc/passwd", 1000, 1001);
        assert_owner(s->top, "rw/work/work", 0, 0);
        assert_int_equal(fstatat(s->top, "rw/data/etc/motd", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0));
        assert_trusted(s, "rw/data/etc/old", "trusted.overlay.opaque", "y");
        assert_trusted(s, "rw/data/usr2", "trusted.overlay.redirect", "usr");
}

static void guest_root_writes_and_the_disk_shows_ids_from_zero(void **state)
{
        const Stage *s = *state;
        SysOverlay o = overlay_of(s);
        Error e = {};

        _cleanup_close_ int overlay = overlay_by_descriptors(&o, 0, &e);
        if (overlay == -EINVAL || overlay == -EBADF)
                skip(); /* before Linux 6.15 */
        assert_string_equal(e.message, "");
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, write_everything), 0);
        check_on_disk(s);
}

static void the_same_by_the_helper_process(void **state)
{
        const Stage *s = *state;
        SysOverlay o = overlay_of(s);
        Error e = {};

        _cleanup_close_ int overlay = overlay_by_helper(&o, 0, &e);
        assert_string_equal(e.message, "");
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, write_everything), 0);
        check_on_disk(s);
}

static void a_second_overlay_over_the_same_layers_sees_what_the_first_left(void **state)
{
        Stage *s = *state;
        SysOverlay o = overlay_of(s);

        int overlay = sys_mount_overlay(&o, 0, NULL);
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, write_everything), 0);
        close(overlay);

        int rw = mapped_clone(s->top, "rw", s->userns), top = mapped_clone(s->top, "top", s->userns);
        int base = mapped_clone(s->top, "base", s->userns);
        int data = openat(rw, "data", O_PATH | O_DIRECTORY), work = openat(rw, "work", O_PATH | O_DIRECTORY);
        SysOverlay again = {.lower = (int[]){top, base}, .n_lower = 2, .upper = data, .work = work, .owner = FIRST_ID};
        overlay = sys_mount_overlay(&again, 0, NULL);
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, look_again), 0);

        const int fds[] = {overlay, rw, top, base, data, work};
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
}

static void an_upper_directory_serves_as_a_lower_one(void **state)
{
        Stage *s = *state;
        SysOverlay o = overlay_of(s);

        int overlay = sys_mount_overlay(&o, 0, NULL);
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, write_everything), 0);
        close(overlay);

        int upper = mapped_clone(s->top, "rw/data", s->userns), top = mapped_clone(s->top, "top", s->userns);
        int base = mapped_clone(s->top, "base", s->userns);
        SysOverlay stacked = {.lower = (int[]){upper, top, base}, .n_lower = 3, .upper = -1, .work = -1, .owner = FIRST_ID};
        overlay = sys_mount_overlay(&stacked, MOUNT_ATTR_RDONLY, NULL);
        assert_true(overlay >= 0);
        assert_int_equal(run_inside(s, overlay, look_again), 0);

        const int fds[] = {overlay, upper, top, base};
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
}

static void attached_layers_work_by_the_helper_too(void **state)
{
        const Stage *s = *state;
        _cleanup_close_ int base = openat(s->top, "base", O_PATH | O_DIRECTORY),
                            top = openat(s->top, "top", O_PATH | O_DIRECTORY);
        _cleanup_close_ int data = openat(s->top, "rw/data", O_PATH | O_DIRECTORY);
        _cleanup_close_ int work = openat(s->top, "rw/work", O_PATH | O_DIRECTORY);
        SysOverlay o = {.lower = (int[]){top, base}, .n_lower = 2, .upper = data, .work = work, .owner = 0};
        Error e = {};

        _cleanup_close_ int overlay = overlay_by_helper(&o, 0, &e);
        assert_string_equal(e.message, "");
        assert_true(overlay >= 0);
        put(overlay, "etc/written", "by root");
        assert_owner(s->top, "rw/data/etc/written", 0, 0);
}

static int effective_caps(struct __user_cap_data_struct *ret)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        return (int)syscall(SYS_capget, &header, ret);
}

static void the_caller_is_as_it_was(void **state)
{
        const Stage *s = *state;
        SysOverlay o = overlay_of(s);
        struct __user_cap_data_struct before[2], after[2];
        int signal = 0;

        assert_int_equal(prctl(PR_SET_PDEATHSIG, SIGTERM), 0);
        assert_int_equal(effective_caps(before), 0);
        _cleanup_close_ int overlay = sys_mount_overlay(&o, 0, NULL);
        assert_true(overlay >= 0);
        assert_int_equal(effective_caps(after), 0);
        assert_memory_equal(before, after, sizeof(before));
        assert_int_equal(syscall(SYS_setfsuid, -1), 0);
        assert_int_equal(syscall(SYS_setfsgid, -1), 0);
        assert_int_equal(prctl(PR_GET_PDEATHSIG, &signal), 0);
        assert_int_equal(signal, SIGTERM);
        assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
        assert_int_equal(prctl(PR_SET_PDEATHSIG, 0), 0);
}

static void a_failure_carries_the_kernels_words(void **state)
{
        const Stage *s = *state;
        SysOverlay o = overlay_of(s);
        Error e = {};

        _cleanup_close_ int file = openat(s->top, "base/etc/motd", O_PATH);
        o.upper = file;
        assert_true(overlay_by_descriptors(&o, 0, &e) < 0);
        assert_non_null(strstr(e.message, "overlay: "));
        assert_non_null(strstr(e.message, "is not a directory"));
}

static void upper_and_work_on_different_mounts_are_refused(void **state)
{
        const Stage *s = *state;
        SysOverlay o = overlay_of(s);
        Error e = {};

        o.work = s->layers[0];
        assert_int_equal(sys_mount_overlay(&o, 0, &e), -EINVAL);
        assert_true(e.code == -EINVAL && e.message[0]);
}

static void tmpfs_options_reach_the_file_system(void **state)
{
        SysMountOption options[] = {{"mode", "0711", -1}, {"size", "65536", -1}};
        struct stat st;
        Error e = {};

        _cleanup_close_ int fd = sys_mount_new("tmpfs", "scratch", options, 2, MOUNT_ATTR_NOSUID, &e);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0711);
        options[1].value = "a lot";
        assert_int_equal(sys_mount_new("tmpfs", NULL, options, 2, 0, &e), -EINVAL);
        assert_non_null(strstr(e.message, "tmpfs"));
        assert_non_null(strstr(e.message, "size"));
        assert_int_equal(sys_mount_new("nosuchfs", NULL, NULL, 0, 0, &e), -ENODEV);
        assert_string_equal(e.message, "the kernel has no file system of type nosuchfs");
}

static void id_mapped_mounts_are_told_from_others(void **state)
{
        const Stage *s = *state;
        _cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY);

        assert_int_equal(sys_idmap_supported(s->top), 1); /* the other tests could not run otherwise */
        assert_int_equal(sys_idmap_supported(proc), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(guest_root_writes_and_the_disk_shows_ids_from_zero, stage_setup,
                                                        stage_teardown),
                        cmocka_unit_test_setup_teardown(the_same_by_the_helper_process, stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(a_second_overlay_over_the_same_layers_sees_what_the_first_left,
                                                        stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(an_upper_directory_serves_as_a_lower_one, stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(attached_layers_work_by_the_helper_too, stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(the_caller_is_as_it_was, stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(a_failure_carries_the_kernels_words, stage_setup, stage_teardown),
                        cmocka_unit_test_setup_teardown(upper_and_work_on_different_mounts_are_refused, stage_setup,
                                                        stage_teardown),
                        cmocka_unit_test(tmpfs_options_reach_the_file_system),
                        cmocka_unit_test_setup_teardown(id_mapped_mounts_are_told_from_others, stage_setup, stage_teardown),
        };

        if (geteuid() != 0)
                return 77; /* skipped */
        if (unshare(CLONE_NEWNS) < 0 || sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, MS_PRIVATE, -1) < 0)
                return 1;
        umask(022);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
