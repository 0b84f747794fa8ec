/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interfaces, addresses and routes, by rtnetlink(7) on a socket of the namespace in question. All return 0 or -errno. */

#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

typedef struct NetLink {
        int index;
        char name[16], kind[16]; /* kind: "bridge", "veth"; empty for hardware */
        bool loopback;
        uint32_t master; /* index of the bridge it is a port of; 0: none */
        uint8_t mac[6];
        uint32_t mtu;
} NetLink;

int net_link_find(int fd, const char *name, NetLink *ret); /* by its name or an alternative one; -ENODEV */
/* Whether the kernel knows this kind of interface; asks for its module to be loaded. */
bool net_link_kind_exists(int fd, const char *kind);
int net_link_count_ports(int fd, int bridge); /* or -errno */
int net_link_name(int fd, int index, NetLink *ret);
typedef void (*NetLinkTake)(void *ctx, const NetLink *l);
int net_links(int fd, NetLinkTake take, void *ctx); /* all of them */

typedef struct NetNewLink {
        const char *kind;
        const char *name;   /* of the host's end of a veth, else of the machine's only end */
        const uint8_t *mac; /* NULL or zeros: as the kernel likes */
        const char *peer;   /* veth: of the machine's end */
        const uint8_t *peer_mac;
        int parent;          /* macvlan, ipvlan: index of the host's interface */
        uint32_t mtu;        /* 0: as the kernel likes */
        bool vlans_filtered; /* bridge: packets are kept apart by their VLAN tags */
        int netns_fd;        /* where the machine's end goes; -1: nowhere else */
} NetNewLink;
int net_link_new(int fd, const NetNewLink *l);
int net_link_delete(int fd, const char *name); /* 0 also when it is not there */
int net_link_set_up(int fd, int index, uint32_t mtu);
int net_link_set_master(int fd, int index, int bridge); /* and up */
/* The port of a bridge lets these VLANs through; its own one comes and goes without a tag. */
int net_link_add_vlans(int fd, int port, uint16_t first, uint16_t last, bool own);
/* What leaves by it, in bits a second. */
int net_link_limit(int fd, int index, uint64_t rate);
bool net_link_can_limit(int fd); /* asks for the kernel's module to be loaded */
int net_link_add_alternative(int fd, int index, const char *name);
/* To another namespace, under that name. */
int net_link_move(int fd, int index, int netns_fd, const char *name, uint32_t mtu);

int net_address_add(int fd, int index, const SpecAddress *a); /* 0 also when it is there */
/* The default route of the address's family. */
int net_gateway_add(int fd, int index, const SpecAddress *gateway);
/* Calls take for every destination but the default one, with the name of the interface. */
typedef void (*NetRouteTake)(void *ctx, const SpecAddress *network, const char *interface);
int net_routes(int fd, NetRouteTake take, void *ctx);
