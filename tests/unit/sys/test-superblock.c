/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sys/superblock.h"

static void formats_are_told_apart(void **state)
{
        static const struct {
                size_t at;
                const char *bytes, *name;
                SuperblockKind kind;
        } cases[] = {
                        {0, "hsqs", "squashfs", SUPERBLOCK_FILE_SYSTEM},
                        {0, "XFSB", "xfs", SUPERBLOCK_FILE_SYSTEM},
                        {0x10040, "_BHRfS_M", "btrfs", SUPERBLOCK_FILE_SYSTEM},
                        {0x52, "FAT32   ", "vfat", SUPERBLOCK_FILE_SYSTEM},
                        {1024, "\xe2\xe1\xf5\xe0", "erofs", SUPERBLOCK_FILE_SYSTEM},
                        {0, "LUKS\xba\xbe", "crypto_LUKS", SUPERBLOCK_LUKS},
                        {0, "QFI\xfb", "qcow2", SUPERBLOCK_FOREIGN},
                        {0x40, "\x7f\x10\xda\xbe", "vdi", SUPERBLOCK_FOREIGN},
                        {0, "\x1f\x8b\x08", "gzip", SUPERBLOCK_FOREIGN},
                        {0x438, "\x53\xef", "ext4", SUPERBLOCK_FILE_SYSTEM},
                        {0x438, "\x53\xee", NULL, SUPERBLOCK_NONE},
        };
        _cleanup_free_ uint8_t *head = xmalloc(SUPERBLOCK_BYTES);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                memset(head, 0, SUPERBLOCK_BYTES);
                memcpy(head + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
                Superblock s = superblock_probe(head, SUPERBLOCK_BYTES);
                assert_int_equal(s.kind, cases[i].kind);
                if (cases[i].name)
                        assert_string_equal(s.name, cases[i].name);
                assert_int_equal(s.way_out != NULL, s.kind == SUPERBLOCK_FOREIGN);
                assert_int_equal(superblock_probe(head, cases[i].at).kind, SUPERBLOCK_NONE); /* cut off in front of it */
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(formats_are_told_apart)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
