/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

static Work begin(Store *s)
{
        Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(s, NULL);

        assert_true(hold >= 0);
        assert_int_equal(work_begin(s, "web", &w, NULL), 0);
        return w;
}

static void what_is_locked_is_no_debris(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        Work w = begin(s);

        work_clear_debris(s);
        assert_int_equal(file_dir_is_empty_at(s->root_fd, STORE_WORK), 0);
        work_abandon(&w);
        work_clear_debris(s);
        assert_int_equal(file_dir_is_empty_at(s->root_fd, STORE_WORK), 1);
}

static void a_taken_place_is_not_overwritten(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        Work w = begin(s);

        assert_int_equal(mkdirat(w.fd, WORK_NEW, 0755), 0);
        assert_int_equal(mkdirat(s->root_fd, "web", 0755), 0);
        assert_int_equal(work_place(&w, WORK_NEW, ".", "web"), -EEXIST);
        assert_int_equal(work_place(&w, WORK_NEW, ".", "web2"), 0);
        work_end(&w);
}

static void the_snapshots_of_a_machine_renamed_away_follow(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        Work w = begin(s);

        assert_int_equal(mkdirat(w.fd, WORK_REMOVED, 0755), 0);
        assert_int_equal(file_mkdir_p_at(s->root_fd, STORE_SNAPSHOTS "/web/one.mstack", 0755), 0);
        assert_int_equal(file_mkdir_p_at(s->root_fd, STORE_SNAPSHOTS "/web2/one.mstack", 0755), 0);
        work_abandon(&w);
        fd_close(store_hold(s, NULL));
        assert_int_equal(faccessat(s->root_fd, STORE_SNAPSHOTS "/web", F_OK, 0), -1);
        assert_int_equal(faccessat(s->root_fd, STORE_SNAPSHOTS "/web2", F_OK, 0), 0);
}

#define ID "0123456789abcdef0123456789abcdef"

/* Between the two exchanges of overlay's freeze(): the layer is a symlink to the writable layer of the stack that was exchanged away. */
static void half_frozen(Store *s, bool used)
{
        Work w = begin(s);
        _cleanup_free_ char *promise = xasprintf("../work/%s/new/rw/data", strrchr(w.path, '/') + 1);

        assert_int_equal(file_mkdir_p_at(w.fd, WORK_NEW "/rw/data/precious", 0755), 0);
        assert_int_equal(symlinkat(promise, s->root_fd, STORE_LAYERS "/" ID), 0);
        assert_int_equal(mkdirat(s->root_fd, "web.mstack", 0755), 0);
        if (used)
                assert_int_equal(symlinkat("../.berth.v/layers/" ID, s->root_fd, "web.mstack/layer@0"), 0);
        work_abandon(&w);
        work_clear_debris(s);
        assert_int_equal(file_dir_is_empty_at(s->root_fd, STORE_WORK), 1);
}

static void a_promise_that_is_used_is_kept(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);

        half_frozen(s, true);
        assert_int_equal(faccessat(s->root_fd, STORE_LAYERS "/" ID "/precious", F_OK, 0), 0);
        assert_int_equal(faccessat(s->root_fd, "web.mstack/layer@0/precious", F_OK, 0), 0);
}

static void a_promise_that_nobody_uses_is_dropped(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);

        half_frozen(s, false);
        assert_int_equal(faccessat(s->root_fd, STORE_LAYERS "/" ID, F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(what_is_locked_is_no_debris),
                        TEST(a_taken_place_is_not_overwritten),
                        TEST(the_snapshots_of_a_machine_renamed_away_follow),
                        TEST(a_promise_that_is_used_is_kept),
                        TEST(a_promise_that_nobody_uses_is_dropped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
