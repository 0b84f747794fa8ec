/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-registry.h"
#include "net/net.h"

void machine_addresses(Machine *m)
{
        _cleanup_free_ NetAddress *list = NULL;
        char text[NET_ADDRESS_TEXT_MAX];
        size_t n = 0;

        if (!m->network_private || geteuid() != 0)
                return;
        _cleanup_close_ int leader = machine_open_leader(m);
        if (leader < 0 || net_addresses(leader, &list, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (list[i].scope < RT_SCOPE_LINK)
                        strv_push(&m->addresses, net_address_text(&list[i], text));
}
