/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/superblock.h"

#include <string.h>

#include "base/macro.h"

typedef struct Magic {
        const char *name;
        size_t offset, len;
        const char *bytes;
        SuperblockKind kind;
        const char *way_out;
} Magic;

#define CONVERT    "make it a raw image with 'qemu-img convert -O raw'"
#define UNPACK(by) "unpack it first with '" by "'"

/* The first match counts: long magics before short ones. */
static const Magic magics[] = {
                {"squashfs", 0, 4, "hsqs", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"xfs", 0, 4, "XFSB", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"crypto_LUKS", 0, 6, "LUKS\xba\xbe", SUPERBLOCK_LUKS, NULL},
                {"DM_verity_hash", 0, 8, "verity\0\0", SUPERBLOCK_VERITY, NULL},
                {"qcow2", 0, 4, "QFI\xfb", SUPERBLOCK_FOREIGN, CONVERT},
                {"qed", 0, 4, "QED\0", SUPERBLOCK_FOREIGN, CONVERT},
                {"vmdk", 0, 4, "KDMV", SUPERBLOCK_FOREIGN, CONVERT},
                {"vmdk", 0, 21, "# Disk DescriptorFile", SUPERBLOCK_FOREIGN, CONVERT},
                {"vhdx", 0, 8, "vhdxfile", SUPERBLOCK_FOREIGN, CONVERT},
                {"vpc (VHD)", 0, 8, "conectix", SUPERBLOCK_FOREIGN, CONVERT},
                {"vdi", 0x40, 4, "\x7f\x10\xda\xbe", SUPERBLOCK_FOREIGN, CONVERT},
                {"xz", 0, 6,
                 "\xfd"
                 "7zXZ\0",
                 SUPERBLOCK_FOREIGN, UNPACK("unxz")},
                {"zstd", 0, 4, "\x28\xb5\x2f\xfd", SUPERBLOCK_FOREIGN, UNPACK("unzstd")},
                {"btrfs", 0x10040, 8, "_BHRfS_M", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"erofs", 1024, 4, "\xe2\xe1\xf5\xe0", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"f2fs", 1024, 4, "\x10\x20\xf5\xf2", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"vfat", 0x52, 8, "FAT32   ", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"vfat", 0x36, 5, "FAT16", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"vfat", 0x36, 5, "FAT12", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"swap", 4086, 10, "SWAPSPACE2", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"iso9660", 0x8001, 5, "CD001", SUPERBLOCK_FILE_SYSTEM, NULL},
                {"gzip", 0, 3, "\x1f\x8b\x08", SUPERBLOCK_FOREIGN, UNPACK("gunzip")},
                {"bzip2", 0, 3, "BZh", SUPERBLOCK_FOREIGN, UNPACK("bunzip2")},
};

/* Two bytes of magic are little, so two more fields must make sense: the size of a block, 1 KiB << 0…6, and the revision, 0 or 1.
 * ext4's driver has ext2 and ext3 as well. */
static int is_ext4(const uint8_t *head, size_t n)
{
        const uint8_t *s = head + 1024;

        return n >= 2048 && s[0x38] == 0x53 && s[0x39] == 0xef && s[0x18] <= 6 && !s[0x19] && !s[0x1a] && !s[0x1b] &&
               s[0x4c] <= 1;
}

Superblock superblock_probe(const uint8_t *head, size_t n)
{
        for (size_t i = 0; i < ELEMENTSOF(magics); i++) {
                const Magic *m = &magics[i];
                if (m->offset + m->len <= n && memcmp(head + m->offset, m->bytes, m->len) == 0)
                        return (Superblock){m->kind, m->name, m->way_out};
        }
        return is_ext4(head, n) ? (Superblock){SUPERBLOCK_FILE_SYSTEM, "ext4", NULL} : (Superblock){};
}
