/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "distro/distro.h"
#include "unit/scratch.h"

static DistroRequest request(void **state)
{
        return (DistroRequest){.distribution = "debian", .suite = "trixie", .cache_dir = ((Scratch *)*state)->dir};
}

static void what_was_never_made_has_no_key(void **state)
{
        DistroRequest r = request(state);

        assert_null(distro_last_key(&r));
}

static void the_same_request_leads_to_the_key_again(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(distro_remember_key(&r, "debian-trixie-x", NULL), 0);
        _cleanup_free_ char *key = distro_last_key(&r);
        assert_string_equal(key, "debian-trixie-x");
}

static void defaults_and_their_names_are_the_same_request(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(distro_remember_key(&r, "k", NULL), 0);
        r.variant = "boot";
        _cleanup_free_ char *key = distro_last_key(&r);
        assert_string_equal(key, "k");
}

static void another_request_has_a_key_of_its_own(void **state)
{
        char *include[] = {"vim", NULL}, *mirror[] = {"http://m.example/debian", NULL};
        DistroRequest r = request(state), other;

        assert_int_equal(distro_remember_key(&r, "k", NULL), 0);
        other = r;
        other.include = include;
        assert_null(distro_last_key(&other));
        other = r;
        other.exclude = include;
        assert_null(distro_last_key(&other));
        other = r;
        other.mirrors = mirror;
        assert_null(distro_last_key(&other));
        other = r;
        other.variant = "minbase";
        assert_null(distro_last_key(&other));
        other = r;
        other.no_verify = true;
        assert_null(distro_last_key(&other));
}

static void a_key_that_is_no_file_name_is_not_taken(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(distro_remember_key(&r, "../../etc/passwd", NULL), 0);
        assert_null(distro_last_key(&r));
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        T(what_was_never_made_has_no_key),
                        T(the_same_request_leads_to_the_key_again),
                        T(defaults_and_their_names_are_the_same_request),
                        T(another_request_has_a_key_of_its_own),
                        T(a_key_that_is_no_file_name_is_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
