/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"

#define ANSWER_MAX 16384

static void begin(NetMessage *m, uint16_t type, uint16_t flags)
{
        const struct nfgenmsg body = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

        net_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &body, sizeof(body));
}

static void add(NftBatch *b, NetMessage *m)
{
        ((struct nlmsghdr *)(void *)m->data)->nlmsg_seq = ++b->sequence;
        buf_append(&b->bytes, m->data, m->len);
}

static void add_mark(NftBatch *b, uint16_t type)
{
        const struct nfgenmsg body = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
        NetMessage m;

        net_begin(&m, type, 0, &body, sizeof(body));
        add(b, &m);
}

void nft_begin(NftBatch *b)
{
        *b = (NftBatch){};
        add_mark(b, NFNL_MSG_BATCH_BEGIN);
}

/* The answer to the last change ends it; a refused one is told before. */
static int wait_for(int fd, uint32_t last)
{
        _cleanup_free_ char *answer = xmalloc(ANSWER_MAX);
        int result = 0;

        for (;;) {
                ssize_t n = recv(fd, answer, ANSWER_MAX, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                size_t left = (size_t)n;
                for (const struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
                                continue;
                        const struct nlmsgerr *err = NLMSG_DATA(h);
                        result = result ?: err->error;
                        if (result < 0 || h->nlmsg_seq == last)
                                return result;
                }
        }
}

int nft_commit(NftBatch *b, int fd)
{
        const uint32_t last = b->sequence;
        size_t at = 0;

        for (size_t next = 0; next < b->bytes.len;
             next += NLMSG_ALIGN(((struct nlmsghdr *)(void *)(b->bytes.data + next))->nlmsg_len))
                at = next;
        ((struct nlmsghdr *)(void *)(b->bytes.data + at))->nlmsg_flags |= NLM_F_ACK;
        add_mark(b, NFNL_MSG_BATCH_END);

        ssize_t n;
        do
                n = send(fd, b->bytes.data, b->bytes.len, 0);
        while (n < 0 && errno == EINTR);
        int r = n < 0 ? -errno : wait_for(fd, last);
        buf_done(&b->bytes);
        return r;
}

static void table_message(NftBatch *b, uint16_t type, uint16_t flags, const char *table)
{
        NetMessage m;

        begin(&m, type, flags);
        net_put_str(&m, NFTA_TABLE_NAME, table);
        add(b, &m);
}

void nft_table_delete(NftBatch *b, const char *table)
{
        table_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, table); /* so that it is there */
        table_message(b, NFT_MSG_DELTABLE, 0, table);
}

void nft_table_fresh(NftBatch *b, const char *table)
{
        nft_table_delete(b, table);
        table_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
}

