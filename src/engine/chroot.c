/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/chroot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/disk.h"
#include "sys/idmap.h"
#include "sys/mount.h"
#include "sys/open.h"
#include "sys/process.h"
#include "sys/superblock.h"

#define PROPAGATION_SLAVE (1U << 19) /* MS_SLAVE; <sys/mount.h> and <linux/mount.h> do not go together everywhere */
#define ID_RANGE          65536

#define EFIVARS "/sys/firmware/efi/efivars"

/* ---- the tree ---- */

/* What a machine of its own made belongs to its range: seen from here it begins at 0 again. Before there is a PID namespace: who writes the
 * map finds its helper in /proc. */
static int open_unshifted(const EngineChroot *c, Error *e)
{
        const SysIdRange range = {.inside = c->shift, .outside = 0, .count = ID_RANGE};
        int userns = c->shift > 0 ? sys_idmap_userns(&range, 1) : -1;

        if (c->shift > 0 && userns < 0)
                return error_sys(e, userns, "cannot make a user namespace for '%s'", c->name);
        return userns;
}

static int make_directory(const EngineChroot *c, int userns, Error *e)
{
        _cleanup_close_ int tree = sys_mount_clone(AT_FDCWD, c->directory, true);
        if (tree < 0)
                return error_sys(e, tree, "cannot take the tree '%s'", c->directory);
        int r = userns >= 0 ? sys_mount_setattr(tree, "", true, MOUNT_ATTR_IDMAP, 0, 0, userns) : 0;
        if (r < 0)
                return error_sys(e, r, "the files of '%s' belong to the user IDs from %u on, and cannot be mapped back",
                                 c->directory, c->shift);
        return TAKE_FD(tree);
}

static int open_layer(const char *path, Error *e)
{
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_sys(e, -errno, "cannot open the layer '%s'", path) : fd;
}

/* Read-only: the writable layer is one like the others, so that a stack in use is only read. */
static int make_stack(const EngineChroot *c, Error *e)
{
        size_t n = strv_len(c->layers), from = c->upper && c->read_only ? 1 : 0;
        _cleanup_free_ int *layers = xnew(int, n + 1);
        _cleanup_close_ int upper = -1, work = -1;
        int tree = 0;

        for (size_t i = 0; i < n + from; i++)
                layers[i] = -1;
        for (size_t i = 0; i < n + from && tree >= 0; i++)
                tree = layers[i] = open_layer(i < from ? c->upper : c->layers[i - from], e);
        if (tree >= 0 && c->upper && !c->read_only) {
                tree = upper = open_layer(c->upper, e);
                if (tree >= 0)
                        tree = work = open_layer(c->work, e);
        }
        if (tree >= 0 && n + from == 1 && upper < 0) { /* no overlay of one */
                tree = sys_mount_clone(layers[0], "", false);
                if (tree < 0)
                        error_sys(e, tree, "cannot take the layer of '%s'", c->name);
        } else if (tree >= 0)
                tree = sys_mount_overlay(&(SysOverlay){.lower = layers, .n_lower = n + from, .upper = upper, .work = work}, 0, e);
        for (size_t i = 0; i < n + from; i++)
                fd_close(layers[i]);
        return tree;
}

static int make_tree(const EngineChroot *c, int userns, Error *e)
{
        _cleanup_close_ int tree = c->directory ? make_directory(c, userns, e) : make_stack(c, e);
        if (tree < 0)
                return tree;
        int r = sys_mount_setattr(tree, "", true, c->read_only ? MOUNT_ATTR_RDONLY : 0, 0, PROPAGATION_SLAVE, -1);
        return r < 0 ? error_sys(e, r, "cannot set the attributes of the tree of '%s'", c->name) : TAKE_FD(tree);
}

/* ---- what is mounted in it ---- */

/* A copy of what the host has there, which hears of its mounts and tells it of none. */
static int take_host(const char *path, Error *e)
{
        _cleanup_close_ int tree = sys_mount_clone(AT_FDCWD, path, true);
        int r = tree < 0 ? tree : sys_mount_setattr(tree, "", true, 0, 0, PROPAGATION_SLAVE, -1);
        return r < 0 ? error_sys(e, r, "cannot take the host's %s", path) : TAKE_FD(tree);
}

/* A block device is mounted itself, not by way of a loop device: grub-probe(8) wants to find the disk it is on. */
static int make_boot(const char *device, Error *e)
{
        _cleanup_free_ uint8_t *head = xnew(uint8_t, SUPERBLOCK_BYTES);
        _cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot open '%s', which is to be mounted on /boot", device);
        if (S_ISREG(st.st_mode))
                return disk_mount(device, &(PlanDisk){.size = (uint64_t)st.st_size}, NULL, NULL, e);
        if (!S_ISBLK(st.st_mode))
                return error_set(e, -ENOTBLK, "'%s' is neither a block device nor an image, and cannot be mounted on /boot",
                                 device);
        ssize_t n = pread(fd, head, SUPERBLOCK_BYTES, 0);
        Superblock found = superblock_probe(head, n > 0 ? (size_t)n : 0);
        if (found.kind != SUPERBLOCK_FILE_SYSTEM)
                return error_set(e, -EMEDIUMTYPE, "'%s' holds no file system that could be mounted on /boot", device);
        return sys_mount_new(found.name, device, NULL, 0, 0, e);
}

