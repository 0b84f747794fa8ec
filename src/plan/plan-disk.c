/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file systems of a disk image: which of them are mounted (systemd.image-policy(7)), how, and where. */

#include "plan/build.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

void plan_disk_free(PlanDisk *d)
{
        if (!d)
                return;
        free(d->check);
        free(d->hashes);
        free(d->root_hash);
        free(d->signature);
        free(d->unlock);
        if (d->passphrase)
                explicit_bzero(d->passphrase, strlen(d->passphrase));
        free(d->passphrase);
        free(d);
}

/* ---- what is where ---- */

typedef struct Place {
        const char *target;
        uint64_t attrs;
} Place;

/* No device that lies in an image is to be opened, whoever made it: a machine's own are in /dev, which is a file system of its own. */
#define DATA MOUNT_ATTR_NODEV
#define BOOT (MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

/* In the order of SpecPartition, which is the order of mounting; the rest is not mounted. */
static const Place places[] = {
                [SPEC_PARTITION_ROOT] = {"/", DATA},         [SPEC_PARTITION_USR] = {"/usr", DATA},
                [SPEC_PARTITION_HOME] = {"/home", DATA},     [SPEC_PARTITION_SRV] = {"/srv", DATA},
                [SPEC_PARTITION_XBOOTLDR] = {"/boot", BOOT}, [SPEC_PARTITION_ESP] = {NULL, BOOT},
                [SPEC_PARTITION_VAR] = {"/var", DATA},       [SPEC_PARTITION_TMP] = {"/var/tmp", DATA | MOUNT_ATTR_NOSUID},
};

static const FactPartition *find(const FactDisk *d, SpecPartition which)
{
        for (size_t i = 0; i < d->n_partitions; i++)
                if (d->partitions[i].which == which)
                        return &d->partitions[i];
        return NULL;
}

/* The ESP goes where the image has a place for it; NULL: nowhere. */
static const char *esp_place(const FactDisk *d)
{
        if (d->esp_on_efi)
                return "/efi";
        return d->esp_on_boot && !find(d, SPEC_PARTITION_XBOOTLDR) ? "/boot" : NULL;
}

static const struct {
        const char *fstype, *no_recovery;
        bool writable, discards;
} types[] = {
                {"ext4", "norecovery", true, true},
                {"xfs", "norecovery", true, true},
                {"btrfs", "rescue=nologreplay", true, true},
                {"vfat", NULL, true, true},
                {"f2fs", "norecovery", true, true},
                {"squashfs", NULL, false, false},
                {"erofs", NULL, false, false},
                {"iso9660", NULL, false, false},
};

static size_t type_index(const char *fstype)
{
        size_t i = 0;

        while (i < ELEMENTSOF(types) && !str_eq(types[i].fstype, fstype))
                i++;
        return i;
}

static bool is_encrypted(const FactPartition *p)
{
        return str_eq(p->fstype, "crypto_LUKS");
}

/* What an encrypted one is, is seen only when it is open. */
static bool is_writable(const FactPartition *p)
{
        size_t i = type_index(p->fstype);

        return is_encrypted(p) || (i < ELEMENTSOF(types) && types[i].writable);
}

/* ---- policy ---- */

static bool has_hashes(const FactDisk *d)
{
        return d->bare ? d->hashes != NULL : find(d, SPEC_PARTITION_ROOT_VERITY) != NULL;
}

static bool is_verified(const FactDisk *d, const FactPartition *p)
{
        return p->which == SPEC_PARTITION_ROOT && d->root_hash && has_hashes(d);
}

/* The ways of protection it has, of which the policy must allow one. */
static uint32_t protection(const FactDisk *d, const FactPartition *p)
{
        if (is_encrypted(p))
                return SPEC_POLICY_ENCRYPTED;
        if (is_verified(d, p))
                return SPEC_POLICY_VERITY | (d->signature ? SPEC_POLICY_SIGNED : 0);
        return SPEC_POLICY_UNPROTECTED;
}

static const char *protection_text(uint32_t bits)
{
        return bits & SPEC_POLICY_SIGNED ? "signed" : value_policy_to_name(bits);
}

typedef struct Selection {
        const MachineSpec *spec;
        const FactDisk *disk;
        SpecImagePolicy policy;
        PlanOption option;
} Selection;