void nft_nat_chain(NftBatch *b, const char *table, const char *chain, int hook, int priority)
{
        NetMessage m;

        begin(&m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
        net_put_str(&m, NFTA_CHAIN_TABLE, table);
        net_put_str(&m, NFTA_CHAIN_NAME, chain);
        net_put_str(&m, NFTA_CHAIN_TYPE, "nat");
        size_t nest = net_nest(&m, NFTA_CHAIN_HOOK);
        net_put_be32(&m, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
        net_put_be32(&m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
        net_nest_end(&m, nest);
        add(b, &m);
}

/* ---- rules ---- */

void nft_rule_begin(NftRule *r, const char *table, const char *chain)
{
        begin(&r->m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
        net_put_str(&r->m, NFTA_RULE_TABLE, table);
        net_put_str(&r->m, NFTA_RULE_CHAIN, chain);
        r->list = net_nest(&r->m, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(NftRule *r, NftBatch *b)
{
        net_nest_end(&r->m, r->list);
        add(b, &r->m);
}

typedef struct Expression {
        size_t element, data;
} Expression;

static Expression expression(NftRule *r, const char *name)
{
        Expression x = {.element = net_nest(&r->m, NFTA_LIST_ELEM)};

        net_put_str(&r->m, NFTA_EXPR_NAME, name);
        x.data = net_nest(&r->m, NFTA_EXPR_DATA);
        return x;
}

static void expression_end(NftRule *r, Expression x)
{
        net_nest_end(&r->m, x.data);
        net_nest_end(&r->m, x.element);
}

static void put_value(NftRule *r, uint16_t attribute, const void *value, size_t size)
{
        size_t nest = net_nest(&r->m, attribute);

        net_put(&r->m, NFTA_DATA_VALUE, value, size);
        net_nest_end(&r->m, nest);
}

static void compare(NftRule *r, bool equal, const void *value, size_t size)
{
        Expression x = expression(r, "cmp");

        net_put_be32(&r->m, NFTA_CMP_SREG, NFT_REG_1);
        net_put_be32(&r->m, NFTA_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
        put_value(r, NFTA_CMP_DATA, value, size);
        expression_end(r, x);
}

static void mask(NftRule *r, const void *bits, size_t size)
{
        static const uint8_t zeros[16];
        Expression x = expression(r, "bitwise");

        net_put_be32(&r->m, NFTA_BITWISE_SREG, NFT_REG_1);
        net_put_be32(&r->m, NFTA_BITWISE_DREG, NFT_REG_1);
        net_put_be32(&r->m, NFTA_BITWISE_LEN, (uint32_t)size);
        put_value(r, NFTA_BITWISE_MASK, bits, size);
        put_value(r, NFTA_BITWISE_XOR, zeros, size);
        expression_end(r, x);
}

static void load_payload(NftRule *r, uint32_t base, uint32_t offset, uint32_t size)
{
        Expression x = expression(r, "payload");

        net_put_be32(&r->m, NFTA_PAYLOAD_DREG, NFT_REG_1);
        net_put_be32(&r->m, NFTA_PAYLOAD_BASE, base);
        net_put_be32(&r->m, NFTA_PAYLOAD_OFFSET, offset);
        net_put_be32(&r->m, NFTA_PAYLOAD_LEN, size);
        expression_end(r, x);
}

static void load_meta(NftRule *r, uint32_t key)
{
        Expression x = expression(r, "meta");

        net_put_be32(&r->m, NFTA_META_KEY, key);
        net_put_be32(&r->m, NFTA_META_DREG, NFT_REG_1);
        expression_end(r, x);
}

void nft_match_local(NftRule *r)
{
        const uint32_t local = RTN_LOCAL;
        Expression x = expression(r, "fib");

        net_put_be32(&r->m, NFTA_FIB_DREG, NFT_REG_1);
        net_put_be32(&r->m, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        net_put_be32(&r->m, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
        expression_end(r, x);
        compare(r, true, &local, sizeof(local));
}

void nft_match_family(NftRule *r, int family)
{
        const uint8_t number = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

        load_meta(r, NFT_META_NFPROTO);
        compare(r, true, &number, sizeof(number));
}

void nft_match_protocol(NftRule *r, uint8_t protocol)
{
        load_meta(r, NFT_META_L4PROTO);
        compare(r, true, &protocol, sizeof(protocol));
}

void nft_match_port(NftRule *r, uint16_t port)
{
        const uint16_t number = htons(port);

        load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(number)); /* of the destination, in TCP and in UDP */
        compare(r, true, &number, sizeof(number));
}

void nft_match_address(NftRule *r, NftSide side, int family, const uint8_t *address, uint8_t prefix, bool equal)
{
        const uint32_t size = family == AF_INET ? 4 : 16, first = family == AF_INET ? 12 : 8; /* of the source, in the header */
        uint8_t bits[16] = {}, network[16] = {};

        for (unsigned i = 0; i < size; i++) {
                bits[i] = (uint8_t)(prefix >= 8 * (i + 1) ? 0xff : prefix <= 8 * i ? 0 : 0xff00U >> (prefix - 8 * i));
                network[i] = address[i] & bits[i];
        }
        load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, side == NFT_SOURCE ? first : first + size, size);
        if (prefix < 8 * size)
                mask(r, bits, size);
        compare(r, equal, network, size);
}

void nft_match_translated(NftRule *r)
{
        const uint32_t bit = IPS_DST_NAT, none = 0;
        Expression x = expression(r, "ct");

        net_put_be32(&r->m, NFTA_CT_KEY, NFT_CT_STATUS);
        net_put_be32(&r->m, NFTA_CT_DREG, NFT_REG_1);
        expression_end(r, x);
        mask(r, &bit, sizeof(bit));
        compare(r, false, &none, sizeof(none));
}

static void load_value(NftRule *r, uint32_t reg, const void *value, size_t size)
{
        Expression x = expression(r, "immediate");

        net_put_be32(&r->m, NFTA_IMMEDIATE_DREG, reg);
        put_value(r, NFTA_IMMEDIATE_DATA, value, size);
        expression_end(r, x);
}

void nft_dnat(NftRule *r, int family, const uint8_t *address, uint16_t port)
{
        const uint16_t number = htons(port);

        load_value(r, NFT_REG_1, address, family == AF_INET ? 4 : 16);
        load_value(r, NFT_REG_2, &number, sizeof(number));
        Expression x = expression(r, "nat");
        net_put_be32(&r->m, NFTA_NAT_TYPE, NFT_NAT_DNAT);
        net_put_be32(&r->m, NFTA_NAT_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
        net_put_be32(&r->m, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
        net_put_be32(&r->m, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
        expression_end(r, x);
}

void nft_masquerade(NftRule *r)
{
        expression_end(r, expression(r, "masq"));
}

bool nft_exists(void)
{
        _cleanup_close_ int fd = net_open(NETLINK_NETFILTER, NULL);
        NetMessage m;

        if (fd < 0)
                return false;
        begin(&m, NFT_MSG_GETGEN, 0);
        return net_talk(fd, &m, NULL, NULL) >= 0;
}
