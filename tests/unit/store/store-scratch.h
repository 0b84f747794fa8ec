/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A store in a scratch directory. */

#include "unit/test.h"

#include "store/work.h"
#include "unit/scratch.h"

static inline Store *open_store(void **state)
{
        Error e = {};
        Store *s = NULL;

        assert_int_equal(store_open(((Scratch *)*state)->dir, &s, &e), 0);
        return s;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
