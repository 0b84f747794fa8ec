/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks: interfaces, zones, ports, addresses. */

#include "spec/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define ALTERNATIVE_MAX 127 /* ALTIFNAMSIZ of linux/if.h, without the end */
#define ZONE_MAX        12  /* "vz-" goes before it */

/* dev_valid_name() of the kernel, and what would be taken for something else: numbers are indexes, "all" and "default" are
 * directories of sysctls (systemd's ifname_valid_full()). */
bool value_interface_is_valid(const char *name, bool alternative)
{
        size_t n = strlen(name);

        if (n == 0 || n > (alternative ? ALTERNATIVE_MAX : IFNAMSIZ - 1) || strspn(name, "0123456789") == n)
                return false;
        if (str_eq(name, ".") || str_eq(name, "..") || str_eq(name, "all") || str_eq(name, "default"))
                return false;
        for (const unsigned char *c = (const unsigned char *)name; *c; c++)
                if (*c <= ' ' || *c >= 0x7f || strchr(":/%", *c))
                        return false;
        return true;
}

static int refuse_interface(const char *name, Error *e)
{
        return error_set(e, -EINVAL,
                         "'%s' cannot be the name of a network interface: at most %d characters, no blanks, ':', '/' or '%%'",
                         name, IFNAMSIZ - 1);
}

static int interface_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (!value_interface_is_valid(text, true))
                return refuse_interface(text, e);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_interface = {interface_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

static int zone_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (!value_interface_is_valid(text, true) || strlen(text) > ZONE_MAX)
                return error_set(e, -EINVAL,
                                 "'%s' cannot be the name of a zone: at most %d characters, no blanks, ':', '/' or '%%'", text,
                                 ZONE_MAX);
        value_string_assign(s, f, xstrdup(text));
        return 0;
}
const ValueType value_zone = {zone_parse, value_string_format, value_string_take, value_string_clear, NULL, false};

/* ---- HOST[:INSIDE], several by blanks ---- */

/* What goes before the name inside when none is given. A macvlan's is shortened by the plan when it gets too long, as systemd-nspawn
 * does. */
static const char *inside_prefix(SpecField f)
{
        return f == SPEC_FIELD_NETWORK_MACVLAN ? "mv-" : f == SPEC_FIELD_NETWORK_IPVLAN ? "iv-" : "";
}

static int link_parse(SpecLinks *list, SpecField f, const char *word, Error *e)
{
        const char *colon = strchr(word, ':'), *prefix = inside_prefix(f);
        _cleanup_free_ char *host = colon ? xstrndup(word, (size_t)(colon - word)) : xstrdup(word);
        bool alternative = f != SPEC_FIELD_NETWORK_VETH_EXTRA; /* of an interface that is there already */
        _cleanup_free_ char *inside = colon && colon[1] ? xstrdup(colon + 1) : xasprintf("%s%s", prefix, host);

        if (!value_interface_is_valid(host, alternative))
                return refuse_interface(host, e);
        if (!value_interface_is_valid(inside, *prefix && !(colon && colon[1])))
                return refuse_interface(inside, e);
        *vec_push(list) = (SpecLink){TAKE_PTR(host), TAKE_PTR(inside)};
        return 0;
}

static int links_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, " \t");
        int r = 0;

        if (strv_len(words) == 0)
                return refuse_interface(text, e);
        for (char **w = words; r >= 0 && w && *w; w++)
                r = link_parse(VALUE_MEMBER(SpecLinks, s, f), f, *w, e);
        return r;
}
/* The name inside that goes without saying is not said: it may be one that is too long to be given. */
static void links_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        const SpecLinks *list = VALUE_MEMBER(SpecLinks, s, f);

        for (size_t i = 0; i < list->n; i++) {
                const SpecLink *l = &list->items[i];
                _cleanup_free_ char *usual = xasprintf("%s%s", inside_prefix(f), l->host);
                if (str_eq(l->inside, usual))
                        strv_push(ret, l->host);
                else
                        strv_pushf(ret, "%s:%s", l->host, l->inside);
        }
}
static void links_clear(MachineSpec *s, SpecField f)
{
        SpecLinks *list = VALUE_MEMBER(SpecLinks, s, f);

        for (size_t i = 0; i < list->n; i++) {
                free(list->items[i].host);
                free(list->items[i].inside);
        }
        free(list->items);
        *list = (SpecLinks){};
}
static void links_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(SpecLinks, to, f) = *VALUE_MEMBER(SpecLinks, from, f);
        *VALUE_MEMBER(SpecLinks, from, f) = (SpecLinks){};
}
const ValueType value_links = {links_parse, links_format, links_take, links_clear, NULL, true};

/* ---- [tcp|udp:]HOST[:INSIDE] ---- */

static int port_number(const char *text, uint16_t *ret)
{
        uint32_t v;

        if (str_parse_u32(text, &v) < 0 || v == 0 || v > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t)v;
        return 0;
}

