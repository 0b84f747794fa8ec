/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/disk.h"
#include "machine/run-passphrase.h"
#include "spec/value.h"
#include "store/disk.h"
#include "sys/device-mapper.h"
#include "sys/mount.h"
#include "sys/open.h"
#include "sys/process.h"

#define PROPAGATION_PRIVATE (1U << 18) /* MS_PRIVATE */
#define SIGNATURE_JSON_MAX  65536

/* ---- dm-verity: where the hash and its signature are found ---- */

/* IMAGE.raw has them in IMAGE.roothash, IMAGE.roothash.p7s, IMAGE.verity. */
static char *beside(const char *image, const char *suffix)
{
        const char *end = str_endswith(image, ".raw");

        return xasprintf("%.*s%s", (int)(end ? end - image : (ptrdiff_t)strlen(image)), image, suffix);
}

static char *take_hash(char *text)
{
        char *hash = text ? str_strip(text) : NULL;
        size_t n = hash ? strlen(hash) : 0;

        return n >= 32 && n <= 256 && n % 2 == 0 && str_is_hex(hash, n) ? xstrdup(hash) : NULL;
}

static char *find_root_hash(const Target *t, const char *path)
{
        char value[512];
        _cleanup_free_ char *file = beside(path, ".roothash"), *text = NULL;

        if (t->spec.root_hash)
                return xstrdup(t->spec.root_hash);
        ssize_t n = getxattr(path, "user.verity.roothash", value, sizeof(value) - 1);
        if (n > 0) {
                value[n] = '\0';
                return take_hash(value);
        }
        return file_read_at(AT_FDCWD, file, 512, &text, NULL) < 0 ? NULL : take_hash(text);
}

static char *find_signature(const Target *t, const char *path)
{
        _cleanup_free_ char *file = beside(path, ".roothash.p7s");

        if (t->spec.root_hash_sig)
                return xstrdup(t->spec.root_hash_sig);
        return access(file, R_OK) < 0 ? NULL : TAKE_PTR(file);
}

static char *find_hashes(const Target *t, const char *path)
{
        _cleanup_free_ char *file = beside(path, ".verity");

        if (t->spec.verity_data)
                return xstrdup(t->spec.verity_data);
        return access(file, R_OK) < 0 ? NULL : TAKE_PTR(file);
}

/* The value of a string member of the small JSON object in a signature partition: {"rootHash":"…","signature":"…"}. */
static char *json_member(const char *text, const char *name)
{
        _cleanup_free_ char *key = xasprintf("\"%s\"", name);
        const char *at = strstr(text, key);

        if (!at)
                return NULL;
        at += strlen(key);
        at += strspn(at, " \t\r\n");
        if (*at++ != ':')
                return NULL;
        at += strspn(at, " \t\r\n");
        return *at == '"' ? xstrndup(at + 1, strcspn(at + 1, "\"\\")) : NULL;
}

static void read_signature_partition(int fd, const StoreDisk *disk, FactDisk *f)
{
        const StoreDiskPart *part = store_disk_find(disk, "root-verity-sig");
        size_t size = part ? (size_t)MIN(part->size, (uint64_t)SIGNATURE_JSON_MAX) : 0;
        _cleanup_free_ char *text = xnew(char, size + 1);

        if (size == 0 || f->root_hash || pread(fd, text, size, (off_t)part->offset) != (ssize_t)size)
                return;
        _cleanup_free_ char *hash = json_member(text, "rootHash"), *signature = json_member(text, "signature");
        f->root_hash = take_hash(hash);
        if (f->root_hash && signature && !f->signature)
                f->signature = xasprintf("base64:%s", signature);
}

/* ---- facts ---- */

static void take_partitions(const StoreDisk *disk, FactDisk *f)
{
        struct {
                FactPartition *items;
                size_t n;
        } parts = {};

        for (size_t i = 0; i < disk->n; i++) {
                const StoreDiskPart *p = &disk->items[i];
                int which = value_partition_from_name(p->designator);
                if (which >= 0)
                        *vec_push(&parts) = (FactPartition){.which = (SpecPartition)which,
                                                            .offset = p->offset,
                                                            .size = p->size,
                                                            .fstype = xstrdup(p->fstype),
                                                            .read_only = p->read_only,
                                                            .grow = p->grow};
        }
        f->partitions = parts.items;
        f->n_partitions = parts.n;
        f->bare = disk->bare;
}

