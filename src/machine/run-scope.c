/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-scope.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-bus.h"
#include "machine/run-property.h"
#include "sys/cgroup.h"

#define SOCKET        "/run/systemd/private"
#define USER_SOCKET   "systemd/private" /* below $XDG_RUNTIME_DIR */
#define EXISTS_MS     2000 /* the scope of a machine that has just ended goes when systemd is told that it is empty */
#define SCOPE_MS      30000
#define USER_SCOPE_MS 3000 /* a user's systemd may have to ask the host's, and may be refused without telling us */
#define SCOPE_STEP_MS 5

/* StartTransientUnit(name, "fail", properties, no auxiliary units) */
static void put_body(Buf *b, const char *unit, const char *machine, const char *slice, char *const *properties)
{
        _cleanup_free_ char *description = xasprintf("Machine %s", machine);

        bus_put_string(b, unit);
        bus_put_string(b, "fail");
        size_t array = bus_array_open(b);
        bus_put_string_property(b, "Description", description);
        bus_put_string_property(b, "Slice", slice ?: "machine.slice");
        bus_put_string_property(b, "CollectMode", "inactive-or-failed");
        bus_put_property(b, "Delegate", "b");
        bus_put_u32(b, 1);
        bus_put_property(b, "PIDs", "au");
        bus_put_u32(b, sizeof(uint32_t));
        bus_put_u32(b, (uint32_t)getpid());
        property_put_all(b, properties);
        bus_array_close(b, array);
        bus_array_close(b, bus_array_open(b));
}

/* 1: done; 0: there is nobody to ask */
static int call_manager(const MachineHost *h, const char *unit, const char *member, const char *signature, const Buf *body,
                        Error *e)
{
        if (h->rootless && !h->runtime_dir)
                return 0;
        _cleanup_free_ char *socket = h->rootless ? path_join(h->runtime_dir, USER_SOCKET) : xstrdup(SOCKET);
        _cleanup_free_ char *object = xasprintf("unit '%s'", unit);

        return bus_call(
                        &(BusCall){
                                        .socket = socket,
                                        .uid = h->uid,
                                        .service = "systemd",
                                        .object = object,
                                        .destination = "org.freedesktop.systemd1",
                                        .path = "/org/freedesktop/systemd1",
                                        .interface = "org.freedesktop.systemd1.Manager",
                                        .member = member,
                                        .signature = signature,
                                        .body = body,
                        },
                        e);
}

static int start_unit(const MachineHost *h, const char *unit, const char *machine, const char *slice, char *const *properties,
                      Error *e)
{
        _cleanup_buf_ Buf body = {};

        put_body(&body, unit, machine, slice, properties);
        return call_manager(h, unit, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, e);
}

static int stop_unit(const MachineHost *h, const char *unit, Error *e)
{
        _cleanup_buf_ Buf body = {};

        bus_put_string(&body, unit);
        bus_put_string(&body, "replace");
        return call_manager(h, unit, "StopUnit", "ss", &body, e);
}

/* "a-b.slice" lies in "a.slice" (systemd.slice(5)). */
static char *slice_path(const char *slice)
{
        char *path = xstrdup("");

        for (const char *dash = slice; (dash = strchr(dash, '-')); dash++) {
                char *deeper = xasprintf("%s/%.*s.slice", path, (int)(dash - slice), slice);
                free(path);
                path = deeper;
        }
        char *whole = xasprintf("%s/%s", path, slice);
        free(path);
        return whole;
}

/* A scope without a process in it, or whose directory is gone already: of a machine that ended. */
static bool is_empty(const char *unit, const char *slice)
{
        _cleanup_free_ char *parent = slice_path(slice ?: "machine.slice"), *path = path_join(parent, unit);
        return sys_cgroup_populated(path) <= 0;
}

int scope_enter(const MachineHost *h, const char *machine, const char *slice, char *const *properties, char **ret_cgroup,
                Error *e)
{
        _cleanup_free_ char *unit = xasprintf("berth-%s.scope", machine);
        Error error = {};
        int r = start_unit(h, unit, machine, slice, properties, &error);

        for (unsigned ms = 0; r == -EEXIST && ms < 2 * EXISTS_MS; ms += SCOPE_STEP_MS) {
                if (ms == EXISTS_MS && is_empty(unit, slice)) /* systemd was not told */
                        (void)stop_unit(h, unit, NULL);
                usleep(SCOPE_STEP_MS * 1000);
                error = (Error){};
                r = start_unit(h, unit, machine, slice, properties, &error);
        }
        if (r < 0 && e)
                *e = error;
        if (r <= 0)
                return r;
        for (unsigned ms = 0; ms < (h->rootless ? USER_SCOPE_MS : SCOPE_MS);
             ms += SCOPE_STEP_MS) { /* the answer means that the job is queued */
                _cleanup_free_ char *own = NULL;
                if (sys_cgroup_self(&own) == 0 && str_endswith(own, unit)) {
                        *ret_cgroup = TAKE_PTR(own);
                        return 1;
                }
                usleep(SCOPE_STEP_MS * 1000);
        }
        return error_set(e, -ETIMEDOUT, "systemd did not start unit '%s'", unit);
}

bool scope_is_possible(const MachineHost *h)
{
        return !h->rootless && !h->cgroup_parent && access(SOCKET, F_OK) == 0;
}

bool scope_leave(const MachineHost *h, const char *cgroup)
{
        const char *unit = strrchr(cgroup, '/');
        unit = unit ? unit + 1 : cgroup;
        if (!str_startswith(unit, "berth-") || !str_endswith(unit, ".scope") || access(SOCKET, F_OK) < 0)
                return false;
        static const char *const below[] = {"payload", "supervisor"};
        for (size_t i = 0; i < ELEMENTSOF(below); i++) {
                _cleanup_free_ char *path = path_join(cgroup, below[i]);
                (void)sys_cgroup_remove(path);
        }
        for (unsigned ms = 0; ms < 2 * EXISTS_MS && sys_cgroup_populated(cgroup) >= 0; ms += SCOPE_STEP_MS) {
                if (ms == EXISTS_MS)
                        (void)stop_unit(h, unit, NULL);
                usleep(SCOPE_STEP_MS * 1000);
        }
        return true;
}