static int refuse(const Selection *s, const char *what, SpecPartition which, Error *e)
{
        return error_set(e, -EPERM, "%s: the image policy does not let partition '%s' of '%s' be %s", s->option.s,
                         value_partition_to_name(which), s->disk->path, what);
}

/* 1: it is used, 0: it is left alone. */
static int check_policy(const Selection *s, SpecPartition which, const FactPartition *p, Error *e)
{
        uint32_t allowed = spec_policy_allows(&s->policy, which);

        if (which > SPEC_PARTITION_SWAP && !s->policy.listed[which]) /* hashes and signatures are wanted as their data is */
                return 0;
        if (!p)
                return allowed & SPEC_POLICY_ABSENT ? 0 : refuse(s, "absent", which, e);
        uint32_t has = protection(s->disk, p);
        if (!(allowed & has)) {
                if ((allowed & SPEC_POLICY_UNUSED) && which != SPEC_PARTITION_ROOT)
                        return 0;
                /* Hashes that were only found beside the data are no reason to refuse that the data is used without. */
                if (!(has & SPEC_POLICY_VERITY) || !(allowed & SPEC_POLICY_UNPROTECTED) || s->spec->root_hash)
                        return refuse(s, protection_text(has), which, e);
        }
        uint32_t read_only = p->read_only ? SPEC_POLICY_READ_ONLY_ON : SPEC_POLICY_READ_ONLY_OFF,
                 grow = p->grow ? SPEC_POLICY_GROW_ON : SPEC_POLICY_GROW_OFF;
        if (!(allowed & read_only))
                return refuse(s, value_policy_to_name(read_only), which, e);
        return allowed & grow ? 1 : refuse(s, value_policy_to_name(grow), which, e);
}

/* ---- what this host can do ---- */

static bool uses_verity(const Selection *s, const FactPartition *p)
{
        uint32_t allowed = spec_policy_allows(&s->policy, p->which);

        return is_verified(s->disk, p) && (allowed & protection(s->disk, p));
}

static int check_host(const Selection *s, const FactPartition *p, Error *e)
{
        const FactDisk *d = s->disk;
        const char *name = value_partition_to_name(p->which);

        if (!p->fstype)
                return error_set(e, -EMEDIUMTYPE, "partition '%s' of '%s' has no file system that is known", name, d->path);
        if (p->which == SPEC_PARTITION_ROOT && s->spec->root_hash && !has_hashes(d))
                return error_set(e, -ENOENT, "%s: '%s' has no dm-verity hashes%s",
                                 plan_option(s->spec, SPEC_FIELD_ROOT_HASH, "--root-hash").s, d->path,
                                 d->bare ? "; say with --verity-data=PATH where they are" : " (no partition for them)");
        if ((is_encrypted(p) || uses_verity(s, p)) && !d->has_device_mapper)
                return error_set(e, -EOPNOTSUPP,
                                 "partition '%s' of '%s' is %s, and this kernel has no device mapper for it (try 'modprobe "
                                 "dm_mod')",
                                 name, d->path, is_encrypted(p) ? "encrypted" : "protected by dm-verity");
        if (is_encrypted(p) && !strv_env_get(d->programs, "cryptsetup"))
                return error_set(e, -EOPNOTSUPP,
                                 "partition '%s' of '%s' is encrypted, and cryptsetup, which opens it, is not installed", name,
                                 d->path);
        return 0;
}