static void find_program(FactDisk *f, const char *name)
{
        static const char *const places[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = path_join(places[i], name);
                if (access(path, X_OK) == 0) {
                        strv_pushf(&f->programs, "%s=%s", name, path);
                        return;
                }
        }
}

/* Journalling file systems repair themselves when they are mounted; the others need to be checked. */
static void find_programs(FactDisk *f)
{
        static const char *const checked[] = {"ext4", "vfat"};

        for (size_t i = 0; i < f->n_partitions; i++) {
                bool encrypted = str_eq(f->partitions[i].fstype, "crypto_LUKS");
                if (encrypted && !strv_env_get(f->programs, "cryptsetup"))
                        find_program(f, "cryptsetup");
                for (size_t k = 0; k < ELEMENTSOF(checked); k++) {
                        _cleanup_free_ char *name = xasprintf("fsck.%s", checked[k]);
                        if (str_eq(f->partitions[i].fstype, checked[k]) && !strv_env_get(f->programs, name))
                                find_program(f, name);
                }
        }
}

static bool needs_device_mapper(const FactDisk *f)
{
        bool encrypted = false;

        for (size_t i = 0; i < f->n_partitions; i++)
                encrypted = encrypted || str_eq(f->partitions[i].fstype, "crypto_LUKS");
        return encrypted || f->root_hash;
}

static bool can_write(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        return fd >= 0;
}

static int read_facts(Target *t, FactDisk *f, Error *e)
{
        const char *path = t->image.path;
        _cleanup_(store_disk_done) StoreDisk disk = {};
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open the disk image '%s'", path);
        f->path = xstrdup(path);
        f->root_hash = find_root_hash(t, path);
        int r = store_disk_read(fd, path, f->root_hash, &disk, e);
        if (r < 0)
                return r;
        if (disk.from_backup)
                events_warning(&t->host->events,
                               "the partition table of '%s' is damaged, and its backup is used; repair it with "
                               "'sgdisk --load-backup' or gdisk",
                               path);
        take_partitions(&disk, f);
        f->signature = find_signature(t, path);
        read_signature_partition(fd, &disk, f);
        f->hashes = disk.bare ? find_hashes(t, path) : NULL;
        f->read_only = t->image.read_only || !can_write(path);
        f->has_device_mapper = needs_device_mapper(f) && sys_dm_available();
        find_programs(f);
        return 0;
}

/* ---- a look into it ---- */

/* With the lock held a journal is replayed, and the file system is checked before; else only what is there is read. */
static int mount_part(const Target *t, const PlanPart *part, Error *e)
{
        PlanPart look = *part;
        _cleanup_strv_ char **options = NULL;

        look.writable = false;
        PlanDisk *disk = plan_disk_make(&t->disk, &look, &options);
        if (part->writable && (t->view.writable || t->image_lock.global_fd >= 0)) {
                _cleanup_strv_ char **unused = NULL;
                PlanDisk *real = plan_disk_make(&t->disk, part, &unused);
                plan_disk_free(disk);
                disk = real;
                disk->grow = false;
                options = strv_free(options);
                if (!t->view.writable)
                        strv_push(&options, "ro");
        }
        bool encrypted = disk->unlock != NULL;
        int r = disk_mount(t->disk.path, disk, encrypted ? NULL : part->from->fstype, options, e);
        plan_disk_free(disk);
        return r;
}

/* In a process of its own: a mount namespace with nothing in it but the root and what belongs on top of it. */
static int assemble(int root, int usr)
{
        int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        int r = ns < 0 ? -errno : sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_PRIVATE, -1);

        if (r >= 0)
                r = sys_mount_attach(root, AT_FDCWD, "/");
        if (r >= 0) {
                int place = sys_open_in_root(root, "/usr", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
                r = place < 0 ? place : sys_mount_attach(usr, place, "");
        }
        if (r >= 0)
                r = sys_pivot_root(root);
        return r < 0 ? r : ns;
}

