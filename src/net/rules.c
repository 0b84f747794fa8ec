/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "net/nft.h"

/* NF_IP_PRI_NAT_DST and _SRC of linux/netfilter_ipv4.h */
#define PRIORITY_DNAT (-100)
#define PRIORITY_SNAT 100

static int commit(NftBatch *b)
{
        _cleanup_close_ int fd = net_open(NETLINK_NETFILTER, NULL);

        if (fd < 0) {
                buf_done(&b->bytes);
                return fd;
        }
        return nft_commit(b, fd);
}

int net_rules_masquerade(const char *table, const SpecAddresses *networks)
{
        NftBatch b;

        nft_begin(&b);
        nft_table_fresh(&b, table);
        nft_nat_chain(&b, table, "postrouting", NF_INET_POST_ROUTING, PRIORITY_SNAT);
        for (size_t i = 0; i < networks->n; i++) {
                const SpecAddress *a = &networks->items[i];
                NftRule r;
                nft_rule_begin(&r, table, "postrouting");
                nft_match_family(&r, a->family);
                nft_match_address(&r, NFT_SOURCE, a->family, a->bytes, a->prefix, true);
                nft_match_address(&r, NFT_DESTINATION, a->family, a->bytes, a->prefix, false);
                nft_masquerade(&r);
                nft_rule_end(&r, &b);
        }
        return commit(&b);
}

static void add_port(NftBatch *b, const char *table, const char *chain, const NetPort *p, const NetAddress *to)
{
        static const uint8_t loopback[4] = {127}, loopback6[16] = {[15] = 1};
        const bool ipv4 = to->family == AF_INET;
        NftRule r;

        nft_rule_begin(&r, table, chain);
        nft_match_family(&r, to->family);
        nft_match_local(&r);
        /* What came for ::1 never leaves the host, and 127.0.0.1 only where its neighbours may then reach the services that listen
         * there alone (net.ipv4.conf.*.route_localnet): a relay answers on both. */
        nft_match_address(&r, NFT_DESTINATION, to->family, ipv4 ? loopback : loopback6, ipv4 ? 8 : 128, false);
        nft_match_protocol(&r, p->protocol);
        nft_match_port(&r, p->host);
        nft_dnat(&r, to->family, to->bytes, p->inside);
        nft_rule_end(&r, b);
}

/* The answers must come back to where the address was changed, and not go straight to a neighbour of the machine that asked the host. */
static void add_return(NftBatch *b, const char *table, const NetAddress *to)
{
        const uint8_t all = to->family == AF_INET ? 32 : 128;
        NftRule r;

        nft_rule_begin(&r, table, "postrouting");
        nft_match_family(&r, to->family);
        nft_match_address(&r, NFT_SOURCE, to->family, to->bytes, to->prefix, true);
        nft_match_address(&r, NFT_DESTINATION, to->family, to->bytes, all, true);
        nft_match_translated(&r);
        nft_masquerade(&r);
        nft_rule_end(&r, b);
}

static void add_target(NftBatch *b, const char *table, const NetPort *ports, size_t n, const NetAddress *to)
{
        if (to->family == 0)
                return;
        for (size_t i = 0; i < n; i++) {
                add_port(b, table, "prerouting", &ports[i], to);
                add_port(b, table, "output", &ports[i], to);
        }
        add_return(b, table, to);
}

int net_rules_ports(const char *table, const NetPort *ports, size_t n, const NetTargets *targets)
{
        NftBatch b;

        nft_begin(&b);
        nft_table_fresh(&b, table);
        nft_nat_chain(&b, table, "prerouting", NF_INET_PRE_ROUTING, PRIORITY_DNAT);
        nft_nat_chain(&b, table, "output", NF_INET_LOCAL_OUT, PRIORITY_DNAT);
        nft_nat_chain(&b, table, "postrouting", NF_INET_POST_ROUTING, PRIORITY_SNAT);
        add_target(&b, table, ports, n, &targets->ipv4);
        add_target(&b, table, ports, n, &targets->ipv6);
        return commit(&b);
}

int net_rules_delete(const char *table)
{
        NftBatch b;

        nft_begin(&b);
        nft_table_delete(&b, table);
        int r = commit(&b);
        return r == -ENOENT ? 0 : r;
}

/* ---- sysctls: /proc/sys/net shows those of the network namespace of whoever looks ---- */

#define SYSCTL "/proc/sys/net/"

static bool is_on(const char *path)
{
        _cleanup_free_ char *text = NULL;

        return file_read_at(AT_FDCWD, path, 64, &text, NULL) >= 0 && !str_eq(str_strip(text), "0");
}

/* A router takes no router's word (accept_ra=1 stops working), but the host's own addresses came by it: 2 means "all the same". */
static void keep_router_advertisements(void)
{
        _cleanup_closedir_ DIR *d = opendir(SYSCTL "ipv6/conf");

        for (struct dirent *entry; d && (entry = readdir(d));) {
                _cleanup_free_ char *path = xasprintf("%s/accept_ra", entry->d_name), *text = NULL;
                if (*entry->d_name != '.' && file_read_at(dirfd(d), path, 64, &text, NULL) >= 0 && str_eq(str_strip(text), "1"))
                        (void)file_write_at(dirfd(d), path, "2", 0);
        }
}

int net_forwarding_enable(void)
{
        int r = is_on(SYSCTL "ipv4/ip_forward") ? 0 : file_write_at(AT_FDCWD, SYSCTL "ipv4/ip_forward", "1", 0);

        if (r < 0 || access(SYSCTL "ipv6/conf/all/forwarding", F_OK) < 0 || is_on(SYSCTL "ipv6/conf/all/forwarding"))
                return r;
        keep_router_advertisements();
        return file_write_at(AT_FDCWD, SYSCTL "ipv6/conf/all/forwarding", "1", 0);
}
