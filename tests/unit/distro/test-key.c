/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/clock.h"
#include "distro/distro-private.h"
#include "unit/scratch.h"

static DistroRequest request(void **state)
{
        return (DistroRequest){.distribution = "debian", .suite = "trixie", .cache_dir = ((Scratch *)*state)->dir};
}

static int remember(const DistroRequest *r, const char *key, int64_t valid_until)
{
        DistroPlan p = {.key = (char *)key, .valid_until = valid_until};

        return distro_remember(r, &p, NULL);
}

/* NULL, or the key that it leads to. */
static const char *leads_to(const DistroRequest *r)
{
        static char key[256];
        DistroLast last = {0};

        if (distro_last(r, &last) < 0)
                return NULL;
        snprintf(key, sizeof(key), "%s", last.key);
        distro_last_done(&last);
        return key;
}

static void what_was_never_made_has_no_key(void **state)
{
        DistroRequest r = request(state);

        assert_null(leads_to(&r));
}

static void the_same_request_leads_to_the_key_again(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(remember(&r, "debian-trixie-x", 0), 0);
        assert_string_equal(leads_to(&r), "debian-trixie-x");
}

static void defaults_and_their_names_are_the_same_request(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(remember(&r, "k", 0), 0);
        r.variant = "boot";
        assert_string_equal(leads_to(&r), "k");
}

static void another_request_has_a_key_of_its_own(void **state)
{
        char *include[] = {"vim", NULL}, *mirror[] = {"http://m.example/debian", NULL};
        DistroRequest r = request(state), other;

        assert_int_equal(remember(&r, "k", 0), 0);
        other = r;
        other.include = include;
        assert_null(leads_to(&other));
        other = r;
        other.exclude = include;
        assert_null(leads_to(&other));
        other = r;
        other.mirrors = mirror;
        assert_null(leads_to(&other));
        other = r;
        other.variant = "minbase";
        assert_null(leads_to(&other));
        other = r;
        other.verify = DISTRO_VERIFY_NO;
        assert_null(leads_to(&other));
}

static void other_mirrors_of_the_host_are_another_request(void **state)
{
        DistroRequest r = request(state);

        setenv("BERTH_MIRROR", "http://one.example/debian", 1);
        assert_int_equal(remember(&r, "k", 0), 0);
        assert_string_equal(leads_to(&r), "k");
        setenv("BERTH_MIRROR", "http://two.example/debian", 1);
        assert_null(leads_to(&r));
        unsetenv("BERTH_MIRROR");
        assert_null(leads_to(&r));
}

static void it_is_known_when_the_index_was_read_and_how_long_it_holds(void **state)
{
        DistroRequest r = request(state);
        DistroLast last = {0};

        assert_int_equal(remember(&r, "k", 1234567), 0);
        assert_int_equal(distro_last(&r, &last), 0);
        assert_int_equal(last.valid_until, 1234567);
        assert_true(last.read > 1700000000 && last.read <= (int64_t)(clock_realtime() / USEC_PER_SEC));
        distro_last_done(&last);
}

static void a_key_that_is_no_file_name_is_not_taken(void **state)
{
        DistroRequest r = request(state);

        assert_int_equal(remember(&r, "../../etc/passwd", 0), 0);
        assert_null(leads_to(&r));
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        T(what_was_never_made_has_no_key),
                        T(the_same_request_leads_to_the_key_again),
                        T(defaults_and_their_names_are_the_same_request),
                        T(another_request_has_a_key_of_its_own),
                        T(other_mirrors_of_the_host_are_another_request),
                        T(it_is_known_when_the_index_was_read_and_how_long_it_holds),
                        T(a_key_that_is_no_file_name_is_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
