/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The addresses of machines whose network berth itself makes: a /24 for each zone, a /28 for a machine that is linked to the host
 * alone, and a unique local IPv6 network (RFC 4193) for each. All are found by hashing names, so that a machine keeps its own from
 * one start to the next; what the host reaches already, or another machine has, is passed over. */

#include "plan/build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

typedef struct Pool {
        uint32_t network;
        uint8_t prefix;
} Pool;
/* Of the private networks of RFC 1918 first what hardly anybody uses. */
static const Pool zone_pools[] = {{0x0a800000, 10}, {0xac100000, 12}, {0xc0a80000, 16}};
static const Pool link_pools[] = {{0x0ac00000, 10}, {0xac100000, 12}, {0xc0a80000, 16}};

#define ZONE_PREFIX 24
#define LINK_PREFIX 28
#define TRIES_MAX   4096

static const uint8_t hash_key[16] = {0x62, 0x65, 0x72, 0x74, 0x68, 0x2d, 0x61, 0x64,
                                     0x64, 0x72, 0x65, 0x73, 0x73, 0x65, 0x73, 0x31};

static uint64_t hash_name(const char *name)
{
        return hash_siphash24(name, strlen(name), hash_key);
}

static uint32_t mask_of(uint8_t prefix)
{
        return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

static uint32_t number_of(const SpecAddress *a)
{
        return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 | (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static SpecAddress ipv4(uint32_t address, uint8_t prefix)
{
        return (SpecAddress){
                        .family = AF_INET,
                        .prefix = prefix,
                        .bytes = {(uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address}};
}

/* Not by the host, nor by another machine; what leads over the interface in question does not count. */
static bool is_free(const FactNetwork *n, const char *interface, uint32_t network, uint8_t prefix)
{
        for (size_t i = 0; i < n->n_routes; i++) {
                const FactRoute *r = &n->routes[i];
                const uint32_t mask = mask_of(MIN(prefix, r->network.prefix));
                if (r->network.family == AF_INET && r->network.prefix > 0 && !str_eq(r->interface, interface) &&
                    ((number_of(&r->network) ^ network) & mask) == 0)
                        return false;
        }
        for (size_t i = 0; i < n->n_taken; i++)
                if (!str_eq(n->taken[i].interface, interface) && ((n->taken[i].address ^ network) & mask_of(prefix)) == 0)
                        return false;
        return true;
}

static bool find_network(const FactNetwork *n, const Pool *pools, size_t n_pools, uint8_t prefix, const char *interface,
                         uint32_t *ret)
{
        const uint64_t hash = hash_name(interface);

        for (size_t i = 0; i < n_pools; i++) {
                const uint32_t count = UINT32_C(1) << (prefix - pools[i].prefix);
                for (uint32_t k = 0; k < MIN(count, (uint32_t)TRIES_MAX); k++) {
                        uint32_t network = pools[i].network | (uint32_t)((hash + k) % count) << (32 - prefix);
                        if (is_free(n, interface, network, prefix)) {
                                *ret = network;
                                return true;
                        }
                }
        }
        return false;
}

static bool is_taken(const FactNetwork *n, uint32_t address)
{
        for (size_t i = 0; i < n->n_taken; i++)
                if (n->taken[i].address == address)
                        return true;
        return false;
}

/* The machine's place in the network: not the first, which stands for the network, the last, which is for all, or the host's. */
static bool find_place(const PlanBuild *b, uint32_t host, uint8_t prefix, uint32_t *ret)
{
        const uint32_t network = host & mask_of(prefix), count = (UINT32_C(1) << (32 - prefix)) - 2;
        const uint64_t hash = hash_name(b->facts->machine_name);

        for (uint32_t k = 0; k < MIN(count, (uint32_t)65536); k++) {
                uint32_t address = network + 1 + (uint32_t)((hash + k) % count);
                if (address != host && !is_taken(&b->facts->network, address)) {
                        *ret = address;
                        return true;
                }
        }
        return false;
}

/* fd, 40 bits that differ from host to host and from network to network, a zero subnet; the last 32 bits are `place`. */
static SpecAddress ipv6(const PlanBuild *b, const char *interface, uint32_t place)
{
        _cleanup_free_ char *name = xasprintf("%s/%s", b->facts->host_machine_id ?: "", interface);
        const uint64_t hash = hash_name(name);
        SpecAddress a = {.family = AF_INET6, .prefix = 64, .bytes = {0xfd}};

        for (unsigned i = 0; i < 5; i++)
                a.bytes[1 + i] = (uint8_t)(hash >> (8 * i));
        for (unsigned i = 0; i < 4; i++)
                a.bytes[15 - i] = (uint8_t)(place >> (8 * i));
        return a;
}

int plan_subnet(const PlanBuild *b, const char *interface, PlanSubnet *ret, Error *e)
{
        const FactNetwork *n = &b->facts->network;
        const bool zone = b->spec->zone != NULL;
        uint32_t host, place;
        uint8_t prefix = zone ? ZONE_PREFIX : LINK_PREFIX;

        if (zone && n->zone_address.family == AF_INET && n->zone_address.prefix <= 30) { /* what its first machine got */
                prefix = n->zone_address.prefix;
                host = number_of(&n->zone_address);
        } else if (!(zone ? find_network(n, zone_pools, ELEMENTSOF(zone_pools), prefix, interface, &host)
                          : find_network(n, link_pools, ELEMENTSOF(link_pools), prefix, interface, &host)))
                return error_set(e, -EADDRNOTAVAIL,
                                 "every private network is in use on this host already; give the machine one with --address=");
        else
                host += 1;

        if (!zone)
                place = host + 1; /* nobody else is there */
        else if (!find_place(b, host, prefix, &place))
                return error_set(e, -EADDRNOTAVAIL, "zone '%s' has no address left for another machine", b->spec->zone);
        *ret = (PlanSubnet){.host = ipv4(host, prefix), .machine = ipv4(place, prefix)};
        if (n->has_ipv6) {
                ret->host6 = ipv6(b, interface, 1);
                ret->machine6 = ipv6(b, interface, place - (host & mask_of(prefix)));
        }
        return 0;
}
