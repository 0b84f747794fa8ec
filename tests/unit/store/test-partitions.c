/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/partition-image.h"

#define TYPE "933ac7e1-2eb4-4f13-b844-0e14e2aef915"

static const ImageEntry two[] = {{TYPE, 0x11, 40, 47, UINT64_C(1) << 60, "home"}, {TYPE, 0x22, 48, 100, 0, "v_1.2"}};

static void a_table_is_read_with_every_sector_size(void **state)
{
        for (size_t sector = 512; sector <= 4096; sector *= 2) {
                Partitions p;
                DiskImage d = make_image(sector, two, 2);
                assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
                assert_int_equal(p.kind, PARTITIONS_GPT);
                assert_int_equal(p.n, 2);
                assert_false(p.from_backup);
                assert_string_equal(p.items[0].type, TYPE);
                assert_string_equal(p.items[1].uuid, "22222222-2222-2222-2222-222222222222");
                assert_string_equal(p.items[1].label, "v_1.2");
                assert_int_equal(p.items[0].offset, 40 * sector);
                assert_int_equal(p.items[1].size, 53 * sector);
                assert_int_equal(p.items[0].flags, UINT64_C(1) << 60);
                partitions_done(&p);
                free(d.bytes);
        }
}

/* One wrong byte anywhere in the first copy, and the backup is taken; in both, and there is no table. */
static void a_damaged_copy_is_replaced_by_the_backup(void **state)
{
        static const size_t places[] = {512 + 20, 512 + 50, 1024 + 5, 1024 + 4000};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                Partitions p;
                DiskImage d = make_image(512, two, 2);
                d.bytes[places[i]] ^= 1;
                assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
                assert_true(p.from_backup);
                assert_int_equal(p.n, 2);
                partitions_done(&p);
                d.bytes[d.size - 512 + 60] ^= 1;
                d.bytes[d.size - 512 + 88] ^= 1;
                assert_int_equal(read_image(&d, &p), PARTITIONS_BROKEN);
                assert_non_null(p.problem);
                assert_int_equal(p.n, 0);
                partitions_done(&p);
                free(d.bytes);
        }
}

static void what_lies_outside_of_the_disk_is_left_out(void **state)
{
        static const ImageEntry bad[] = {
                        {TYPE, 1, 40, 300, 0, ""}, {TYPE, 2, 60, 50, 0, ""}, {TYPE, 3, 2, 10, 0, ""}, {TYPE, 4, 40, 40, 0, ""}};
        Partitions p;
        DiskImage d = make_image(512, bad, 4);

        assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
        assert_int_equal(p.n, 1);
        assert_int_equal(p.items[0].number, 4);
        partitions_done(&p);
        free(d.bytes);
}

static void an_mbr_has_four_entries(void **state)
{
        Partitions p;
        DiskImage d = {.bytes = xcalloc(IMAGE_SECTORS, 512), .size = IMAGE_SECTORS * 512, .sector = 512};
        uint8_t *e = d.bytes + 446;

        d.bytes[510] = 0x55;
        d.bytes[511] = 0xaa;
        e[0] = 0x80;
        e[4] = 0x83;
        put(e + 8, 8, 4);
        put(e + 12, 16, 4);
        e[16 + 4] = 0x83;
        put(e + 16 + 8, 100, 4);
        put(e + 16 + 12, 1000, 4); /* longer than the disk */
        assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
        assert_int_equal(p.kind, PARTITIONS_MBR);
        assert_int_equal(p.n, 1);
        assert_true(p.items[0].bootable);
        assert_int_equal(p.items[0].offset, 4096);
        partitions_done(&p);

        e[16] = 0x12; /* no flag that there is: code of a boot sector */
        assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
        assert_int_equal(p.kind, PARTITIONS_NONE);
        partitions_done(&p);
        free(d.bytes);
}

static void nothing_is_no_table(void **state)
{
        Partitions p;
        DiskImage d = {.bytes = xcalloc(1, 100), .size = 100, .sector = 512};

        assert_int_equal(read_image(&d, &p), PARTITIONS_DONE);
        assert_int_equal(p.kind, PARTITIONS_NONE);
        partitions_done(&p);
        free(d.bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_table_is_read_with_every_sector_size),
                        cmocka_unit_test(a_damaged_copy_is_replaced_by_the_backup),
                        cmocka_unit_test(what_lies_outside_of_the_disk_is_left_out),
                        cmocka_unit_test(an_mbr_has_four_entries),
                        cmocka_unit_test(nothing_is_no_table),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
