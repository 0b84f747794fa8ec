/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bridges of zones, made by their first machine and removed by their last one. systemd-nspawn makes the same for its own machines: its lock
 * keeps one from removing what the other is about to join. */

#include "base/error.h"
#include "plan/plan.h"

int net_zone_lock(Error *e);        /* a descriptor that holds it */
void net_zone_unlock(int *take_fd); /* -1 is fine */

/* Both are for the holder of the lock; fd is an rtnetlink socket of the host. */
int net_zone_make(int fd, const char *bridge, const uint8_t *mac, const SpecAddresses *addresses, Error *e);
int net_zone_remove(int fd, const char *bridge, Error *e); /* 1: it was empty and is gone, 0: it is in use or was not there */

#define NET_ZONE_TABLE "berth_zone_"
