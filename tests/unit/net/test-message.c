/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/message.h"
#include "net/net.h"

static const struct ifinfomsg body = {.ifi_index = 7};

static void what_is_put_in_is_found_again(void **state)
{
        NetMessage m;

        net_begin(&m, RTM_NEWLINK, NLM_F_CREATE, &body, sizeof(body));
        net_put_str(&m, IFLA_IFNAME, "ve-web");
        size_t nest = net_nest(&m, IFLA_LINKINFO);
        net_put_str(&m, IFLA_INFO_KIND, "veth");
        net_nest_end(&m, nest);
        net_put_u32(&m, IFLA_MTU, 1400);

        const struct nlmsghdr *h = (void *)m.data;
        assert_int_equal(h->nlmsg_len, m.len);
        assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
        assert_int_equal(m.len % 4, 0);
        assert_string_equal(net_attribute_data(net_attribute(h, sizeof(body), IFLA_IFNAME)), "ve-web");
        const struct nlattr *info = net_attribute(h, sizeof(body), IFLA_LINKINFO),
                            *mtu = net_attribute(h, sizeof(body), IFLA_MTU);
        assert_string_equal(net_attribute_data(net_attribute_in(info, IFLA_INFO_KIND)), "veth");
        assert_int_equal(*(const uint32_t *)net_attribute_data(mtu), 1400);
        assert_null(net_attribute(h, sizeof(body), IFLA_MASTER));
}

static void an_attribute_that_claims_too_much_is_not_followed(void **state)
{
        NetMessage m;

        net_begin(&m, RTM_NEWLINK, 0, &body, sizeof(body));
        size_t at = m.len;
        net_put_u32(&m, IFLA_MTU, 1);
        ((struct nlattr *)(void *)(m.data + at))->nla_len = 4096;
        assert_null(net_attribute((void *)m.data, sizeof(body), IFLA_MTU));
        ((struct nlattr *)(void *)(m.data + at))->nla_len = 0;
        assert_null(net_attribute((void *)m.data, sizeof(body), IFLA_MASTER));
}

static void numbers_for_the_packet_filter_are_in_network_order(void **state)
{
        static const char expected[] = {1, 2, 3, 4};
        NetMessage m;

        net_begin(&m, 0, 0, &body, sizeof(body));
        net_put_be32(&m, 1, 0x01020304);
        assert_memory_equal(net_attribute_data(net_attribute((void *)m.data, sizeof(body), 1)), expected, 4);
}

/* ---- what a plan leaves to be undone ---- */

static void a_plan_tells_what_it_will_leave(void **state)
{
        PlanOp ops[] = {
                        {.type = OP_NET_ZONE, .phase = PHASE_NETWORK, .text = (char *)"vz-lan"},
                        {.type = OP_NET_VETH, .phase = PHASE_NETWORK, .text = (char *)"vb-web", .source = (char *)"host0"},
                        {.type = OP_NET_MOVE, .phase = PHASE_NETWORK, .text = (char *)"eth1", .source = (char *)"lan0"},
                        {.type = OP_NET_MASQUERADE, .phase = PHASE_NETWORK, .path = (char *)"berth_zone_lan"},
                        {.type = OP_NET_PORT, .phase = PHASE_NETWORK, .text = (char *)"vz-lan"},
                        {.type = OP_NET_PORT, .phase = PHASE_NETWORK, .text = (char *)"vz-lan"},
        };
        const MachinePlan plan = {.items = ops, .n = ELEMENTSOF(ops), .name = (char *)"web"};
        NetUndo u;

        net_undo_of(&plan, &u);
        assert_string_equal(u.zone, "vz-lan");
        assert_string_equal(u.links[0], "vb-web");
        assert_null(u.links[1]);
        assert_string_equal(u.moved[0], "lan0 eth1");
        assert_string_equal(u.tables[0], "berth_ports_web"); /* the zone's own goes with the zone */
        assert_null(u.tables[1]);
        net_undo_done(&u);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(what_is_put_in_is_found_again),
                        cmocka_unit_test(an_attribute_that_claims_too_much_is_not_followed),
                        cmocka_unit_test(numbers_for_the_packet_filter_are_in_network_order),
                        cmocka_unit_test(a_plan_tells_what_it_will_leave),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