int plan_disk_select(const MachineSpec *spec, const FactDisk *disk, PlanPart *ret, size_t *ret_n, Error *e)
{
        Selection s = {.spec = spec,
                       .disk = disk,
                       .policy = spec_is_set(spec, SPEC_FIELD_IMAGE_POLICY) ? spec->image_policy : spec_policy_default(),
                       .option = plan_option(spec, SPEC_FIELD_IMAGE_POLICY, "--image-policy")};
        bool kept = !spec->read_only && !spec->ephemeral && spec->volatile_mode == SPEC_VOLATILE_NO && !disk->read_only;

        *ret_n = 0;
        for (SpecPartition which = 0; which < _SPEC_PARTITION_MAX; which++) {
                const FactPartition *p = find(disk, which);
                int r = check_policy(&s, which, p, e);
                int possible = r > 0 && which < (SpecPartition)ELEMENTSOF(places) ? check_host(&s, p, e) : 0;
                if (r < 0 || possible < 0)
                        return MIN(r, possible);
                const char *target = which == SPEC_PARTITION_ESP                 ? esp_place(disk)
                                     : which < (SpecPartition)ELEMENTSOF(places) ? places[which].target
                                                                                 : NULL;
                if (r == 0 || !target)
                        continue;
                bool verity = uses_verity(&s, p);
                ret[*ret_n] = (PlanPart){
                                .from = p,
                                .target = target,
                                .attrs = places[which].attrs,
                                .writable = kept && !p->read_only && !verity && is_writable(p),
                                .verity = verity,
                                /* One that was only found is not worth a refusal when the kernel does not know who made it. */
                                .sign = verity &&
                                        (spec->root_hash_sig || !(spec_policy_allows(&s.policy, which) & SPEC_POLICY_VERITY)),
                };
                (*ret_n)++;
        }
        if (*ret_n > 0 && ret[0].from->which == SPEC_PARTITION_ROOT)
                return 0;
        if (*ret_n == 0 || ret[0].from->which != SPEC_PARTITION_USR || find(disk, SPEC_PARTITION_ROOT))
                return error_set(e, -ENOENT, "%s: no root is left of '%s'", s.option.s, disk->path);
        return spec->root_hash ? error_set(e, -ENOENT, "%s: '%s' has no root partition, only one for /usr",
                                           plan_option(spec, SPEC_FIELD_ROOT_HASH, "--root-hash").s, disk->path)
                               : 0;
}

bool plan_disk_is_usr(const PlanPart *parts, size_t n)
{
        return n > 0 && parts[0].from->which == SPEC_PARTITION_USR;
}

/* ---- operations ---- */

static void add_options(const PlanPart *part, char ***options)
{
        size_t i = type_index(part->from->fstype);
        bool boot = part->from->which == SPEC_PARTITION_ESP || part->from->which == SPEC_PARTITION_XBOOTLDR;

        if (!part->writable)
                strv_push(options, "ro");
        if (i < ELEMENTSOF(types) && !part->writable && types[i].no_recovery)
                strv_push(options, types[i].no_recovery);
        if (i < ELEMENTSOF(types) && part->writable && types[i].discards)
                strv_push(options, "discard");
        if (boot && str_eq(part->from->fstype, "vfat"))
                strv_push(options, "umask=0077");
}

static void add_verity(PlanDisk *d, const FactDisk *disk, bool sign)
{
        const FactPartition *hashes = find(disk, SPEC_PARTITION_ROOT_VERITY);

        d->hashes = xstrdup(disk->hashes ?: disk->path);
        d->hashes_offset = disk->hashes || !hashes ? 0 : hashes->offset;
        d->hashes_size = disk->hashes || !hashes ? 0 : hashes->size;
        d->root_hash = xstrdup(disk->root_hash);
        d->signature = sign ? xstrdup(disk->signature) : NULL;
}

PlanDisk *plan_disk_make(const FactDisk *disk, const PlanPart *part, char ***ret_options)
{
        PlanDisk *d = xnew(PlanDisk, 1);
        _cleanup_free_ char *fsck = xasprintf("fsck.%s", part->from->fstype);

        *d = (PlanDisk){
                        .offset = part->from->offset,
                        .size = part->from->size,
                        .read_only = !part->writable,
                        .grow = part->writable && part->from->grow,
                        .check = part->writable ? xstrdup(strv_env_get(disk->programs, fsck)) : NULL,
        };
        if (part->verity)
                add_verity(d, disk, part->sign);
        if (is_encrypted(part->from)) {
                d->unlock = xstrdup(strv_env_get(disk->programs, "cryptsetup"));
                d->passphrase = xstrdup(disk->passphrase);
        }
        add_options(part, ret_options);
        return d;
}

/* What only a disk image can have. */
static const struct {
        SpecField field;
        const char *name;
} of_disks[] = {
                {SPEC_FIELD_IMAGE_POLICY, "--image-policy"},
                {SPEC_FIELD_ROOT_HASH, "--root-hash"},
                {SPEC_FIELD_ROOT_HASH_SIG, "--root-hash-sig"},
                {SPEC_FIELD_VERITY_DATA, "--verity-data"},
};

