/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "transfer/fetch-retry.h"

static FetchFailure http(long status)
{
        return (FetchFailure){.code = CURLE_HTTP_RETURNED_ERROR, .status = status, .url = "http://mirror.test/x"};
}

static void passes_over_busy_servers(void **state)
{
        static const long status[] = {408, 429, 500, 502, 503, 504};

        for (size_t i = 0; i < ELEMENTSOF(status); i++) {
                FetchFailure f = http(status[i]);
                assert_true(fetch_failure_passes(&f));
        }
}

static void does_not_ask_twice_for_what_is_not_there(void **state)
{
        static const long status[] = {400, 401, 403, 404, 410, 416, 501};

        for (size_t i = 0; i < ELEMENTSOF(status); i++) {
                FetchFailure f = http(status[i]);
                assert_false(fetch_failure_passes(&f));
        }
}

static void passes_over_broken_connections(void **state)
{
        static const CURLcode codes[] = {CURLE_OPERATION_TIMEDOUT, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_GOT_NOTHING};

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                assert_true(fetch_failure_passes(&(FetchFailure){.code = codes[i]}));
}

static void an_unreachable_host_passes_only_when_it_was_reached_before(void **state)
{
        assert_false(fetch_failure_passes(&(FetchFailure){.code = CURLE_COULDNT_RESOLVE_HOST}));
        assert_true(fetch_failure_passes(&(FetchFailure){.code = CURLE_COULDNT_RESOLVE_HOST, .reached = true}));
        assert_false(fetch_failure_passes(&(FetchFailure){.code = CURLE_WRITE_ERROR, .reached = true}));
}

static void pauses_grow_to_a_limit(void **state)
{
        assert_int_equal(fetch_pause(1, 0), USEC_PER_SEC / 2);
        assert_int_equal(fetch_pause(2, 0), USEC_PER_SEC);
        assert_int_equal(fetch_pause(4, 0), 4 * USEC_PER_SEC);
        assert_int_equal(fetch_pause(6, 0), 10 * USEC_PER_SEC);
        assert_int_equal(fetch_pause(1000, 0), 10 * USEC_PER_SEC);
}

static void pauses_as_long_as_the_server_asks_within_reason(void **state)
{
        assert_int_equal(fetch_pause(1, 7), 7 * USEC_PER_SEC);
        assert_int_equal(fetch_pause(1, 86400), 30 * USEC_PER_SEC);
        assert_int_equal(fetch_pause(3, 1), 2 * USEC_PER_SEC);
}

static void says(FetchFailure f, int code, const char *message)
{
        Error e = {0};

        assert_int_equal(fetch_failure_explain(&f, &e), code);
        assert_string_equal(e.message, message);
}

static void names_the_host_without_its_password(void **state)
{
        says((FetchFailure){.code = CURLE_COULDNT_RESOLVE_HOST, .url = "http://me:secret@mirror.test:80/debian/x"}, -EHOSTUNREACH,
             "cannot reach mirror host 'mirror.test:80': could not resolve its name; check the network or give another mirror "
             "with --mirror=URL");
}

static void names_the_address_that_is_not_there(void **state)
{
        says(http(404), -ENOENT, "http://mirror.test/x: 404 not found");
        says(http(403), -EACCES, "http://mirror.test/x: 403 the server forbids it");
        says(http(503), -EIO, "http://mirror.test/x: 503 the server is unavailable");
}

static void names_schemes_that_are_not_taken(void **state)
{
        says((FetchFailure){.code = CURLE_UNSUPPORTED_PROTOCOL, .url = "ftp://x/y"}, -EINVAL,
             "'ftp://x/y' is not an address of http, https or file");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(passes_over_busy_servers),
                        cmocka_unit_test(does_not_ask_twice_for_what_is_not_there),
                        cmocka_unit_test(passes_over_broken_connections),
                        cmocka_unit_test(an_unreachable_host_passes_only_when_it_was_reached_before),
                        cmocka_unit_test(pauses_grow_to_a_limit),
                        cmocka_unit_test(pauses_as_long_as_the_server_asks_within_reason),
                        cmocka_unit_test(names_the_host_without_its_password),
                        cmocka_unit_test(names_the_address_that_is_not_there),
                        cmocka_unit_test(names_schemes_that_are_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
