/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-machined.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "machine/run-bus.h"

#define SOCKET    "/run/dbus/system_bus_socket"
#define EXISTS_MS 1000
#define STEP_MS   20

static int call(const MachineHost *h, const char *name, const char *member, const char *signature, const Buf *body, Error *e)
{
        _cleanup_free_ char *object = xasprintf("machine '%s'", name);

        return bus_call(
                        &(BusCall){
                                        .socket = SOCKET,
                                        .broker = true,
                                        .uid = h->uid,
                                        .service = "systemd-machined",
                                        .object = object,
                                        .destination = "org.freedesktop.machine1",
                                        .path = "/org/freedesktop/machine1",
                                        .interface = "org.freedesktop.machine1.Manager",
                                        .member = member,
                                        .signature = signature,
                                        .body = body,
                        },
                        e);
}

int machined_register(const MachineHost *h, const Machine *m, Error *e)
{
        _cleanup_buf_ Buf body = {};

        bus_put_string(&body, m->name);
        bus_put_bytes(&body, NULL, 0); /* the machine's ID: none that the host would know */
        bus_put_string(&body, m->service);
        bus_put_string(&body, m->class);
        bus_put_u32(&body, (uint32_t)m->leader);
        bus_put_string(&body, m->root);
        for (unsigned ms = 0;; ms += STEP_MS) { /* one that has just been unregistered, for a reboot, is on its way out */
                Error error = {};
                int r = call(h, m->name, "RegisterMachine", "sayssus", &body, &error);
                if (r != -EEXIST || ms >= EXISTS_MS) {
                        if (r < 0 && e)
                                *e = error;
                        return r;
                }
                usleep(STEP_MS * 1000);
        }
}

void machined_unregister(const MachineHost *h, const char *name)
{
        _cleanup_buf_ Buf body = {};

        bus_put_string(&body, name);
        (void)call(h, name, "UnregisterMachine", "s", &body, NULL);
}
