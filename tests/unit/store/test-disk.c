/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/partition-image.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/disk.h"
#include "store/partition-type.h"

#define HOME    "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
#define GENERIC "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define NO_AUTO (UINT64_C(1) << 63)

/* The type of this architecture's own, whichever that is. */
static const char *type_of(const char *designator)
{
        static const char *const known[] = {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "b921b045-1df0-41c3-af44-4c6f280d3fae",
                                            "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "df3300ce-d69f-4c92-978c-9bfb0f38d820"};

        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                const PartitionType *t = partition_type(known[i]);
                if (strcmp(t->designator, designator) == 0 && partition_architecture() &&
                    strcmp(t->architecture, partition_architecture()) == 0)
                        return known[i];
        }
        skip();
        return NULL;
}

static int read_disk(const ImageEntry *entries, size_t n, const char *hash, StoreDisk *ret, Error *e)
{
        DiskImage d = make_image(512, entries, n);
        _cleanup_close_ int fd = memfd_create("disk", MFD_CLOEXEC);
        int r;

        memcpy(d.bytes + 40 * 512, "hsqs", 4);
        assert_int_equal(fd_write_all(fd, d.bytes, d.size), 0);
        r = store_disk_read(fd, "disk", hash, ret, e);
        free(d.bytes);
        return r;
}

static void partitions_are_told_by_their_types(void **state)
{
        const ImageEntry entries[] = {{type_of("root"), 1, 40, 47, 0, "a"}, {HOME, 2, 48, 49, 0, ""}, {HOME, 3, 50, 51, 0, ""}};
        StoreDisk d;

        assert_int_equal(read_disk(entries, 3, NULL, &d, NULL), 0);
        assert_int_equal(d.n, 2);
        assert_string_equal(store_disk_find(&d, "root")->fstype, "squashfs");
        assert_int_equal(store_disk_find(&d, "home")->offset, 48 * 512); /* the first one */
        assert_null(store_disk_find(&d, "home")->fstype);
        assert_null(store_disk_find(&d, "srv"));
        store_disk_done(&d);
}

static void the_newest_version_of_the_root_counts(void **state)
{
        const char *root = type_of("root");
        const ImageEntry entries[] = {
                        {root, 1, 50, 51, 0, "os_1.9"}, {root, 2, 40, 47, 0, "os_1.10"}, {root, 3, 52, 53, NO_AUTO, "os_2"}};
        StoreDisk d;

        assert_int_equal(read_disk(entries, 3, NULL, &d, NULL), 0);
        assert_string_equal(store_disk_find(&d, "root")->label, "os_1.10");
        store_disk_done(&d);
}

static void a_root_hash_says_which_partitions(void **state)
{
        const char *root = type_of("root"), *verity = type_of("root-verity");
        const ImageEntry entries[] = {{root, 0x11, 50, 51, 0, "os_2"},
                                      {root, 0x22, 40, 47, 0, "os_1"},
                                      {verity, 0x33, 52, 53, 0, "os_2"},
                                      {verity, 0x44, 54, 55, 0, "os_1"}};
        StoreDisk d;
        Error e = {};

        assert_int_equal(read_disk(entries, 4, "2222222222222222222222222222222244444444444444444444444444444444", &d, &e), 0);
        assert_string_equal(store_disk_find(&d, "root")->label, "os_1");
        assert_int_equal(store_disk_find(&d, "root-verity")->offset, 54 * 512);
        store_disk_done(&d);
        assert_int_equal(read_disk(entries, 4, "5522222222222222222222222222222244444444444444444444444444444444", &d, &e),
                         -ENOENT);
}

static void a_single_generic_partition_is_the_root(void **state)
{
        const ImageEntry entries[] = {{GENERIC, 1, 40, 47, 0, ""}, {GENERIC, 2, 48, 49, 0, ""}};
        StoreDisk d;
        Error e = {};

        assert_int_equal(read_disk(entries, 1, NULL, &d, NULL), 0);
        assert_int_equal(store_disk_find(&d, "root")->offset, 40 * 512);
        store_disk_done(&d);
        assert_int_equal(read_disk(entries, 2, NULL, &d, &e), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(partitions_are_told_by_their_types),
                        cmocka_unit_test(the_newest_version_of_the_root_counts),
                        cmocka_unit_test(a_root_hash_says_which_partitions),
                        cmocka_unit_test(a_single_generic_partition_is_the_root),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
