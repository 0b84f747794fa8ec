/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/property.h"

static Property p;

static int parse(const char *setting)
{
        Error e = {};
        int r = property_parse(setting, "--property", &p, &e);
        assert_true(r >= 0 || strstr(e.message, "--property"));
        return r;
}

static void numbers_have_units(void **state)
{
        assert_int_equal(parse("MemoryMax=2G"), 0);
        assert_true(p.number == UINT64_C(2) << 30 && !p.scaled);
        assert_int_equal(parse("MemoryMax=infinity"), 0);
        assert_true(p.number == UINT64_MAX);
        assert_int_equal(parse("TasksMax=12.5%"), 0);
        assert_true(p.scaled && p.number == UINT32_MAX / 8);
        assert_int_equal(parse("CPUQuota=150%"), 0);
        assert_true(p.number == 1500000);
        assert_int_equal(parse("IOReadBandwidthMax=/dev/sda 5M"), 0);
        assert_true(p.number == 5000000);
        assert_string_equal(p.path, "/dev/sda");
        assert_int_equal(parse("RuntimeMaxSec=1min 30s"), 0);
        assert_true(p.number == 90000000);
        assert_int_equal(parse("KillSignal=SIGINT"), 0);
        assert_true(p.number == SIGINT);
}

static void wrong_values_are_refused(void **state)
{
        static const char *const wrong[] = {
                        "MemoryMax=",
                        "MemoryMax=lots",
                        "MemoryMax=101%",
                        "CPUQuota=50",
                        "CPUQuota=0%",
                        "CPUWeight=0",
                        "CPUWeight=10001",
                        "AllowedCPUs=",
                        "AllowedCPUs=3-1",
                        "AllowedCPUs=8192",
                        "TasksMax=-1",
                        "IPAddressAllow=10.0.0",
                        "IPAddressDeny=::1/129",
                        "DeviceAllow=null rw",
                        "DeviceAllow=/dev/null rx",
                        "KillSignal=SIGNO",
                        "SendSIGHUP=maybe",
                        "Description=",
                        "IOReadIOPSMax=/dev/sda",
                        "IOReadIOPSMax=sda 5",
                        "IOWriteBandwidthMax=/dev/sda 99999999999999T",
        };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
                assert_int_equal(parse(wrong[i]), -EINVAL);
        assert_int_equal(parse("MemoryMax"), -EINVAL);
        assert_int_equal(parse("Memory=1"), -EOPNOTSUPP);
        assert_int_equal(parse("memorymax=1"), -EOPNOTSUPP);
        assert_int_equal(parse("Delegate=no"), -EOPNOTSUPP); /* berth's own to say */
}

static void sets_are_bitmaps(void **state)
{
        assert_int_equal(parse("AllowedCPUs=0 2-3,17"), 0);
        assert_int_equal(p.n_bits, 18);
        assert_int_equal(p.bits[0], 0x0d);
        assert_int_equal(p.bits[1], 0);
        assert_int_equal(p.bits[2], 2);
}

static void addresses_and_their_words(void **state)
{
        PropertyAddress a[2];

        assert_int_equal(property_parse_address("any", a), 2);
        assert_true(a[0].family == AF_INET && a[0].prefix == 0 && a[1].family == AF_INET6 && a[1].prefix == 0);
        assert_int_equal(property_parse_address("192.168.7.0/24", a), 1);
        assert_true(a[0].family == AF_INET && a[0].prefix == 24 && a[0].bytes[2] == 7);
        assert_int_equal(property_parse_address("fe80::1", a), 1);
        assert_true(a[0].family == AF_INET6 && a[0].prefix == 128 && a[0].bytes[15] == 1);
        assert_true(property_parse_address("everywhere", a) < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(numbers_have_units),
                        cmocka_unit_test(wrong_values_are_refused),
                        cmocka_unit_test(sets_are_bitmaps),
                        cmocka_unit_test(addresses_and_their_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
