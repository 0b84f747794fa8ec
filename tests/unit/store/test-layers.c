/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/strv.h"
#include "store/layers.h"

#define ID_A "0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210"

static void layers_are_ordered_by_version(void **state)
{
        _cleanup_(stack_done) Stack stack = {0};
        static const char *const entries[] = {"layer@10", "layer@9", "layer@0", "layer@2"};

        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                assert_int_equal(mkdirat(scratch_fd(state), entries[i], 0755), 0);
        assert_int_equal(stack_load(scratch_fd(state), "x", &stack, NULL), 0);
        assert_int_equal(stack.n, 4);
        assert_string_equal(stack.items[0].entry, "layer@0");
        assert_string_equal(stack.items[1].entry, "layer@2");
        assert_string_equal(stack.items[2].entry, "layer@9");
        assert_string_equal(stack.items[3].entry, "layer@10");
        assert_false(stack.writable);
}

static void only_exact_links_name_shared_layers(void **state)
{
        _cleanup_(stack_done) Stack stack = {0};
        int dir = scratch_fd(state);

        assert_int_equal(symlinkat("../.berth.v/layers/" ID_A, dir, "layer@0"), 0);
        assert_int_equal(symlinkat("../../layers/" ID_B, dir, "layer@1"), 0);
        assert_int_equal(symlinkat("../elsewhere/layers/" ID_A, dir, "layer@2"), 0);
        assert_int_equal(symlinkat("../.berth.v/layers/../../etc", dir, "layer@3"), 0);
        assert_int_equal(symlinkat("../.berth.v/layers/" ID_A "/..", dir, "layer@4"), 0);
        assert_int_equal(mkdirat(dir, "rw", 0755), 0);
        assert_int_equal(stack_load(dir, "x", &stack, NULL), 0);
        assert_string_equal(stack.items[0].id, ID_A);
        assert_string_equal(stack.items[1].id, ID_B);
        assert_null(stack.items[2].id);
        assert_string_equal(stack.items[2].target, "../elsewhere/layers/" ID_A);
        assert_null(stack.items[3].id);
        assert_null(stack.items[4].id);
        assert_true(stack.writable);
}

