/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/net.h"

typedef struct Answer {
        _Alignas(4) char data[512];
        size_t n;
} Answer;

static struct nlmsghdr *begin(Answer *a, uint16_t type, const void *body, size_t size)
{
        struct nlmsghdr *h = (void *)(a->data + a->n);

        *h = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(size), .nlmsg_type = type};
        memcpy(NLMSG_DATA(h), body, size);
        a->n += NLMSG_SPACE(size);
        return h;
}

static void attribute(Answer *a, struct nlmsghdr *h, uint16_t type, const void *value, uint16_t size)
{
        struct rtattr *r = (void *)(a->data + a->n);

        r->rta_type = type;
        r->rta_len = (uint16_t)RTA_LENGTH(size);
        memcpy(RTA_DATA(r), value, size);
        a->n += RTA_SPACE(size);
        h->nlmsg_len += (uint32_t)RTA_SPACE(size);
}

static void the_local_address_of_a_peer_to_peer_link_counts(void **state)
{
        const uint8_t local[] = {10, 0, 0, 1}, peer[] = {10, 0, 0, 2};
        const struct ifaddrmsg m = {.ifa_family = AF_INET, .ifa_prefixlen = 30, .ifa_scope = RT_SCOPE_UNIVERSE, .ifa_index = 2};
        char text[NET_ADDRESS_TEXT_MAX];
        NetAddresses list = {0};
        Answer a = {0};

        struct nlmsghdr *h = begin(&a, RTM_NEWADDR, &m, sizeof(m));
        attribute(&a, h, IFA_ADDRESS, peer, sizeof(peer));
        attribute(&a, h, IFA_LOCAL, local, sizeof(local));
        assert_int_equal(net_parse_addresses(a.data, a.n, &list), 0);
        assert_int_equal(list.n, 1);
        assert_string_equal(net_address_text(&list.items[0], text), "10.0.0.1");
        assert_int_equal(list.items[0].prefix, 30);
        assert_int_equal(list.items[0].index, 2);
        free(list.items);
}

static void ipv6_is_told_in_its_short_form(void **state)
{
        const struct ifaddrmsg m = {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_scope = RT_SCOPE_LINK};
        uint8_t bytes[16];
        char text[NET_ADDRESS_TEXT_MAX];
        NetAddresses list = {0};
        Answer a = {0};

        inet_pton(AF_INET6, "fe80::1", bytes);
        struct nlmsghdr *h = begin(&a, RTM_NEWADDR, &m, sizeof(m));
        attribute(&a, h, IFA_ADDRESS, bytes, sizeof(bytes));
        assert_int_equal(net_parse_addresses(a.data, a.n, &list), 0);
        assert_int_equal(list.n, 1);
        assert_string_equal(net_address_text(&list.items[0], text), "fe80::1");
        assert_int_equal(list.items[0].scope, RT_SCOPE_LINK);
        free(list.items);
}

static void the_end_of_the_dump_is_seen(void **state)
{
        const int zero = 0;
        NetAddresses list = {0};
        Answer a = {0};

        begin(&a, NLMSG_DONE, &zero, sizeof(zero));
        assert_int_equal(net_parse_addresses(a.data, a.n, &list), 1);
        assert_int_equal(list.n, 0);
}

static void the_kernels_refusal_is_passed_on(void **state)
{
        const struct nlmsgerr refusal = {.error = -EPERM};
        NetAddresses list = {0};
        Answer a = {0};

        begin(&a, NLMSG_ERROR, &refusal, sizeof(refusal));
        assert_int_equal(net_parse_addresses(a.data, a.n, &list), -EPERM);
}

static void an_address_of_the_wrong_size_is_not_taken(void **state)
{
        const struct ifaddrmsg m = {.ifa_family = AF_INET};
        const uint8_t bytes[16] = {1, 2, 3, 4, 5};
        NetAddresses list = {0};
        char text[NET_ADDRESS_TEXT_MAX];
        Answer a = {0};

        struct nlmsghdr *h = begin(&a, RTM_NEWADDR, &m, sizeof(m));
        attribute(&a, h, IFA_LOCAL, bytes, sizeof(bytes));
        assert_int_equal(net_parse_addresses(a.data, a.n, &list), 0);
        assert_string_equal(net_address_text(&list.items[0], text), "0.0.0.0");
        free(list.items);
}

static void what_is_no_namespace_is_refused(void **state)
{
        NetAddress *list = NULL;
        size_t n = 0;
        Error e = {0};
        _cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_int_equal(net_addresses(null, &list, &n, &e), -EINVAL);
        assert_non_null(strstr(e.message, "network namespace"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_local_address_of_a_peer_to_peer_link_counts),
                        cmocka_unit_test(ipv6_is_told_in_its_short_form),
                        cmocka_unit_test(the_end_of_the_dump_is_seen),
                        cmocka_unit_test(the_kernels_refusal_is_passed_on),
                        cmocka_unit_test(an_address_of_the_wrong_size_is_not_taken),
                        cmocka_unit_test(what_is_no_namespace_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
