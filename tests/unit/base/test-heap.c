/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdint.h>
#include <string.h>

#include "base/heap.h"
#include "base/macro.h"

#define BLOCKS 512U
#define LARGE  (128U * 1024)

typedef struct Kept {
        unsigned char *p;
        size_t size;
        unsigned char mark;
} Kept;

static void check(const Kept *k)
{
        for (size_t i = 0; i < k->size; i++)
                assert_int_equal(k->p[i], k->mark);
}

/* A number that is the same in each run. */
static size_t next(uint64_t *seed, size_t below)
{
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        return (size_t)(*seed >> 33) % below;
}

static void blocks_do_not_overlap(void **state)
{
        static Kept kept[BLOCKS];
        uint64_t seed = 1;

        for (unsigned round = 0; round < 20000; round++) {
                Kept *k = &kept[next(&seed, BLOCKS)];
                size_t size = next(&seed, round % 64 == 0 ? 2 * LARGE : round % 8 == 0 ? 9000 : 200);

                check(k);
                if (k->p && next(&seed, 3) == 0) {
                        heap_free(k->p);
                        *k = (Kept){0};
                        continue;
                }
                unsigned char *p = heap_realloc(k->p, size);
                assert_non_null(p);
                assert_int_equal((uintptr_t)p % 16, 0);
                assert_true(heap_size(p) >= size);
                k->p = p;
                k->size = k->size < size ? k->size : size;
                check(k); /* what was in it came along */
                k->size = size;
                k->mark = (unsigned char)round;
                memset(p, k->mark, size);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
                check(&kept[i]);
                heap_free(kept[i].p);
        }
}

static void zeroed_blocks_are_zero_however_often_they_were_used(void **state)
{
        static const size_t sizes[] = {0, 1, 16, 17, 1024, 1025, 4096, LARGE, LARGE + 1};
        static const unsigned char zero[LARGE + 1];

        for (unsigned round = 0; round < 3; round++)
                for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                        unsigned char *a = heap_zalloc(sizes[i]), *b = heap_zalloc(sizes[i]);
                        assert_memory_equal(a, zero, sizes[i]);
                        assert_memory_equal(b, zero, sizes[i]);
                        memset(a, 1, heap_size(a));
                        memset(b, 1, heap_size(b));
                        heap_free(round % 2 ? a : b);
                        heap_free(round % 2 ? b : a);
                }
}

static void the_last_block_grows_where_it_is(void **state)
{
        char *p = heap_alloc(20000), *before = p;

        for (size_t size = 20000; size < 60000; size += 5000)
                p = heap_realloc(p, size);
        assert_ptr_equal(p, before);
        heap_free(p);
        char *again = heap_alloc(100);
        assert_true(again <= before); /* and makes room when it goes */
        heap_free(again);
}

static void what_was_trimmed_can_be_used_again(void **state)
{
        char *p = heap_alloc(100000);

        memset(p, 1, 100000);
        heap_free(p);
        heap_trim();
        p = heap_zalloc(100000);
        for (size_t i = 0; i < 100000; i++)
                assert_int_equal(p[i], 0);
        heap_free(p);
}

static void what_cannot_be_had_is_refused(void **state)
{
        void *p = heap_alloc(10);

        assert_null(heap_alloc(SIZE_MAX));
        assert_null(heap_zalloc(SIZE_MAX - 8));
        assert_null(heap_realloc(p, SIZE_MAX / 2 + 1));
        heap_free(p); /* which is still there */
        heap_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_last_block_grows_where_it_is), /* first: nothing was freed yet that is taken again */
                        cmocka_unit_test(blocks_do_not_overlap),
                        cmocka_unit_test(zeroed_blocks_are_zero_however_often_they_were_used),
                        cmocka_unit_test(what_was_trimmed_can_be_used_again),
                        cmocka_unit_test(what_cannot_be_had_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
