/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "machine/run-lan.h"

static LanFile sample(void)
{
        LanFile f = {.lan = {.name = xstrdup("lan0"), .uplink = xstrdup("eth0"), .take_over = true, .vlans = xstrdup("10,20-29")},
                     .mac = xstrdup("02:00:00:00:00:01"),
                     .networkd = true,
                     .half = LAN_RAISING,
                     .boot_id = xstrdup("0123456789abcdef0123456789abcdef"),
                     .carry = xstrdup("00/ff")};

        strv_push(&f.lan.addresses, "192.0.2.1/24");
        strv_push(&f.lan.addresses, "2001:db8::1/64");
        return f;
}

static void what_is_written_is_read(void **state)
{
        LanFile f = sample(), back;
        _cleanup_free_ char *text = lan_file_text(&f), *again = NULL, *copy = xstrdup(text);

        assert_int_equal(lan_file_parse(copy, "lan0", &back), 0);
        again = lan_file_text(&back);
        assert_string_equal(again, text);
        assert_int_equal(strv_len(back.lan.addresses), 2);
        assert_int_equal(back.half, LAN_RAISING);
        assert_false(back.lan.dhcp);
        lan_file_done(&back);
        lan_file_done(&f);
}

static void what_is_not_whole_is_refused(void **state)
{
        static const char *const texts[] = {"", "NAME=lan1\nUPLINK=eth0\nSTATE=whole\n", "NAME=lan0\nSTATE=whole\n",
                                            "NAME=lan0\nUPLINK=eth0\n", "NAME=lan0\nUPLINK=eth0\nSTATE=else\n"};
        LanFile f;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_free_ char *text = xstrdup(texts[i]);
                assert_int_equal(lan_file_parse(text, "lan0", &f), -EBADMSG);
        }
}

static void networkd_gets_three_files(void **state)
{
        static const char *const names[] = {"10-berth-lan0.netdev", "10-berth-lan0.network", "10-berth-lan0-uplink.network"};
        static const char *const texts[] = {
                        "[NetDev]\nName=lan0\nKind=bridge\nMACAddress=02:00:00:00:00:01\n\n[Bridge]\nVLANFiltering=yes\n",
                        "[Match]\nName=lan0\n\n[Network]\nAddress=192.0.2.1/24\nAddress=2001:db8::1/64\nIPv6AcceptRA=no\n\n"
                        "[Address]\nAddress=192.0.2.9/24\n",
                        "[Match]\nName=eth0\n\n[Network]\nBridge=lan0\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\n[BridgeVLAN]\n"
                        "PVID=1\nEgressUntagged=1\n\n[BridgeVLAN]\nVLAN=10\n\n[BridgeVLAN]\nVLAN=20-29\n"};
        LanFile f = sample();

        for (LanNetworkd i = 0; i < _LAN_NETWORKD_MAX; i++) {
                _cleanup_free_ char *name = lan_networkd_name(&f, i),
                                    *text = lan_networkd_text(&f, i, "[Address]\nAddress=192.0.2.9/24\n");
                assert_string_equal(name, names[i]);
                assert_int_equal(*text, '#'); /* whose it is */
                assert_string_equal(strchr(text, '\n') + 1, texts[i]);
        }
        lan_file_done(&f);
}

static void nobody_has_an_address_unasked(void **state)
{
        LanFile f = {.lan = {.name = (char *)"mv0", .uplink = (char *)"eth0", .macvlan = true},
                     .uplink_file = (char *)"20-wired.network.d/berth-mv0.conf"};
        _cleanup_free_ char *network = lan_networkd_text(&f, LAN_NETWORK, NULL),
                            *uplink = lan_networkd_text(&f, LAN_UPLINK, NULL), *name = lan_networkd_name(&f, LAN_UPLINK);

        assert_string_equal(strchr(network, '\n') + 1,
                            "[Match]\nName=mv0\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\n"
                            "[Link]\nRequiredForOnline=no\n");
        assert_string_equal(name, "20-wired.network.d/berth-mv0.conf");
        assert_string_equal(strchr(uplink, '\n') + 1, "[Network]\nMACVLAN=mv0\n"); /* nothing else of the uplink changes */

        f.lan.macvlan = false;
        f.lan.take_over = f.lent_ipv4 = true;
        _cleanup_free_ char *lent = lan_networkd_text(&f, LAN_NETWORK, NULL);
        assert_non_null(strstr(lent, "\nDHCP=ipv4\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(what_is_written_is_read),
                        cmocka_unit_test(what_is_not_whole_is_refused),
                        cmocka_unit_test(networkd_gets_three_files),
                        cmocka_unit_test(nobody_has_an_address_unasked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
