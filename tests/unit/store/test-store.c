/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

static void drivers_have_names(void **state)
{
        assert_string_equal(store_driver_name(STORE_OVERLAY), "overlay");
        assert_string_equal(store_driver_name(STORE_DIRECTORY), "directory");
        StoreDriverId id;
        Error e = {0};
        assert_int_equal(store_driver_from_name("overlay", &id, &e), 0);
        assert_int_equal(id, STORE_OVERLAY);
        assert_int_equal(store_driver_from_name("ext4", &id, &e), -EINVAL);
        assert_non_null(strstr(e.message, "there is no driver 'ext4'; there are overlay, zfs, btrfs"));
        assert_null(store_driver_name(_STORE_DRIVER_INVALID));
}

static void a_store_is_made_private_and_looking_leaves_no_trace(void **state)
{
        _cleanup_free_ char *path = xasprintf("%s/a/b", ((Scratch *)*state)->dir);
        _cleanup_(store_closep) Store *s = NULL;
        StoreImage *v;
        size_t n;
        struct stat st;

        assert_int_equal(store_open(path, &s, NULL), 0);
        assert_int_equal(store_list(s, STORE_MACHINE, &v, &n, NULL), 0);
        assert_int_equal(n, 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(file_dir_is_empty_at(AT_FDCWD, path), 1);
}

static void begin(Store *s, StoreKind kind, StoreBuild *ret)
{
        assert_int_equal(store_build_begin(s, kind, "web", STORE_DIRECTORY, ret, NULL), 0);
        assert_int_equal(file_write_at(ret->dirfd, "file", "text", 0644), 0);
}

static void a_build_is_seen_when_it_is_committed(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreImage i = {0};
        StoreBuild b;

        begin(s, STORE_MACHINE, &b);
        assert_int_equal(store_find(s, STORE_MACHINE, "web", &i, NULL), -ENOENT);
        assert_int_equal(store_build_commit(&b, false, NULL), 0);
        store_build_abort(&b);
        assert_int_equal(store_find(s, STORE_MACHINE, "web", &i, NULL), 0);
        assert_string_equal(i.directory, i.path);
        store_image_done(&i);
}

static void an_aborted_build_leaves_nothing(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreImage i = {0};
        StoreBuild b;

        begin(s, STORE_MACHINE, &b);
        store_build_abort(&b);
        store_build_abort(&b);
        assert_int_equal(store_find(s, STORE_MACHINE, "web", &i, NULL), -ENOENT);
        assert_int_equal(file_dir_is_empty_at(s->root_fd, STORE_WORK), 1);
        assert_int_equal(faccessat(s->root_fd, ".#web.lck", F_OK, 0), -1);
}

static void a_name_is_being_made_by_one_only(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreBuild first, second;

        begin(s, STORE_MACHINE, &first);
        assert_int_equal(store_build_begin(s, STORE_MACHINE, "web", STORE_DIRECTORY, &second, NULL), -EBUSY);
        assert_int_equal(store_build_commit(&first, false, NULL), 0);
        assert_int_equal(store_build_begin(s, STORE_MACHINE, "web", STORE_DIRECTORY, &second, NULL), -EEXIST);
        assert_int_equal(store_build_begin(s, STORE_MACHINE, "web", STORE_OVERLAY, &second, NULL), -EEXIST);
}

static void of_two_builds_of_an_image_the_first_has_it(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreBuild first, second;
        StoreImage i = {0};

        begin(s, STORE_IMAGE, &first);
        begin(s, STORE_IMAGE, &second);
        assert_int_equal(store_build_commit(&second, false, NULL), 0);
        assert_int_equal(store_build_commit(&first, false, NULL), -EEXIST);
        assert_int_equal(store_find(s, STORE_IMAGE, "web", &i, NULL), 0);
        assert_int_equal(file_dir_is_empty_at(s->root_fd, STORE_WORK), 1);
        store_image_done(&i);
}

static void an_image_that_was_exchanged_since_is_not_locked(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreLock lock = STORE_LOCK_NONE;
        StoreImage i = {0};
        Error e = {};

        assert_int_equal(mkdirat(s->root_fd, "web", 0755), 0);
        assert_int_equal(store_find(s, STORE_MACHINE, "web", &i, NULL), 0);
        assert_int_equal(store_lock(s, &i, true, &lock, NULL), 0);
        store_unlock(&lock);
        assert_int_equal(renameat(s->root_fd, "web", s->root_fd, "old"), 0);
        assert_int_equal(mkdirat(s->root_fd, "web", 0755), 0);
        assert_int_equal(store_lock(s, &i, true, &lock, &e), -EBUSY);
        assert_non_null(strstr(e.message, "was changed by another command just now"));
        store_image_done(&i);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(drivers_have_names),
                        TEST(a_store_is_made_private_and_looking_leaves_no_trace),
                        TEST(a_build_is_seen_when_it_is_committed),
                        TEST(an_aborted_build_leaves_nothing),
                        TEST(a_name_is_being_made_by_one_only),
                        TEST(of_two_builds_of_an_image_the_first_has_it),
                        TEST(an_image_that_was_exchanged_since_is_not_locked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
