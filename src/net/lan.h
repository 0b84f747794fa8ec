/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interfaces that join the host's machines to its LAN: a bridge that has an interface of the host, the uplink, as its port, or a macvlan
 * of it. Made as a whole, or everything is as it was. */

#include "base/error.h"
#include "net/carry.h"
#include "plan/plan.h"

typedef struct NetLan {
        const char *name, *uplink;
        bool macvlan;
        bool take_over; /* the uplink's addresses and routes are its own from now on */
        bool accept_ra; /* it believes routers that announce IPv6 */
        bool vlans_filtered;
        SpecAddresses addresses, gateways;
        uint8_t mac[6]; /* of a macvlan; a bridge has the uplink's */
        struct {
                struct NetVlans {
                        uint16_t first, last;
                } * items;
                size_t n;
        } vlans; /* that the uplink takes with their tags */
} NetLan;
void net_lan_done(NetLan *l); /* frees what is not const */

typedef struct NetLanState {
        bool there, is_bridge, has_uplink;
        char **ports; /* of other interfaces than the uplink */
} NetLanState;
void net_lan_state_done(NetLanState *s);
int net_lan_state(const char *name, const char *uplink, NetLanState *ret, Error *e);

/* Refuses what cannot be, and says what the uplink has and which address of hardware it is. */
int net_lan_check(const NetLan *l, NetCarry *ret, uint8_t ret_mac[static 6], Error *e);
/* `carry` is what is taken over, noted before where net_lan_undo() can be given it whatever happens to this process. */
int net_lan_up(const NetLan *l, const NetCarry *carry, Error *e);
/* Half-made or not; the uplink gets `carry` back. */
int net_lan_undo(const NetLan *l, const NetCarry *carry, Error *e);
/* What the uplink is to get back of what there is now, for net_lan_undo(); refused while machines are its ports. */
int net_lan_holdings(const NetLan *l, NetCarry *ret, Error *e);
