/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of a machine: whose it is, and PHASE_NETWORK, the interfaces in it. Names and behaviour are systemd-nspawn's; addresses from
 * outside are berth's own, for networks that nobody else looks after. */

#include "plan/build.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define VETH_INSIDE "host0"

/* ---- which network ---- */

typedef struct LinkOption {
        SpecField field;
        const char *name;
} LinkOption;
static const LinkOption link_options[] = {
                {SPEC_FIELD_NETWORK_VETH, "--network-veth"},
                {SPEC_FIELD_NETWORK_ZONE, "--network-zone"},
                {SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge"},
                {SPEC_FIELD_NETWORK_INTERFACE, "--network-interface"},
                {SPEC_FIELD_NETWORK_MACVLAN, "--network-macvlan"},
                {SPEC_FIELD_NETWORK_IPVLAN, "--network-ipvlan"},
                {SPEC_FIELD_NETWORK_VETH_EXTRA, "--network-veth-extra"},
};

static bool has_veth(const MachineSpec *s)
{
        return s->veth || s->bridge || s->zone;
}

/* The first option that gives the machine an interface; NULL: none does. */
static const LinkOption *first_link(const MachineSpec *s)
{
        for (size_t i = 0; i < ELEMENTSOF(link_options); i++)
                if (spec_is_set(s, link_options[i].field) && (link_options[i].field != SPEC_FIELD_NETWORK_VETH || s->veth))
                        return &link_options[i];
        return NULL;
}

static int exclude(const MachineSpec *s, SpecField a, const char *a_name, SpecField b, const char *b_name, Error *e)
{
        return error_set(e, -EINVAL, "%s and %s exclude each other; leave one of them out", plan_option(s, a, a_name).s,
                         plan_option(s, b, b_name).s);
}

/* What speaks of a machine's interfaces makes no sense without any. */
static int needs_link(const MachineSpec *s, Error *e)
{
        static const LinkOption of_links[] = {{SPEC_FIELD_PORT, "--port"},
                                              {SPEC_FIELD_ADDRESS, "--address"},
                                              {SPEC_FIELD_GATEWAY, "--gateway"},
                                              {SPEC_FIELD_MTU, "--mtu"},
                                              {SPEC_FIELD_RECEIVE_RATE, "--network-receive-rate"}};

        for (size_t i = 0; i < ELEMENTSOF(of_links); i++) {
                if (!spec_is_set(s, of_links[i].field))
                        continue;
                if (s->network_namespace)
                        return exclude(s, of_links[i].field, of_links[i].name, SPEC_FIELD_NETWORK_NAMESPACE,
                                       "--network-namespace-path", e);
                return error_set(e, -EINVAL,
                                 "%s needs a network that leads out of the machine; add --network-veth or --network-zone=NAME",
                                 plan_option(s, of_links[i].field, of_links[i].name).s);
        }
        return 0;
}

int plan_network_resolve(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const LinkOption *link = first_link(s);
        const bool host = spec_is_set(s, SPEC_FIELD_NETWORK) && s->network == SPEC_NETWORK_HOST;

        b->network = host || s->network_namespace ? SPEC_NETWORK_HOST : SPEC_NETWORK_PRIVATE;
        if (s->bridge && s->zone)
                return exclude(s, SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge", SPEC_FIELD_NETWORK_ZONE, "--network-zone", e);
        if (link && s->network_namespace)
                return exclude(s, link->field, link->name, SPEC_FIELD_NETWORK_NAMESPACE, "--network-namespace-path", e);
        if (link && host)
                return exclude(s, link->field, link->name, SPEC_FIELD_NETWORK, "--network=host", e);
        return link ? 0 : needs_link(s, e);
}

/* ---- what the host must have ---- */

static const FactLink *find_link(const PlanBuild *b, const char *wanted)
{
        const FactNetwork *n = &b->facts->network;

        for (size_t i = 0; i < n->n_links; i++)
                if (str_eq(n->links[i].wanted, wanted))
                        return n->links[i].name ? &n->links[i] : NULL;
        return NULL;
}

static int need_link(const PlanBuild *b, SpecField f, const char *option, const char *wanted, const FactLink **ret, Error *e)
{
        *ret = find_link(b, wanted);
        if (*ret)
                return 0;
        return error_set(e, -ENODEV, "%s: there is no network interface '%s' on this host", plan_option(b->spec, f, option).s,
                         wanted);
}

typedef struct LinkKind {
        SpecField field;
        const char *option, *what;
        size_t fact; /* offset of the bool in FactNetwork */
} LinkKind;
static const LinkKind kinds[] = {
                {SPEC_FIELD_NETWORK_ZONE, "--network-zone", "virtual Ethernet links (veth)", offsetof(FactNetwork, has_veth)},
                {SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge", "virtual Ethernet links (veth)", offsetof(FactNetwork, has_veth)},
                {SPEC_FIELD_NETWORK_VETH, "--network-veth", "virtual Ethernet links (veth)", offsetof(FactNetwork, has_veth)},
                {SPEC_FIELD_NETWORK_VETH_EXTRA, "--network-veth-extra", "virtual Ethernet links (veth)",
                 offsetof(FactNetwork, has_veth)},
                {SPEC_FIELD_NETWORK_ZONE, "--network-zone", "bridges", offsetof(FactNetwork, has_bridge)},
                {SPEC_FIELD_NETWORK_MACVLAN, "--network-macvlan", "macvlan interfaces", offsetof(FactNetwork, has_macvlan)},
                {SPEC_FIELD_NETWORK_IPVLAN, "--network-ipvlan", "ipvlan interfaces", offsetof(FactNetwork, has_ipvlan)},
                {SPEC_FIELD_PORT, "--port", "nftables", offsetof(FactNetwork, has_nftables)},
                {SPEC_FIELD_RECEIVE_RATE, "--network-receive-rate", "token bucket filter (CONFIG_NET_SCH_TBF)",
                 offsetof(FactNetwork, has_tbf)},
};

static int check_kinds(const PlanBuild *b, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                const LinkKind *k = &kinds[i];
                bool there = *(const bool *)((const char *)&b->facts->network + k->fact);
                if (spec_is_set(b->spec, k->field) && !there && (k->field != SPEC_FIELD_NETWORK_VETH || b->spec->veth))
                        return error_set(e, -EOPNOTSUPP, "%s: this kernel has no %s", plan_option(b->spec, k->field, k->option).s,
                                         k->what);
        }
        return 0;
}

/* ---- the links ---- */

static PlanOp *add(PlanBuild *b, PlanOpType type, const char *interface)
{
        PlanOp *op = plan_add(b->plan, PHASE_NETWORK, type, NULL);

        op->text = xstrdup(interface);
        return op;
}

static void add_address(SpecAddresses *list, const SpecAddress *a)
{
        if (a->family != 0)
                *vec_push(list) = *a;
}

static void add_veth_end(PlanBuild *b, const char *host, const char *long_name, const char *inside, PlanMac host_mac,
                         PlanMac inside_mac, uint64_t index)
{
        const HostFacts *f = b->facts;
        PlanOp *op = add(b, OP_NET_VETH, host);

        op->alias = xstrdup(long_name);
        op->source = xstrdup(inside);
        op->value = b->spec->mtu;
        plan_link_mac(host_mac, f->host_machine_id, f->machine_name, index, op->mac);
        plan_link_mac(inside_mac, f->host_machine_id, f->machine_name, index, op->mac2);
        if (b->spec->network_mac && inside_mac == PLAN_MAC_MACHINE)
                (void)plan_parse_mac(b->spec->network_mac, op->mac2);
}

static int add_interfaces(PlanBuild *b, Error *e)
{
        const SpecLinks *list = &b->spec->interfaces;
        const bool of_bundle = b->spec->bundle && list->n > 0 &&
                               str_eq(b->spec->origin[SPEC_FIELD_NETWORK_INTERFACE], b->spec->origin[SPEC_FIELD_BUNDLE]);
        const char *name = of_bundle ? "linux.netDevices" : "--network-interface";
        const FactLink *l;

        for (size_t i = 0; i < list->n; i++) {
                const char *wanted = list->items[i].host;
                PlanOption option = plan_option(b->spec, SPEC_FIELD_NETWORK_INTERFACE, name);
                int r = need_link(b, SPEC_FIELD_NETWORK_INTERFACE, name, wanted, &l, e);
                if (r < 0)
                        return r;
                if (l->loopback)
                        return error_set(e, -EINVAL,
                                         "%s: '%s' is the host's loopback, which cannot be moved; every machine has its own",
                                         option.s, wanted);
                if (l->wireless)
                        return error_set(e, -EOPNOTSUPP, "%s: '%s' is a Wi-Fi interface, and moving these is not offered yet",
                                         option.s, wanted);
                if (l->unsettled)
                        return error_set(e, -EBUSY, "%s: udev has not finished with interface '%s' yet; try again in a moment",
                                         option.s, wanted);
                PlanOp *op = add(b, OP_NET_MOVE, l->name);
                op->source = xstrdup(list->items[i].inside);
                op->value = b->spec->mtu;
                if (of_bundle)
                        strv_push(&op->options, "addresses");
        }
        return 0;
}

static int add_vlans(PlanBuild *b, PlanOpType type, SpecField f, const char *option, const SpecLinks *list, Error *e)
{
        const FactLink *l;

        for (size_t i = 0; i < list->n; i++) {
                char inside[PLAN_LINK_NAME_MAX];
                int r = need_link(b, f, option, list->items[i].host, &l, e);
                if (r < 0)
                        return r;
                PlanOp *op = add(b, type, l->name);
                (void)plan_link_shorten(list->items[i].inside, inside);
                op->source = xstrdup(inside);
                op->value = b->spec->mtu;
                if (type == OP_NET_MACVLAN)
                        plan_link_mac(PLAN_MAC_MACVLAN, b->facts->host_machine_id, b->facts->machine_name, i, op->mac2);
        }
        return 0;
}

static void add_extras(PlanBuild *b)
{
        const SpecLinks *list = &b->spec->veth_extras;

        for (size_t i = 0; i < list->n; i++) {
                add_veth_end(b, list->items[i].host, NULL, list->items[i].inside, PLAN_MAC_EXTRA_HOST, PLAN_MAC_EXTRA_MACHINE, i);
                add(b, OP_NET_UP, list->items[i].host);
        }
}

static int check_names_inside(const PlanBuild *b, Error *e)
{
        const MachinePlan *p = b->plan;

        for (size_t i = 0; i < p->n; i++)
                for (size_t k = 0; k < i; k++)
                        if (p->items[i].phase == PHASE_NETWORK && p->items[k].phase == PHASE_NETWORK &&
                            p->items[i].type != OP_NET_JOIN && p->items[k].type != OP_NET_JOIN && p->items[i].source &&
                            str_eq(p->items[i].source, p->items[k].source))
                                return error_set(
                                                e, -EEXIST,
                                                "two network interfaces would be called '%s' in machine '%s'; name one otherwise",
                                                p->items[i].source, b->facts->machine_name);
        return 0;
}

/* ---- addresses and rules ---- */

/* Where no networkd looks after the links of machines, berth does. Who gives the machine an address of another network is on his own. */
static bool gives_addresses(const PlanBuild *b)
{
        const MachineSpec *s = b->spec;

        return has_veth(s) && !s->bridge && !b->facts->network.has_networkd && (s->zone || s->addresses.n == 0);
}

static bool in_network(const SpecAddress *a, const SpecAddress *network)
{
        unsigned whole = network->prefix / 8, rest = network->prefix % 8;

        return a->family == network->family && memcmp(a->bytes, network->bytes, whole) == 0 &&
               (rest == 0 || ((a->bytes[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0);
}

/* With a link of its own to the host, the gateway is the host. */
static void add_gateway_addresses(const MachineSpec *s, SpecAddresses *list)
{
        for (size_t i = 0; i < s->gateways.n; i++)
                for (size_t k = 0; k < s->addresses.n; k++)
                        if (in_network(&s->gateways.items[i], &s->addresses.items[k])) {
                                SpecAddress a = s->gateways.items[i];
                                a.prefix = s->addresses.items[k].prefix;
                                add_address(list, &a);
                                break;
                        }
}

static bool reaches(const SpecAddresses *own, const SpecAddress *other)
{
        for (size_t i = 0; i < own->n; i++)
                if (in_network(other, &own->items[i]))
                        return true;
        return false;
}

static void add_configuration(PlanBuild *b, const char *inside, const PlanSubnet *given)
{
        const MachineSpec *s = b->spec;
        const bool own_addresses = s->addresses.n > 0, own_gateways = s->gateways.n > 0;

        if (!own_addresses && !own_gateways && given->machine.family == 0)
                return;
        PlanOp *op = add(b, OP_NET_CONFIGURE, inside);
        for (size_t i = 0; i < s->addresses.n; i++)
                add_address(&op->addresses, &s->addresses.items[i]);
        for (size_t i = 0; i < s->gateways.n; i++)
                add_address(&op->gateways, &s->gateways.items[i]);
        if (!own_addresses) {
                add_address(&op->addresses, &given->machine);
                add_address(&op->addresses, &given->machine6);
        }
        if (own_gateways)
                return;
        if (!own_addresses || reaches(&op->addresses, &given->host))
                add_address(&op->gateways, &given->host);
        if (!own_addresses || reaches(&op->addresses, &given->host6))
                add_address(&op->gateways, &given->host6);
}

static void add_masquerade(PlanBuild *b, const PlanSubnet *given)
{
        PlanOp *op = plan_add(b->plan, PHASE_NETWORK, OP_NET_MASQUERADE, NULL);

        /* '_' is in no machine's name: the tables cannot meet. */
        op->path = b->spec->zone ? xasprintf("berth_zone_%s", b->spec->zone)
                                 : xasprintf("berth_machine_%s", b->facts->machine_name);
        add_address(&op->addresses, &given->host);
        add_address(&op->addresses, &given->host6);
}

static void add_ports(PlanBuild *b, const char *outside)
{
        for (size_t i = 0; i < b->spec->ports.n; i++) {
                const SpecPort *p = &b->spec->ports.items[i];
                PlanOp *op = add(b, OP_NET_PORT, outside);
                op->number = p->udp ? IPPROTO_UDP : IPPROTO_TCP;
                op->value = p->host;
                op->value2 = p->inside;
        }
}

static void add_rate(PlanBuild *b, const char *interface)
{
        PlanOp *op = add(b, OP_NET_RATE, interface);

        op->value = b->spec->receive_rate;
        strv_pushf(&op->options, "rate=%llu", (unsigned long long)op->value);
}

typedef struct Veth {
        char name[PLAN_LINK_NAME_MAX], bridge[PLAN_LINK_NAME_MAX];
        PlanSubnet given;
} Veth;

static int add_veth(PlanBuild *b, Veth *v, Error *e)
{
        const MachineSpec *s = b->spec;
        _cleanup_free_ char *name = xasprintf("%s-%s", s->bridge || s->zone ? "vb" : "ve", b->facts->machine_name);
        const bool gives = gives_addresses(b), shortened = plan_link_shorten(name, v->name);
        const FactLink *bridge;
        int r = 0;

        if (s->bridge) {
                r = need_link(b, SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge", s->bridge, &bridge, e);
                if (r < 0)
                        return r;
                if (!bridge->bridge)
                        return error_set(e, -EINVAL, "%s: interface '%s' is no bridge; use --network-macvlan=%s to share it",
                                         plan_option(s, SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge").s, s->bridge, s->bridge);
                memcpy(v->bridge, bridge->name, strlen(bridge->name) + 1);
        } else if (s->zone)
                (void)snprintf(v->bridge, sizeof(v->bridge), "vz-%s", s->zone);
        if (gives)
                r = plan_subnet(b, *v->bridge ? v->bridge : v->name, &v->given, e);
        if (r >= 0 && gives && !b->facts->network.has_nftables)
                r = error_set(e, -EOPNOTSUPP, "%s: this kernel has no nftables, which lead its machines out",
                              s->zone ? plan_option(s, SPEC_FIELD_NETWORK_ZONE, "--network-zone").s
                                      : plan_option(s, SPEC_FIELD_NETWORK_VETH, "--network-veth").s);
        if (r < 0)
                return r;

        SpecAddresses outside = {};
        add_address(&outside, &v->given.host);
        add_address(&outside, &v->given.host6);
        if (s->zone) {
                PlanOp *op = add(b, OP_NET_ZONE, v->bridge);
                op->addresses = outside;
                /* Else it would be that of one of its ports, and change when this one goes. It is for this host only: no ID is no
                 * matter. */
                plan_link_mac(PLAN_MAC_HOST, b->facts->host_machine_id ?: "00000000000000000000000000000000", v->bridge, 0,
                              op->mac);
                outside = (SpecAddresses){};
        }
        add_veth_end(b, v->name, shortened ? name : NULL, VETH_INSIDE, PLAN_MAC_HOST, PLAN_MAC_MACHINE, 0);
        if (s->receive_rate > 0) /* at the host's end, out of the machine's reach */
                add_rate(b, v->name);
        if (*v->bridge)
                add(b, OP_NET_JOIN, v->name)->source = xstrdup(v->bridge);
        else {
                add_gateway_addresses(s, &outside);
                add(b, OP_NET_UP, v->name)->addresses = outside;
        }
        return 0;
}

/* The interface that addresses are for: the link to the host, else the first of whatever there is. */
static const char *first_inside(const MachinePlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].phase == PHASE_NETWORK && p->items[i].type != OP_NET_JOIN && p->items[i].source)
                        return p->items[i].source;
        return NULL;
}

int plan_network(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        Veth v = {};
        int r = 0;

        if (!first_link(s))
                return 0;
        r = check_kinds(b, e);
        if (r >= 0 && s->receive_rate > 0 && !has_veth(s))
                r = error_set(e, -EINVAL,
                              "%s limits the link to the host; add --network-veth, --network-zone= or --network-bridge=",
                              plan_option(s, SPEC_FIELD_RECEIVE_RATE, "--network-receive-rate").s);
        if (r >= 0 && has_veth(s))
                r = add_veth(b, &v, e);
        if (r >= 0)
                r = add_vlans(b, OP_NET_MACVLAN, SPEC_FIELD_NETWORK_MACVLAN, "--network-macvlan", &s->macvlans, e);
        if (r >= 0)
                r = add_vlans(b, OP_NET_IPVLAN, SPEC_FIELD_NETWORK_IPVLAN, "--network-ipvlan", &s->ipvlans, e);
        if (r >= 0)
                r = add_interfaces(b, e);
        if (r < 0)
                return r;
        add_extras(b);
        r = check_names_inside(b, e);
        if (r < 0)
                return r;
        if (s->gateways.n > 0 && s->addresses.n == 0 && v.given.machine.family == 0)
                return error_set(e, -EINVAL, "%s needs an address from which it is reached; add --address=ADDRESS/PREFIX",
                                 plan_option(s, SPEC_FIELD_GATEWAY, "--gateway").s);
        _cleanup_free_ char *inside = xstrdup(first_inside(b->plan));
        add_configuration(b, inside, &v.given);
        if (v.given.host.family != 0)
                add_masquerade(b, &v.given);
        if (v.given.host.family != 0 && s->zone && b->facts->network.has_dnsmasq)
                add_address(&add(b, OP_NET_SERVE, v.bridge)->addresses, &v.given.host);
        add_ports(b, *v.bridge ? v.bridge : *v.name ? v.name : NULL);
        return 0;
}

SpecAddress plan_network_server(const PlanBuild *b)
{
        for (size_t i = 0; i < b->plan->n; i++)
                if (b->plan->items[i].type == OP_NET_SERVE)
                        return b->plan->items[i].addresses.items[0];
        return (SpecAddress){};
}
