/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-facts.h"
#include "machine/run-registry.h"
#include "net/net.h"
#include "sys/process.h"

static void add_addresses(int process, Machine *m)
{
        _cleanup_free_ NetAddress *list = NULL;
        char text[NET_ADDRESS_TEXT_MAX];
        size_t n = 0;

        if (process < 0 || net_addresses(process, &list, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (list[i].scope < RT_SCOPE_LINK)
                        strv_push(&m->addresses, net_address_text(&list[i], text));
}

void machine_addresses(Machine *m)
{
        if (!m->network_private || geteuid() != 0)
                return;
        _cleanup_close_ int leader = machine_open_leader(m);
        add_addresses(leader, m);
}

void machine_self(Machine *ret)
{
        static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
        _cleanup_close_ int self = geteuid() == 0 ? sys_pidfd_open(getpid()) : -1;
        _cleanup_free_ char *text = NULL;

        *ret = (Machine){.name = xstrdup(".host"), .class = xstrdup("host")};
        for (size_t i = 0; !text && i < ELEMENTSOF(paths); i++)
                if (file_read_at(AT_FDCWD, paths[i], 65536, &text, NULL) < 0)
                        text = NULL;
        ret->os_id = text ? machine_os_value(text, "ID") : NULL;
        ret->os_version = text ? machine_os_value(text, "VERSION_ID") : NULL;
        add_addresses(self, ret);
}