static void refuses(void **state, const char *entry)
{
        _cleanup_(stack_done) Stack stack = {0};
        Error e = {};

        assert_int_equal(mkdirat(scratch_fd(state), entry, 0755), 0);
        assert_int_equal(stack_load(scratch_fd(state), "x.mstack", &stack, &e), -EOPNOTSUPP);
        assert_non_null(strstr(e.message, entry));
        assert_int_equal(unlinkat(scratch_fd(state), entry, AT_REMOVEDIR), 0);
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
        static const char *const entries[] = {"root", "usr", "bind@var", "robind@x", "layer@1.raw", "layer@1.v"};

        assert_int_equal(mkdirat(scratch_fd(state), "layer@0", 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                refuses(state, entries[i]);
}

static void a_stack_has_a_layer(void **state)
{
        _cleanup_(stack_done) Stack stack = {0};

        assert_int_equal(mkdirat(scratch_fd(state), "rw", 0755), 0);
        assert_int_equal(stack_load(scratch_fd(state), "x", &stack, NULL), -EINVAL);
}

static void link_is(int dir, const char *path, const char *expected)
{
        char target[256] = "";

        assert_true(readlinkat(dir, path, target, sizeof(target) - 1) > 0);
        assert_string_equal(target, expected);
}

static void links_fit_the_place_of_the_stack(void **state)
{
        _cleanup_(stack_done) Stack stack = {0};
        Work w = {.fd = scratch_fd(state)};

        stack_push(&stack, ID_A);
        assert_int_equal(stack_write(&w, "machine", &stack, "."), 0);
        assert_int_equal(stack_write(&w, "image", &stack, STORE_IMAGES), 0);
        assert_int_equal(stack_write(&w, "snapshot", &stack, STORE_SNAPSHOTS "/web"), 0);
        link_is(w.fd, "machine/layer@0", "../.berth.v/layers/" ID_A);
        link_is(w.fd, "image/layer@0", "../../layers/" ID_A);
        link_is(w.fd, "snapshot/layer@0", "../../../layers/" ID_A);
}

static void a_stack_that_has_grown_is_completed(void **state)
{
        _cleanup_(stack_done) Stack stack = {0};
        Work w = {.fd = scratch_fd(state)};

        stack_push(&stack, ID_A);
        assert_int_equal(stack_write(&w, "s", &stack, "."), 0);
        stack_push(&stack, ID_B);
        assert_int_equal(stack_write(&w, "s", &stack, "."), 0);
        link_is(w.fd, "s/layer@0", "../.berth.v/layers/" ID_A);
        link_is(w.fd, "s/layer@1", "../.berth.v/layers/" ID_B);
}

static bool layer_exists(Store *s, const char *id)
{
        _cleanup_free_ char *path = layer_path(id);
        return faccessat(s->root_fd, path, F_OK, 0) == 0;
}

/* As at the end of a transaction that took users of layers away. */
static void collect(Store *s)
{
        Work w = WORK_NONE;
        int hold = store_hold(s, NULL);

        assert_int_equal(work_begin(s, "collect", &w, NULL), 0);
        fd_close(hold);
        w.collect = true;
        work_end(&w);
}

static void layers_in_use_by_anybody_stay(void **state)
{
        static const char *const stacks[] = {"web.mstack", ".berth.v/images/key.mstack", ".berth.v/snapshots/web/one.mstack"};
        static const char *const links[] = {"../.berth.v/layers/" ID_A, "../../layers/" ID_A, "../../../layers/" ID_A};
        _cleanup_(store_closep) Store *s = open_store(state);

        for (size_t i = 0; i < ELEMENTSOF(stacks); i++) {
                _cleanup_free_ char *link = xasprintf("%s/layer@0", stacks[i]);
                assert_int_equal(file_mkdir_p_at(s->root_fd, STORE_LAYERS "/" ID_A, 0700), 0);
                assert_int_equal(file_mkdir_p_at(s->root_fd, STORE_LAYERS "/" ID_B, 0700), 0);
                assert_int_equal(file_mkdir_p_at(s->root_fd, stacks[i], 0700), 0);
                assert_int_equal(symlinkat(links[i], s->root_fd, link), 0);
                collect(s);
                assert_true(layer_exists(s, ID_A));
                assert_false(layer_exists(s, ID_B));
                assert_int_equal(file_remove_tree_at(s->root_fd, stacks[i]), 0);
                collect(s);
                assert_false(layer_exists(s, ID_A));
        }
}

static void layers_of_a_transaction_under_way_stay(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        _cleanup_(stack_done) Stack stack = {0};
        Work w = WORK_NONE;

        fd_close(store_hold(s, NULL));
        assert_int_equal(work_begin(s, "new", &w, NULL), 0);
        assert_int_equal(file_mkdir_p_at(s->root_fd, STORE_LAYERS "/" ID_A, 0700), 0);
        stack_push(&stack, ID_A);
        assert_int_equal(stack_write(&w, WORK_NEW, &stack, "."), 0);
        collect(s);
        assert_true(layer_exists(s, ID_A));
        work_abandon(&w); /* as if killed */
        collect(s);
        assert_false(layer_exists(s, ID_A));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(layers_are_ordered_by_version),
                        TEST(only_exact_links_name_shared_layers),
                        TEST(what_is_not_supported_is_refused_by_name),
                        TEST(a_stack_has_a_layer),
                        TEST(links_fit_the_place_of_the_stack),
                        TEST(a_stack_that_has_grown_is_completed),
                        TEST(layers_in_use_by_anybody_stay),
                        TEST(layers_of_a_transaction_under_way_stay),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
