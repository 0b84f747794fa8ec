/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/plan/build.h"

#include <stdio.h>

#include "base/alloc.h"

/* The expected values were computed with another implementation of SipHash from the source of systemd 257;
 * tests/integration/net.bats compares with what an installed systemd-nspawn makes. */
#define HOST_ID "ffeeddccbbaa99887766554433221100"

static void each_end_of_each_link_has_its_own_address(void **state)
{
        static const struct {
                PlanMac kind;
                uint64_t index;
                const char *mac;
        } rows[] = {
                        {PLAN_MAC_HOST, 0, "b2:e3:c5:52:4e:e8"},          {PLAN_MAC_MACHINE, 0, "b6:2c:dc:e9:60:c9"},
                        {PLAN_MAC_EXTRA_HOST, 0, "1a:c6:eb:1c:5b:a2"},    {PLAN_MAC_EXTRA_HOST, 1, "d6:89:00:a1:cb:6e"},
                        {PLAN_MAC_EXTRA_MACHINE, 0, "f6:16:f1:6f:b4:e2"}, {PLAN_MAC_EXTRA_MACHINE, 1, "3a:b4:d8:7e:0f:dc"},
                        {PLAN_MAC_MACVLAN, 0, "5e:a5:21:93:59:83"},       {PLAN_MAC_MACVLAN, 1, "6a:77:86:9d:b7:f8"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint8_t m[6];
                char text[18];
                plan_link_mac(rows[i].kind, HOST_ID, "web", rows[i].index, m);
                snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
                assert_string_equal(text, rows[i].mac);
        }
}

static void a_host_without_an_id_leaves_addresses_to_the_kernel(void **state)
{
        static const uint8_t none[6];
        uint8_t mac[6] = {1};

        plan_link_mac(PLAN_MAC_HOST, NULL, "web", 0, mac);
        assert_memory_equal(mac, none, 6);
        plan_link_mac(PLAN_MAC_HOST, "uninitialized", "web", 0, mac);
        assert_memory_equal(mac, none, 6);
}

static void names_that_fit_stay(void **state)
{
        char name[PLAN_LINK_NAME_MAX];

        assert_false(plan_link_shorten("ve-fifteen-byte", name));
        assert_string_equal(name, "ve-fifteen-byte");
}

static void names_that_do_not_fit_end_in_their_hash(void **state)
{
        char name[PLAN_LINK_NAME_MAX];

        assert_true(plan_link_shorten("vb-sixteen-bytes", name));
        assert_string_equal(name, "vb-sixteen-Lnpy");
        assert_true(plan_link_shorten("ve-a-machine-with-a-long-name", name));
        assert_string_equal(name, "ve-a-machin6ak-");
}

/* ---- addresses that berth gives ---- */

static uint32_t address_of(const FactNetwork *taken, const char *machine)
{
        _cleanup_strv_ char **words = strv_split("directory lan", " ");
        _cleanup_(plan_done) MachinePlan p = {};
        _cleanup_spec_ MachineSpec s = {.zone = xstrdup("lan")};
        HostFacts f;
        Error e = {};

        spec_mark(&s, SPEC_FIELD_NETWORK_ZONE, "test");
        assert_true(preset_facts(&f, words));
        free(f.machine_name);
        f.machine_name = xstrdup(machine);
        f.network.taken = taken->taken;
        f.network.n_taken = taken->n_taken;
        int r = plan_build(&s, &f, &p, &e);
        f.network.taken = NULL;
        facts_done(&f);
        if (r < 0) {
                assert_string_equal(e.message, "zone 'lan' has no address left for another machine");
                return 0;
        }
        const uint8_t *b = find_op(&p, OP_NET_CONFIGURE)->addresses.items[0].bytes;
        return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void a_zone_has_room_for_253_machines_each_with_its_own_address(void **state)
{
        FactNetwork n = {.taken = xnew(FactTaken, 256)};

        for (unsigned i = 0; i < 253; i++) {
                _cleanup_free_ char *name = xasprintf("m%u", i);
                uint32_t address = address_of(&n, name);
                assert_int_equal(address >> 8, 0x0a818d); /* the zone's 10.129.141.0/24 */
                assert_in_range(address & 0xff, 2, 254);
                for (size_t k = 0; k < n.n_taken; k++)
                        assert_int_not_equal(address, n.taken[k].address);
                n.taken[n.n_taken++] = (FactTaken){.address = address, .interface = "vz-lan"};
        }
        assert_int_equal(address_of(&n, "one-more"), 0);
        free(n.taken);
}

static void a_machine_comes_back_to_its_address(void **state)
{
        const FactNetwork n = {};

        assert_int_equal(address_of(&n, "web"), address_of(&n, "web"));
        assert_int_not_equal(address_of(&n, "web"), address_of(&n, "db"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(each_end_of_each_link_has_its_own_address),
                        cmocka_unit_test(a_host_without_an_id_leaves_addresses_to_the_kernel),
                        cmocka_unit_test(names_that_fit_stay),
                        cmocka_unit_test(names_that_do_not_fit_end_in_their_hash),
                        cmocka_unit_test(a_zone_has_room_for_253_machines_each_with_its_own_address),
                        cmocka_unit_test(a_machine_comes_back_to_its_address),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