static int check_none(const PlanBuild *b, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(of_disks); i++)
                if (spec_is_set(b->spec, of_disks[i].field))
                        return error_set(e, -EINVAL, "%s is for disk images, and machine '%s' is none; leave it out",
                                         plan_option(b->spec, of_disks[i].field, of_disks[i].name).s, b->facts->machine_name);
        return 0;
}

static int check_verity(const PlanBuild *b, Error *e)
{
        const FactDisk *d = &b->facts->disk;

        if (b->spec->verity_data && !d->bare)
                return error_set(e, -EINVAL, "%s: '%s' has partitions, and its hashes have to be in one of them",
                                 plan_option(b->spec, SPEC_FIELD_VERITY_DATA, "--verity-data").s, d->path);
        if (b->spec->root_hash_sig && !d->root_hash)
                return error_set(e, -EINVAL, "%s: there is no root hash that it could be of; give it with --root-hash",
                                 plan_option(b->spec, SPEC_FIELD_ROOT_HASH_SIG, "--root-hash-sig").s);
        return 0;
}

int plan_disk_check(PlanBuild *b, Error *e)
{
        if (b->facts->root_kind != ROOT_DISK)
                return check_none(b, e);
        int r = check_verity(b, e);
        if (r < 0)
                return r;
        r = plan_disk_select(b->spec, &b->facts->disk, b->parts, &b->n_parts, e);
        if (r >= 0)
                b->read_only = b->read_only || (!plan_disk_is_usr(b->parts, b->n_parts) && !b->parts[0].writable &&
                                                !b->spec->ephemeral && b->spec->volatile_mode != SPEC_VOLATILE_OVERLAY);
        return r;
}

/* With changes that are thrown away it is the lowest layer of an overlay; a FAT file system cannot be one. */
static bool has_scratch(const PlanBuild *b, const PlanPart *part)
{
        const FactPartition *p = part->from;
        bool wanted = b->spec->volatile_mode == SPEC_VOLATILE_OVERLAY || (b->spec->ephemeral && !b->spec->read_only);

        return wanted && !str_eq(p->fstype, "vfat") && (p->which == SPEC_PARTITION_ROOT || !p->read_only);
}

static int add_part(PlanBuild *b, const PlanPart *part)
{
        bool scratch = has_scratch(b, part);
        PlanOp *op = plan_add(b->plan, PHASE_TREES, scratch ? OP_TREE_OVERLAY : OP_TREE_DISK, b->facts->disk.path);

        op->slot = b->plan->n_slots++;
        op->idmap = b->root_idmap;
        op->number = b->disk_base;
        op->attrs = part->attrs | (part->writable || scratch ? 0 : MOUNT_ATTR_RDONLY);
        op->disk = plan_disk_make(&b->facts->disk, part, &op->disk_options);
        op->disk_type = is_encrypted(part->from) ? NULL : xstrdup(part->from->fstype);
        if (scratch)
                plan_scratch(b, op, part->from->which == SPEC_PARTITION_ROOT);
        return op->slot;
}

static void attach(PlanBuild *b, const PlanPart *part)
{
        int slot = add_part(b, part);
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_ATTACH, part->target);

        op->slot = slot;
        op->node = NODE_DIRECTORY;
}

int plan_disk_root(PlanBuild *b)
{
        return add_part(b, &b->parts[0]);
}

void plan_disk_usr(PlanBuild *b)
{
        for (size_t i = 0; i < b->n_parts; i++)
                if (b->parts[i].from->which == SPEC_PARTITION_USR)
                        attach(b, &b->parts[i]);
}

void plan_disk_parts(PlanBuild *b)
{
        for (size_t i = 1; i < b->n_parts; i++) {
                SpecPartition which = b->parts[i].from->which;
                bool covered = b->spec->volatile_mode == SPEC_VOLATILE_STATE || b->spec->volatile_mode == SPEC_VOLATILE_YES;
                if (which != SPEC_PARTITION_USR && !(covered && (which == SPEC_PARTITION_VAR || which == SPEC_PARTITION_TMP)))
                        attach(b, &b->parts[i]);
        }
}