static int ports_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        const char *rest = str_startswith(text, "tcp:") ?: str_startswith(text, "udp:") ?: text, *colon = strchr(rest, ':');
        _cleanup_free_ char *host = colon ? xstrndup(rest, (size_t)(colon - rest)) : xstrdup(rest);
        SpecPort p = {.udp = str_startswith(text, "udp:") != NULL};

        if (port_number(host, &p.host) < 0 || port_number(colon ? colon + 1 : rest, &p.inside) < 0)
                return error_set(e, -EINVAL, "'%s' is no port; write [tcp|udp:]HOST[:INSIDE] with numbers from 1 to 65535", text);
        for (size_t i = 0; i < s->ports.n; i++)
                if (s->ports.items[i].udp == p.udp && s->ports.items[i].host == p.host)
                        return error_set(e, -EEXIST, "port %s:%u of the host is given twice", p.udp ? "udp" : "tcp", p.host);
        *vec_push(&s->ports) = p;
        return 0;
}
static void ports_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        for (size_t i = 0; i < s->ports.n; i++) {
                const SpecPort *p = &s->ports.items[i];
                strv_pushf(ret, "%s:%u:%u", p->udp ? "udp" : "tcp", p->host, p->inside);
        }
}
static void ports_clear(MachineSpec *s, SpecField f)
{
        free(s->ports.items);
        s->ports = (SpecPorts){};
}
static void ports_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->ports = from->ports;
        from->ports = (SpecPorts){};
}
const ValueType value_ports = {ports_parse, ports_format, ports_take, ports_clear, NULL, true};

/* ---- addresses ---- */

char *value_address_text(const SpecAddress *a, bool with_prefix)
{
        char text[INET6_ADDRSTRLEN];

        if (!inet_ntop(a->family, a->bytes, text, sizeof(text)))
                return xstrdup("?");
        return with_prefix ? xasprintf("%s/%u", text, a->prefix) : xstrdup(text);
}

int value_address_read(const char *word, bool gateway, SpecAddress *ret, Error *e)
{
        const char *slash = strchr(word, '/');
        _cleanup_free_ char *number = slash ? xstrndup(word, (size_t)(slash - word)) : xstrdup(word);
        uint32_t prefix = 0;

        ret->family = strchr(number, ':') ? AF_INET6 : AF_INET;
        const uint32_t longest = ret->family == AF_INET ? 32 : 128;
        if (inet_pton(ret->family, number, ret->bytes) != 1)
                return error_set(e, -EINVAL, "'%s' is no address of IPv4 or IPv6", number);
        if (gateway)
                return slash ? error_set(e, -EINVAL, "a gateway is one address: '%s' without its '%s'", number, slash) : 0;
        if (!slash || str_parse_u32(slash + 1, &prefix) < 0 || prefix == 0 || prefix > longest)
                return error_set(e, -EINVAL, "'%s' lacks the length of its network's prefix; write %s/%u", word, number,
                                 longest == 32 ? 24 : 64);
        ret->prefix = (uint8_t)prefix;
        return 0;
}

static int addresses_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, " \t");
        int r = strv_len(words) == 0 ? error_set(e, -EINVAL, "'%s' is no address of IPv4 or IPv6", text) : 0;

        for (char **w = words; r >= 0 && w && *w; w++) {
                SpecAddress a = {};
                r = value_address_read(*w, f == SPEC_FIELD_GATEWAY, &a, e);
                if (r >= 0)
                        *vec_push(VALUE_MEMBER(SpecAddresses, s, f)) = a;
        }
        return r;
}
static void addresses_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        const SpecAddresses *list = VALUE_MEMBER(SpecAddresses, s, f);

        for (size_t i = 0; i < list->n; i++)
                strv_consume(ret, value_address_text(&list->items[i], f == SPEC_FIELD_ADDRESS));
}
static void addresses_clear(MachineSpec *s, SpecField f)
{
        free(VALUE_MEMBER(SpecAddresses, s, f)->items);
        *VALUE_MEMBER(SpecAddresses, s, f) = (SpecAddresses){};
}
static void addresses_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(SpecAddresses, to, f) = *VALUE_MEMBER(SpecAddresses, from, f);
        *VALUE_MEMBER(SpecAddresses, from, f) = (SpecAddresses){};
}
const ValueType value_addresses = {addresses_parse, addresses_format, addresses_take, addresses_clear, NULL, true};

static int mtu_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        uint32_t v;

        if (str_parse_u32(text, &v) < 0 || v < 68 || v > 65535) /* ETH_MIN_MTU, ETH_MAX_MTU of linux/if_ether.h */
                return error_set(e, -EINVAL, "'%s' is no MTU, which goes from 68 to 65535 bytes", text);
        s->mtu = v;
        return 0;
}
const ValueType value_mtu = {mtu_parse, value_u32_format, value_u32_take, value_u32_clear, NULL, false};

/* ---- bits a second, as links are sold: powers of 1000 ---- */

static const struct {
        char letter;
        uint64_t factor;
} rate_units[] = {{'G', 1000000000}, {'M', 1000000}, {'K', 1000}};

static int rate_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        size_t n = strlen(text);
        uint64_t factor = 1, v;

        for (size_t i = 0; i < ELEMENTSOF(rate_units); i++)
                if (n > 1 && text[n - 1] == rate_units[i].letter)
                        factor = rate_units[i].factor;
        _cleanup_free_ char *number = xstrndup(text, factor > 1 ? n - 1 : n);
        if (str_parse_u64(number, &v) < 0 || v > UINT64_C(1000000000000) / factor || v * factor < 8000)
                return error_set(e, -EINVAL, "'%s' is no rate in bits a second; write 8K to 1000G, as 100M", text);
        s->receive_rate = v * factor;
        return 0;
}
static void rate_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        for (size_t i = 0; i < ELEMENTSOF(rate_units); i++)
                if (s->receive_rate % rate_units[i].factor == 0) {
                        strv_pushf(ret, "%llu%c", (unsigned long long)(s->receive_rate / rate_units[i].factor),
                                   rate_units[i].letter);
                        return;
                }
        strv_pushf(ret, "%llu", (unsigned long long)s->receive_rate);
}
const ValueType value_rate = {rate_parse, rate_format, value_u64_take, value_u64_clear, NULL, false};
