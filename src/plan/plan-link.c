/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and MAC addresses of a machine's links, by the algorithms of systemd-nspawn (its nspawn-network.c): a machine that changes
 * between the two keeps its names on the host, its address on the LAN and its DHCP lease. */

#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

static const uint8_t mac_keys[_PLAN_MAC_MAX][16] = {
                [PLAN_MAC_HOST] = {0x1a, 0x37, 0x6f, 0xc7, 0x46, 0xec, 0x45, 0x0b, 0xad, 0xa3, 0xd5, 0x31, 0x06, 0x60, 0x5d,
                                   0xb1},
                [PLAN_MAC_MACHINE] = {0xc3, 0xc4, 0xf9, 0x19, 0xb5, 0x57, 0xb2, 0x1c, 0xe6, 0xcf, 0x14, 0x27, 0x03, 0x9c, 0xee,
                                      0xa2},
                [PLAN_MAC_EXTRA_HOST] = {0x48, 0xc7, 0xf6, 0xb7, 0xea, 0x9d, 0x4c, 0x9e, 0xb7, 0x28, 0xd4, 0xde, 0x91, 0xd5, 0xbf,
                                         0x66},
                [PLAN_MAC_EXTRA_MACHINE] = {0xaf, 0x50, 0x17, 0x61, 0xce, 0xf9, 0x4d, 0x35, 0x84, 0x0d, 0x2b, 0x20, 0x54, 0xbe,
                                            0xce, 0x59},
                [PLAN_MAC_MACVLAN] = {0x00, 0x13, 0x6d, 0xbc, 0x66, 0x83, 0x44, 0x81, 0xbb, 0x0c, 0xf9, 0x51, 0x1f, 0x24, 0xa6,
                                      0x6f},
};
static const uint8_t name_key[16] = {0xe1, 0x90, 0xa4, 0x04, 0xa8, 0xef, 0x4b, 0x51,
                                     0x8c, 0xcc, 0xc3, 0x3a, 0x9f, 0x11, 0xfc, 0xa2};

#define KEPT 11 /* of a name that is too long; four characters of its hash follow */

bool plan_link_shorten(const char *name, char ret[static PLAN_LINK_NAME_MAX])
{
        /* RFC 4648, section 5: a name is a directory in sysfs, so no "/" */
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t n = strlen(name);

        if (n < PLAN_LINK_NAME_MAX) {
                memcpy(ret, name, n + 1);
                return false;
        }
        uint64_t hash = hash_siphash24(name, n, name_key);
        memcpy(ret, name, KEPT);
        for (unsigned i = 0; i < 4; i++)
                ret[KEPT + i] = digits[(hash >> (18 - 6 * i)) & 63];
        ret[KEPT + 4] = '\0';
        return true;
}

static uint8_t hex_digit(char c)
{
        return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

bool plan_parse_mac(const char *text, uint8_t ret[static 6])
{
        unsigned v[6];
        int end = 0;

        if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &end) != 6 || text[end] != '\0' ||
            end != 17)
                return false;
        for (size_t i = 0; i < 6; i++)
                ret[i] = (uint8_t)v[i];
        return !(ret[0] & 1) && (v[0] | v[1] | v[2] | v[3] | v[4] | v[5]);
}

void plan_link_mac(PlanMac kind, const char *host_id, const char *machine, uint64_t index, uint8_t ret[static 6])
{
        size_t n = strlen(machine);
        _cleanup_free_ uint8_t *text = xmalloc(16 + n + 8);

        memset(ret, 0, 6);
        if (!host_id || !str_is_hex(host_id, 32))
                return;
        for (size_t i = 0; i < 16; i++)
                text[i] = (uint8_t)(hex_digit(host_id[2 * i]) << 4 | hex_digit(host_id[2 * i + 1]));
        memcpy(text + 16, machine, n);
        for (size_t i = 0; i < 8; i++) /* little endian; left out for the first one */
                text[16 + n + i] = (uint8_t)(index >> (8 * i));
        uint64_t hash = hash_siphash24(text, 16 + n + (index > 0 ? 8 : 0), mac_keys[kind]);
        for (size_t i = 0; i < 6; i++)
                ret[i] = (uint8_t)(hash >> (8 * i));
        ret[0] = (uint8_t)((ret[0] & 0xfe) | 0x02); /* for one station, locally administered */
}