static int attach(int mount, const char *path, const EngineChroot *c, Error *e)
{
        int r = sys_mount_attach(mount, AT_FDCWD, path);
        if (r == -ENOENT || r == -ENOTDIR)
                return error_set(e, r, "'%s' has no directory %s: is it the root of a system?", c->name, path);
        return r < 0 ? error_sys(e, r, "cannot mount %s in '%s'", path, c->name) : 0;
}

static int mount_new(const char *type, const char *mode, const char *path, const EngineChroot *c, Error *e)
{
        const SysMountOption options[] = {{"mode", mode, -1}};
        _cleanup_close_ int mount = sys_mount_new(type, type, options, mode ? 1 : 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
        return mount < 0 ? mount : attach(mount, path, c, e);
}

/* A link that leads to /run, where a resolver of its own would write the file, leads to an empty place: it is made there, in memory. */
static void attach_resolv_conf(int file)
{
        char target[512];
        ssize_t n = readlink("/etc/resolv.conf", target, sizeof(target) - 1);

        if (n > 0) {
                target[n] = '\0';
                const char *at = strstr(target, "run/");
                const char *to = at && (at == target + 1 || str_startswith(target, "../run/")) ? at + strlen("run/") : NULL;
                _cleanup_close_ int run = to ? open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
                const char *name;
                _cleanup_free_ char *dir = to && strrchr(to, '/') ? xstrndup(to, (size_t)(strrchr(to, '/') - to)) : NULL;
                if (run >= 0 && dir)
                        (void)sys_mkdir_in_root(run, dir, 0755, NULL);
                _cleanup_close_ int parent = run >= 0 ? sys_open_parent_in_root(run, to, &name) : -1;
                if (parent >= 0)
                        fd_close(openat(parent, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        }
        _cleanup_close_ int place = open("/etc/resolv.conf", O_PATH | O_CLOEXEC);
        if (place >= 0)
                (void)sys_mount_attach(file, place, "");
}

/* Firmware variables, which grub-install(8) and efibootmgr(8) set: where the host has not mounted them. */
static void mount_efi_variables(void)
{
        struct stat here, above;
        Error ignored;

        if (stat(EFIVARS, &here) < 0 || stat("/sys/firmware/efi", &above) < 0 || here.st_dev != above.st_dev)
                return;
        _cleanup_close_ int mount =
                        sys_mount_new("efivarfs", "efivarfs", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &ignored);
        if (mount >= 0)
                (void)sys_mount_attach(mount, AT_FDCWD, EFIVARS);
}

typedef struct Parts {
        int tree, dev, sys, boot, resolv_conf;
} Parts;

/* All that comes from the host, while it is in sight. */
static int take_parts(const EngineChroot *c, int userns, Parts *p, Error *e)
{
        p->tree = make_tree(c, userns, e);
        if (p->tree < 0)
                return p->tree;
        p->dev = take_host("/dev", e);
        if (p->dev < 0)
                return p->dev;
        p->sys = take_host("/sys", e);
        if (p->sys < 0)
                return p->sys;
        if (c->boot) {
                p->boot = make_boot(c->boot, e);
                int r = p->boot < 0 || !c->read_only ? p->boot
                                                     : sys_mount_setattr(p->boot, "", false, MOUNT_ATTR_RDONLY, 0, 0, -1);
                if (r < 0)
                        return p->boot < 0 ? r : error_sys(e, r, "cannot make '%s' read-only", c->boot);
        }
        p->resolv_conf = c->resolv_conf ? sys_mount_clone(AT_FDCWD, c->resolv_conf, false) : -1; /* without one, no names */
        return 0;
}

static int put_parts(const EngineChroot *c, const Parts *p, Error *e)
{
        int r = sys_mount_attach(p->tree, AT_FDCWD, "/");
        if (r >= 0)
                r = sys_pivot_root(p->tree);
        if (r < 0)
                return error_sys(e, r, "cannot make '%s' the root", c->name);
        r = mount_new("proc", NULL, "/proc", c, e);
        if (r >= 0)
                r = attach(p->sys, "/sys", c, e);
        if (r >= 0)
                r = attach(p->dev, "/dev", c, e);
        if (r >= 0)
                r = mount_new("tmpfs", "0755", "/run", c, e);
        if (r >= 0 && p->boot >= 0)
                r = attach(p->boot, "/boot", c, e);
        if (r < 0)
                return r;
        if (mkdir("/run/lock", 01777) == 0)
                (void)chmod("/run/lock", 01777);
        if (p->boot >= 0)
                mount_efi_variables();
        if (p->resolv_conf >= 0)
                attach_resolv_conf(p->resolv_conf);
        return 0;
}

static int assemble(const EngineChroot *c, int userns, Error *e)
{
        Parts p = {-1, -1, -1, -1, -1};
        int r = sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_SLAVE, -1);

        if (r < 0)
                return error_sys(e, r, "cannot part from the host's mounts");
        r = take_parts(c, userns, &p, e);
        if (r >= 0)
                r = put_parts(c, &p, e);
        for (size_t i = 0; i < 5; i++)
                fd_close((int[]){p.tree, p.dev, p.sys, p.boot, p.resolv_conf}[i]);
        return r;
}

/* ---- the processes: berth > PID 1 > the command ---- */

static void signals_of(sigset_t *set)
{
        static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD};

        sigemptyset(set);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(set, signals[i]);
}

/* ^C and ^\ of a terminal reach the command by themselves. */
static bool is_to_be_passed_on(const siginfo_t *info)
{
        return info->si_signo != SIGCHLD &&
               ((info->si_signo != SIGINT && info->si_signo != SIGQUIT) || info->si_code != SI_KERNEL);
}

static int shell_status(int status)
{
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Passes signals on to a child until that has ended; reaps whatever else ends. Returns its status as a shell has it. */
static int wait_for(pid_t child, const sigset_t *signals)
{
        for (;;) {
                siginfo_t info;
                pid_t pid;
                int status;

                if (sigwaitinfo(signals, &info) < 0)
                        continue;
                if (is_to_be_passed_on(&info))
                        (void)kill(child, info.si_signo);
                while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                        if (pid == child)
                                return shell_status(status);
        }
}

static _noreturn_ void report(int sock, const Error *e)
{
        (void)fd_write_all(sock, e, sizeof(*e));
        _exit(EXIT_FAILURE);
}

static _noreturn_ void run_command(const EngineChroot *c, int sock, const sigset_t *old)
{
        Error e = {0};

        for (int i = 1; i < NSIG; i++)
                (void)signal(i, SIG_DFL);
        (void)sigprocmask(SIG_SETMASK, old, NULL);
        if (c->home)
                (void)!chdir(c->home);
        execve(c->program, c->argv, c->env);
        error_sys(&e, -errno, "cannot execute '%s' in '%s'", c->program, c->name);
        report(sock, &e);
}

/* PID 1: with it everything ends that is in there, and it ends with berth. */
static _noreturn_ void run_init(const EngineChroot *c, int userns, int sock, const sigset_t *signals, const sigset_t *old)
{
        Error e = {0};
        char go;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(sock, &go, 1) != 1) /* nobody there any more */
                _exit(EXIT_FAILURE);
        if (assemble(c, userns, &e) < 0)
                report(sock, &e);
        pid_t pid = fork();
        if (pid == 0)
                run_command(c, sock, old);
        if (pid < 0) {
                error_sys(&e, -errno, "cannot start a process in '%s'", c->name);
                report(sock, &e);
        }
        fd_close(sock);
        _exit(wait_for(pid, signals));
}

/* Nothing comes when the command was executed. */
static int hear(int sock, Error *e)
{
        Error heard;

        if (fd_write_all(sock, "", 1) < 0 || fd_read_full(sock, &heard, sizeof(heard)) != sizeof(heard))
                return 0;
        if (e)
                *e = heard;
        return heard.code;
}

int engine_chroot(const EngineChroot *c, int *ret_status, Error *e)
{
        _cleanup_close_ int ours = -1, theirs = -1, pidfd = -1;
        sigset_t signals, old;
        int pair[2];
        _cleanup_close_ int userns = open_unshifted(c, e);

        if (userns < -1)
                return userns;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return error_sys(e, -errno, "cannot make a socket");
        ours = pair[0];
        theirs = pair[1];
        signals_of(&signals);
        (void)sigprocmask(SIG_BLOCK, &signals, &old);
        pid_t pid = sys_clone(CLONE_NEWNS | CLONE_NEWPID, -1, &pidfd);
        if (pid == 0) {
                fd_close(ours);
                run_init(c, userns, theirs, &signals, &old);
        }
        int r = pid < 0 ? error_sys(e, pid, "cannot make the namespaces for '%s'", c->name) : 0;
        theirs = fd_close(theirs);
        if (pid > 0) {
                r = hear(ours, e);
                int status = wait_for(pid, &signals);
                if (r >= 0)
                        *ret_status = status;
        }
        (void)sigprocmask(SIG_SETMASK, &old, NULL);
        return r;
}
