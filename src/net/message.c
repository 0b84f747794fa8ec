/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"

#define ANSWER_MAX 32768

static struct nlmsghdr *header(NetMessage *m)
{
        return (void *)m->data;
}

static void append(NetMessage *m, const void *data, size_t size)
{
        assert(m->len + NLA_ALIGN(size) <= sizeof(m->data)); /* all that is sent is of bounded size */
        memset(m->data + m->len, 0, NLA_ALIGN(size));
        if (size > 0)
                memcpy(m->data + m->len, data, size);
        m->len += NLA_ALIGN(size);
        header(m)->nlmsg_len = (uint32_t)m->len;
}

void net_begin(NetMessage *m, uint16_t type, uint16_t flags, const void *body, size_t size)
{
        m->len = NLMSG_HDRLEN;
        *header(m) = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};
        append(m, body, size);
}

void net_put(NetMessage *m, uint16_t attribute, const void *value, size_t size)
{
        const struct nlattr a = {.nla_type = attribute, .nla_len = (uint16_t)(NLA_HDRLEN + size)};

        append(m, &a, sizeof(a));
        append(m, value, size);
}

void net_put_u32(NetMessage *m, uint16_t attribute, uint32_t value)
{
        net_put(m, attribute, &value, sizeof(value));
}

void net_put_be32(NetMessage *m, uint16_t attribute, uint32_t value)
{
        net_put_u32(m, attribute, htonl(value));
}

void net_put_str(NetMessage *m, uint16_t attribute, const char *value)
{
        net_put(m, attribute, value, strlen(value) + 1);
}

size_t net_nest(NetMessage *m, uint16_t attribute)
{
        size_t at = m->len;

        net_put(m, attribute | NLA_F_NESTED, NULL, 0);
        return at;
}

void net_nest_end(NetMessage *m, size_t nest)
{
        struct nlattr *a = (void *)(m->data + nest);

        a->nla_len = (uint16_t)(m->len - nest);
}

/* 1: over, 0: more follows, -errno: what the kernel says, or that it does not speak netlink. */
static int read_answer(const void *data, size_t n, uint32_t sequence, NetTake take, void *ctx)
{
        size_t left = n;

        for (const struct nlmsghdr *h = data; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                if (h->nlmsg_seq != sequence)
                        continue; /* of an earlier one that was given up */
                if (h->nlmsg_type == NLMSG_DONE)
                        return 1;
                if (h->nlmsg_type == NLMSG_ERROR) {
                        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
                                return -EBADMSG;
                        return ((const struct nlmsgerr *)NLMSG_DATA(h))->error ?: 1;
                }
                if (take)
                        take(ctx, h);
        }
        return 0;
}

int net_talk(int fd, NetMessage *m, NetTake take, void *ctx)
{
        static uint32_t last_sequence; /* only to tell answers apart */
        struct nlmsghdr *h = header(m);
        _cleanup_free_ char *answer = NULL;
        ssize_t n;

        h->nlmsg_seq = ++last_sequence;
        if (!(h->nlmsg_flags & NLM_F_DUMP) || (h->nlmsg_flags & NLM_F_CREATE))
                h->nlmsg_flags |= NLM_F_ACK;
        do
                n = send(fd, m->data, m->len, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        answer = xmalloc(ANSWER_MAX);
        for (;;) {
                n = recv(fd, answer, ANSWER_MAX, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                int r = read_answer(answer, (size_t)n, h->nlmsg_seq, take, ctx);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}

static const struct nlattr *find(const char *p, size_t left, uint16_t type)
{
        while (left >= sizeof(struct nlattr)) {
                const struct nlattr *a = (const void *)p;
                size_t whole = NLA_ALIGN(a->nla_len);
                if (a->nla_len < sizeof(*a) || a->nla_len > left)
                        return NULL;
                if ((a->nla_type & NLA_TYPE_MASK) == type)
                        return a;
                if (whole >= left)
                        return NULL;
                p += whole;
                left -= whole;
        }
        return NULL;
}

const struct nlattr *net_attribute(const struct nlmsghdr *h, size_t size, uint16_t type)
{
        size_t begin = NLMSG_SPACE(size);

        return h->nlmsg_len <= begin ? NULL : find((const char *)h + begin, h->nlmsg_len - begin, type);
}

const struct nlattr *net_attribute_in(const struct nlattr *outer, uint16_t type)
{
        return find(net_attribute_data(outer), net_attribute_size(outer), type);
}

const void *net_attribute_data(const struct nlattr *a)
{
        return (const char *)a + NLA_HDRLEN;
}

size_t net_attribute_size(const struct nlattr *a)
{
        return a->nla_len - (size_t)NLA_HDRLEN;
}

int net_open(int protocol, Error *e)
{
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

        return fd < 0 ? error_sys(e, -errno, "cannot open a netlink socket") : fd;
}
