/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"

#define DATAGRAM_MAX 65536

static RelayAddress make_address(int family, const void *bytes, uint16_t port)
{
        RelayAddress a = {};

        if (family == AF_INET) {
                struct sockaddr_in *in = (void *)&a.s;
                *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
                memcpy(&in->sin_addr, bytes, sizeof(in->sin_addr));
                a.n = sizeof(*in);
        } else {
                struct sockaddr_in6 *in6 = (void *)&a.s;
                *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
                memcpy(&in6->sin6_addr, bytes, sizeof(in6->sin6_addr));
                a.n = sizeof(*in6);
        }
        return a;
}

static int socket_type(const NetPort *p)
{
        return p->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

int relay_listen(bool ipv6, const NetPort *p)
{
        static const uint8_t loopback[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
        const int family = ipv6 ? AF_INET6 : AF_INET, on = 1;
        const RelayAddress a = make_address(family, ipv6 ? loopback6 : loopback, p->host);
        _cleanup_close_ int fd = socket(family, socket_type(p) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (ipv6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        if (p->protocol == IPPROTO_TCP) /* connections that just ended are no hindrance */
                (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (const struct sockaddr *)&a.s, a.n) < 0)
                return errno == EADDRNOTAVAIL ? -EAFNOSUPPORT : -errno; /* no ::1 on "lo" */
        if (p->protocol == IPPROTO_TCP && listen(fd, 128) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The machine by the family it was asked by, else by the other one. */
static int connect_machine(bool ipv6, const NetPort *p, const NetTargets *targets)
{
        const NetAddress *order[] = {ipv6 ? &targets->ipv6 : &targets->ipv4, ipv6 ? &targets->ipv4 : &targets->ipv6};

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                if (order[i]->family == 0)
                        continue;
                const RelayAddress a = make_address(order[i]->family, order[i]->bytes, p->inside);
                _cleanup_close_ int fd = socket(order[i]->family, socket_type(p) | SOCK_CLOEXEC, 0);
                if (fd >= 0 && connect(fd, (const struct sockaddr *)&a.s, a.n) >= 0)
                        return TAKE_FD(fd);
        }
        return -ECONNREFUSED;
}

/* ---- TCP ---- */

typedef struct Way { /* one of the two directions of a connection */
        int from, to;
        size_t begin, end; /* of what was read and not yet written */
        bool closed;       /* nothing more will be read */
        bool shut;         /* and the other side knows */
        char data[32768];
} Way;

static short reads(const Way *w)
{
        return !w->closed && w->begin == w->end ? POLLIN : 0;
}
static short writes(const Way *w)
{
        return w->begin < w->end ? POLLOUT : 0;
}

static void advance(Way *w, short from_events, short to_events)
{
        if (reads(w) && from_events) {
                ssize_t n = recv(w->from, w->data, sizeof(w->data), MSG_DONTWAIT);
                w->begin = 0;
                w->end = n > 0 ? (size_t)n : 0;
                w->closed = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        }
        if (writes(w) && (to_events || from_events)) {
                ssize_t n = send(w->to, w->data + w->begin, w->end - w->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n > 0)
                        w->begin += (size_t)n;
                else if (n < 0 && errno != EAGAIN && errno != EINTR) { /* nobody is there to take it */
                        w->begin = w->end;
                        w->closed = true;
                }
        }
        if (w->closed && w->begin == w->end && !w->shut) {
                (void)shutdown(w->to, SHUT_WR);
                (void)shutdown(w->from, SHUT_RD);
                w->shut = true;
        }
}

static _noreturn_ void serve(int client, int machine, int leader)
{
        static Way up, down; /* of a process of its own */

        up = (Way){.from = client, .to = machine};
        down = (Way){.from = machine, .to = client};
        while (!up.shut || !down.shut) {
                struct pollfd p[] = {{.fd = client, .events = (short)(reads(&up) | writes(&down))},
                                     {.fd = machine, .events = (short)(reads(&down) | writes(&up))},
                                     {.fd = leader, .events = POLLIN}};
                /* A side of which nothing is wanted would wake us up for ever once it is hung up. */
                for (size_t i = 0; i < 2; i++)
                        p[i].fd = p[i].events ? p[i].fd : -1;
                if (poll(p, ELEMENTSOF(p), -1) < 0 && errno != EINTR)
                        break;
                if (p[2].revents)
                        break;
                advance(&up, p[0].revents, p[1].revents);
                advance(&down, p[1].revents, p[0].revents);
        }
        _exit(0);
}

void relay_accept(int listener, bool ipv6, const NetPort *p, const NetTargets *targets, int leader)
{
        _cleanup_close_ int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (client < 0 || fork() != 0)
                return; /* who cannot be served is hung up on */
        int machine = connect_machine(ipv6, p, targets);
        if (machine < 0)
                _exit(1);
        serve(client, machine, leader);
}

/* ---- UDP ---- */

static bool is_asker(const RelayFlow *f, int listener, const RelayAddress *a)
{
        return f->fd >= 0 && f->listener == listener && f->asker.n == a->n && memcmp(&f->asker.s, &a->s, a->n) == 0;
}

/* The asker's own flow, else an unused one, else the one that was silent for longest. */
static RelayFlow *find_flow(RelayFlow *flows, int listener, const RelayAddress *a)
{
        RelayFlow *best = &flows[0];

        for (size_t i = 0; i < RELAY_FLOWS; i++) {
                if (is_asker(&flows[i], listener, a))
                        return &flows[i];
                if (best->fd >= 0 && (flows[i].fd < 0 || flows[i].used_usec < best->used_usec))
                        best = &flows[i];
        }
        best->fd = fd_close(best->fd);
        return best;
}

void relay_datagram(RelayFlow *flows, int listener, bool ipv6, const NetPort *p, const NetTargets *targets)
{
        static char data[DATAGRAM_MAX];
        RelayAddress from = {.n = sizeof(from.s)};
        ssize_t n = recvfrom(listener, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from.s, &from.n);

        if (n < 0)
                return;
        RelayFlow *f = find_flow(flows, listener, &from);
        if (f->fd < 0) {
                f->fd = connect_machine(ipv6, p, targets);
                if (f->fd < 0) {
                        f->fd = -1;
                        return;
                }
                f->listener = listener;
                f->asker = from;
        }
        f->used_usec = clock_monotonic();
        (void)send(f->fd, data, (size_t)n, MSG_DONTWAIT); /* as any datagram, it may be lost */
}

void relay_answer(RelayFlow *flow)
{
        static char data[DATAGRAM_MAX];
        ssize_t n = recv(flow->fd, data, sizeof(data), MSG_DONTWAIT);

        if (n >= 0)
                (void)sendto(flow->listener, data, (size_t)n, MSG_DONTWAIT, (const struct sockaddr *)&flow->asker.s,
                             flow->asker.n);
        else if (errno != EAGAIN && errno != EINTR)
                flow->fd = fd_close(flow->fd); /* refused: the next question gets a new one */
        flow->used_usec = clock_monotonic();
}