static int join_usr(Target *t, int usr, Error *e)
{
        _cleanup_close_ int pidfd = -1, ours = -1, theirs = -1;
        int pair[2], ns = -1, answer = 0;
        size_t n_fds = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_sys(e, -errno, "cannot make a socket");
        ours = pair[0];
        theirs = pair[1];
        pid_t pid = sys_clone(CLONE_NEWNS, -1, &pidfd);
        if (pid == 0) {
                ns = answer = assemble(t->view.root, usr);
                _exit(sys_send_fds(theirs, &answer, sizeof(answer), &ns, ns >= 0) < 0);
        }
        if (pid < 0)
                return error_sys(e, pid, "cannot make a mount namespace");
        theirs = fd_close(theirs);
        ssize_t got = sys_recv_fds(ours, &answer, sizeof(answer), &ns, 1, &n_fds);
        (void)sys_pidfd_wait(pidfd, NULL);
        if (got != sizeof(answer))
                return error_set(e, -EIO, "the process that mounts '%s' died", t->disk.path);
        if (answer < 0)
                return error_sys(e, answer, "cannot mount the /usr partition of '%s' on its root", t->disk.path);
        t->view.namespace = n_fds > 0 ? ns : -1;
        return 0;
}

static void find_esp_place(Target *t)
{
        _cleanup_close_ int efi = store_image_open(&t->image, "/efi", O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                            boot = store_image_open(&t->image, "/boot", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        t->disk.esp_on_efi = efi >= 0;
        t->disk.esp_on_boot = boot >= 0 && file_dir_is_empty_at(boot, ".") > 0;
}

/* Of an image that has only /usr: a place for that. */
static int empty_root(Error *e)
{
        _cleanup_close_ int root = sys_mount_new("tmpfs", "tmpfs", NULL, 0, 0, e);

        if (root >= 0 && mkdirat(root, "usr", 0755) < 0)
                return error_sys(e, -errno, "cannot make a directory in memory");
        return TAKE_FD(root);
}

static int open_view(Target *t, Error *e)
{
        PlanPart parts[_SPEC_PARTITION_MAX];
        struct stat st;
        size_t n;
        int r = plan_disk_select(&t->spec, &t->disk, parts, &n, e);

        if (r >= 0)
                r = machine_disk_passphrase(t, parts, n, e);
        if (r < 0)
                return r;
        const bool usr_only = plan_disk_is_usr(parts, n);
        t->view.root = usr_only ? empty_root(e) : mount_part(t, &parts[0], e);
        if (t->view.root < 0)
                return t->view.root;
        for (size_t i = usr_only ? 0 : 1; i < n && r >= 0; i++) {
                if (parts[i].from->which != SPEC_PARTITION_USR)
                        continue;
                _cleanup_close_ int usr = mount_part(t, &parts[i], e);
                r = usr < 0 ? usr : join_usr(t, usr, e);
                if (r >= 0 && usr_only && fstat(usr, &st) >= 0) /* whose the image is */
                        (void)fchown(t->view.root, st.st_uid, st.st_gid);
        }
        if (r < 0)
                return r;
        t->image.directory = xstrdup(fd_path(t->view.root).s);
        find_esp_place(t);
        return 0;
}

int target_disk_open(Target *t, Error *e)
{
        if (!t->image.disk || t->view.root >= 0)
                return 0;
        if (geteuid() != 0 || t->host->rootless)
                return error_set(e, -EPERM, "disk images need root to be looked into: run it with sudo");
        int r = read_facts(t, &t->disk, e);
        if (r >= 0)
                r = open_view(t, e);
        if (r >= 0) {
                machine_image_os_done(&t->os);
                machine_image_os(&t->image, &t->os);
        } else
                target_disk_close(t);
        return r;
}

void target_disk_close(Target *t)
{
        if (t->image.disk) {
                free(t->image.directory);
                t->image.directory = NULL;
        }
        t->view.namespace = fd_close(t->view.namespace);
        t->view.root = fd_close(t->view.root);
        fact_disk_done(&t->disk);
}
