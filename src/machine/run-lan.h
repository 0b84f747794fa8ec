/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is kept of the networks that `berth network create` made: state_dir/networks/NAME, and beside it, where systemd-networkd runs, files
 * of its own, by which it makes them again after a boot. */

#include "machine/machine.h"
#include "net/lan.h"

typedef enum LanHalf { /* what was going on when a command was killed */
                       LAN_WHOLE,
                       LAN_CREATING,
                       LAN_RAISING,
                       LAN_DELETING,
                       _LAN_HALF_MAX,
} LanHalf;

typedef struct LanFile {
        MachineLan lan;
        char *mac;         /* of the uplink, or a macvlan's own */
        char *uplink_file; /* where networkd reads of it beside what it has for the uplink already; NULL: in a file of its own */
        bool networkd, lent_ipv4;
        LanHalf half;
        char *boot_id, *carry; /* with half: during this boot, what the uplink has to get back */
} LanFile;
void lan_file_done(LanFile *f);
char *lan_file_text(const LanFile *f);
int lan_file_parse(char *text, const char *name, LanFile *ret); /* -EBADMSG */

/* The files of systemd.netdev(5) and systemd.network(5). */
typedef enum LanNetworkd { LAN_NETDEV, LAN_NETWORK, LAN_UPLINK, _LAN_NETWORKD_MAX } LanNetworkd;
char *lan_networkd_name(const LanFile *f, LanNetworkd which);
/* kept: addresses and routes that the uplink had, as lines of a .network file. */
char *lan_networkd_text(const LanFile *f, LanNetworkd which, const char *kept);
bool lan_networkd_runs(void);
int lan_networkd_write(const LanFile *f, const NetCarry *carry, Error *e);
void lan_networkd_remove(const LanFile *f);
void lan_networkd_tell(const MachineHost *h); /* that they have changed */
char *lan_networkd_uplink_file(const MachineLan *l);

/* What is asked for: as src/net takes it, and whether it can be. */
int lan_to_net(const LanFile *f, NetLan *ret, Error *e);
int lan_check_options(const MachineLan *l, bool networkd, Error *e);
int lan_check_carry(const LanFile *f, const NetCarry *carry, Error *e);

/* Where a network of this name was created but is not there since the host was booted. 1: it was made, 0: there was nothing to do. */
int machine_lan_need(const MachineHost *h, const char *name, Error *e);
