/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/str.h"

static void prefixes_and_suffixes(void **state)
{
        assert_string_equal(str_startswith("machine.raw", "machine"), ".raw");
        assert_null(str_startswith("ma", "machine"));
        assert_string_equal(str_endswith("machine.raw", ".raw"), ".raw");
        assert_null(str_endswith("raw", ".raw"));
}

static void stripping_takes_blanks_from_both_ends(void **state)
{
        char s[] = " \t a b \n", empty[] = "  ";

        assert_string_equal(str_strip(s), "a b");
        assert_string_equal(str_strip(empty), "");
}

static void numbers_are_whole_and_in_range(void **state)
{
        uint64_t u64 = 1;
        uint32_t u32 = 1;
        int32_t i32 = 1;

        assert_int_equal(str_parse_u64("18446744073709551615", &u64), 0);
        assert_int_equal(u64, UINT64_MAX);
        assert_int_equal(str_parse_u64("18446744073709551616", &u64), -ERANGE);
        assert_int_equal(str_parse_u32("4294967296", &u32), -ERANGE);
        assert_int_equal(str_parse_i32("-2147483648", &i32), 0);
        assert_int_equal(i32, INT32_MIN);
        assert_int_equal(str_parse_i32("2147483648", &i32), -ERANGE);
        static const char *const bad[] = {"", " 1", "1 ", "+1", "0x1", "1a", "-1"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(str_parse_u32(bad[i], &u32), -EINVAL);
        assert_int_equal(u32, 1);
}

static void sizes_have_suffixes(void **state)
{
        static const struct {
                const char *text;
                uint64_t bytes;
        } good[] = {{"0", 0},
                    {"512", 512},
                    {"4K", 4096},
                    {"1.5G", 1610612736},
                    {"1G 512M", 1610612736},
                    {"2 T", 2ULL << 40},
                    {"100B", 100},
                    {"1P", 1ULL << 50},
                    {"15E", 15ULL << 60}};
        static const char *const bad[] = {"", "K", "1k", "1X", "1M 1G", "1G 1G", "-1", "1KK", "."};
        uint64_t v;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(str_parse_size(good[i].text, &v), 0);
                assert_int_equal(v, good[i].bytes);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(str_parse_size(bad[i], &v), -EINVAL);
        assert_int_equal(str_parse_size("16E", &v), -ERANGE);
}

static void booleans_are_words(void **state)
{
        assert_int_equal(str_parse_bool("yes"), 1);
        assert_int_equal(str_parse_bool("On"), 1);
        assert_int_equal(str_parse_bool("1"), 1);
        assert_int_equal(str_parse_bool("F"), 0);
        assert_int_equal(str_parse_bool("off"), 0);
        assert_int_equal(str_parse_bool("maybe"), -EINVAL);
        assert_int_equal(str_parse_bool(""), -EINVAL);
        assert_int_equal(str_parse_bool(NULL), -EINVAL);
}

static void time_spans_as_systemd_reads_them(void **state)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {{"90", 90000000},       {"1min 30s", 90000000}, {"500ms", 500000},
                    {"0.5", 500000},        {"2h", 7200000000},     {"5us", 5},
                    {"5\u00b5s", 5},        {"1d1h", 90000000000},  {"infinity", USEC_INFINITY},
                    {"3 seconds", 3000000}, {"1M", 2629800000000}};
        static const char *const bad[] = {"", "s", "1x", "1 2x", "-1"};
        uint64_t v;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(str_parse_seconds(good[i].text, &v), 0);
                assert_int_equal(v, good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(str_parse_seconds(bad[i], &v), -EINVAL);
        assert_int_equal(str_parse_seconds("99999999999999999999s", &v), -ERANGE);
}

static void hexadecimal_of_exactly_that_length(void **state)
{
        assert_true(str_is_hex("00fFaB", 6));
        assert_false(str_is_hex("00ff", 6));
        assert_false(str_is_hex("00ffaab", 6));
        assert_false(str_is_hex("00fg00", 6));
}

static void utf8_is_decoded_strictly(void **state)
{
        uint32_t c;

        assert_int_equal(str_utf8_decode("\xe2\x82\xac", &c), 3);
        assert_int_equal(c, 0x20ac);
        assert_int_equal(str_utf8_decode("\xf0\x9f\x9a\xa2", &c), 4);
        assert_int_equal(c, 0x1f6a2);
        static const char *const bad[] = {"",     "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                          "\xc3", "\xff"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(str_utf8_decode(bad[i], &c), 0);
}

static void columns_are_characters_that_do_not_combine(void **state)
{
        assert_int_equal(str_utf8_columns("berth"), 5);
        assert_int_equal(str_utf8_columns("\xc3\xa4"), 1);
        assert_int_equal(str_utf8_columns("a\xcc\x88"), 1);
        assert_int_equal(str_utf8_columns("\xff\xfe"), 2);
}

static void bytes_for_humans(void **state)
{
        char b[32];

        assert_string_equal(str_format_bytes(b, sizeof(b), 0), "0B");
        assert_string_equal(str_format_bytes(b, sizeof(b), 1023), "1023B");
        assert_string_equal(str_format_bytes(b, sizeof(b), 1024), "1K");
        assert_string_equal(str_format_bytes(b, sizeof(b), 1288490189), "1.2G");
        assert_string_equal(str_format_bytes(b, sizeof(b), UINT64_MAX), "15.9E");
}

static void durations_for_humans(void **state)
{
        char b[32];

        assert_string_equal(str_format_duration(b, sizeof(b), 182 * USEC_PER_SEC), "3min 2s");
        assert_string_equal(str_format_duration(b, sizeof(b), 7200 * USEC_PER_SEC), "2h");
        assert_string_equal(str_format_duration(b, sizeof(b), 350000), "350ms");
        assert_string_equal(str_format_duration(b, sizeof(b), 7), "7us");
        assert_string_equal(str_format_duration(b, sizeof(b), 0), "0");
        assert_string_equal(str_format_duration(b, sizeof(b), USEC_INFINITY), "infinity");
}

static void times_for_humans(void **state)
{
        char b[32];

        setenv("TZ", "UTC", 1);
        assert_string_equal(str_format_time(b, sizeof(b), 1795334400ULL * USEC_PER_SEC), "2026-11-22 08:00:00");
        assert_string_equal(str_format_time(b, sizeof(b), USEC_INFINITY), "-");
}

static void edit_distance_counts_changes(void **state)
{
        char endless[300];
        memset(endless, 'x', sizeof(endless) - 1);
        endless[sizeof(endless) - 1] = '\0';

        assert_int_equal(str_edit_distance("create", "create"), 0);
        assert_int_equal(str_edit_distance("creat", "create"), 1);
        assert_int_equal(str_edit_distance("kitten", "sitting"), 3);
        assert_int_equal(str_edit_distance("", "list"), 4);
        assert_true(str_edit_distance(endless, "x") == SIZE_MAX);
        assert_true(str_edit_distance("x", endless) == SIZE_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(prefixes_and_suffixes),
                        cmocka_unit_test(stripping_takes_blanks_from_both_ends),
                        cmocka_unit_test(numbers_are_whole_and_in_range),
                        cmocka_unit_test(sizes_have_suffixes),
                        cmocka_unit_test(booleans_are_words),
                        cmocka_unit_test(time_spans_as_systemd_reads_them),
                        cmocka_unit_test(hexadecimal_of_exactly_that_length),
                        cmocka_unit_test(utf8_is_decoded_strictly),
                        cmocka_unit_test(columns_are_characters_that_do_not_combine),
                        cmocka_unit_test(bytes_for_humans),
                        cmocka_unit_test(durations_for_humans),
                        cmocka_unit_test(times_for_humans),
                        cmocka_unit_test(edit_distance_counts_changes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
