/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-lan.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-bus.h"

#define NETWORKD_DIR "/etc/systemd/network"

bool lan_networkd_runs(void)
{
        return access("/run/systemd/netif/state", F_OK) >= 0;
}

void lan_networkd_tell(const MachineHost *h)
{
        const Buf none = {};
        Error error = {};
        int r = bus_call(&(BusCall){.socket = "/run/dbus/system_bus_socket",
                                    .broker = true,
                                    .uid = h->uid,
                                    .service = "systemd-networkd",
                                    .object = "its files to be read again",
                                    .destination = "org.freedesktop.network1",
                                    .path = "/org/freedesktop/network1",
                                    .interface = "org.freedesktop.network1.Manager",
                                    .member = "Reload",
                                    .body = &none},
                         &error);

        if (r <= 0)
                events_warning(&h->events, "systemd-networkd could not be told of its new files%s%s; run 'networkctl reload'",
                               r < 0 ? ": " : "", r < 0 ? error.message : "");
}

/* A macvlan leaves its uplink what networkd gave it: it is added to the file by which that is done. */
char *lan_networkd_uplink_file(const MachineLan *l)
{
        _cleanup_free_ char *path = xasprintf("/run/systemd/netif/links/%u", if_nametoindex(l->uplink)), *text = NULL;

        if (!l->macvlan || l->take_over || file_read_at(AT_FDCWD, path, 65536, &text, NULL) < 0)
                return NULL;
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        STRV_FOREACH (line, lines) {
                const char *file = str_startswith(*line, "NETWORK_FILE=");
                if (file && *path_basename(file))
                        return xasprintf("%s.d/berth-%s.conf", path_basename(file), l->name);
        }
        return NULL;
}

void lan_networkd_remove(const LanFile *f)
{
        for (LanNetworkd i = 0; i < _LAN_NETWORKD_MAX; i++) {
                _cleanup_free_ char *name = lan_networkd_name(f, i), *path = path_join(NETWORKD_DIR, name),
                                    *dir = path_dirname(path);
                (void)unlink(path);
                if (i == LAN_UPLINK && f->uplink_file)
                        (void)rmdir(dir); /* fails, as it shall, while others have something in it */
        }
}

int lan_networkd_write(const LanFile *f, const NetCarry *carry, Error *e)
{
        _cleanup_free_ char *kept = net_carry_networkd(carry);

        for (LanNetworkd i = 0; i < _LAN_NETWORKD_MAX; i++) {
                _cleanup_free_ char *name = lan_networkd_name(f, i), *path = path_join(NETWORKD_DIR, name),
                                    *dir = path_dirname(path), *text = lan_networkd_text(f, i, kept);
                int r = file_mkdir_p(dir, 0755);
                if (r >= 0)
                        r = file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, true);
                if (r < 0)
                        return error_sys(e, r, "cannot write '%s'", path);
        }
        return 0;
}
