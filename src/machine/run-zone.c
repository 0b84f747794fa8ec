/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dnsmasq, one for each zone: names of its machines for each other, and a lease for who asks. */

#include "machine/run-zone.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-scope.h"
#include "spec/value.h"
#include "sys/cgroup.h"
#include "sys/command.h"
#include "sys/process.h"

#define FILE_MAX  (1U << 20)
#define STEP_USEC 5000
#define STEPS_MAX 400

static char *zone_path(const MachineHost *h, const char *zone, const char *file)
{
        return xasprintf("%s/zones/%s/%s", h->run_dir, zone, file);
}

/* Its process: the number is its own as long as it has this file on its command line. */
static int find_server(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *path = zone_path(h, zone, "pid"), *text = NULL, *command_path = NULL, *command = NULL;
        int32_t pid;
        size_t n = 0;

        if (file_read_at(AT_FDCWD, path, 64, &text, NULL) < 0 || str_parse_i32(str_strip(text), &pid) < 0 || pid <= 1)
                return -1;
        _cleanup_close_ int fd = sys_pidfd_open(pid);
        command_path = xasprintf("/proc/%d/cmdline", pid);
        if (fd < 0 || file_read_at(AT_FDCWD, command_path, FILE_MAX, &command, &n) < 0)
                return -1;
        for (const char *word = command; word < command + n; word += strlen(word) + 1) {
                const char *value = str_startswith(word, "--pid-file=");
                if (value && str_eq(value, path))
                        return TAKE_FD(fd);
        }
        return -1;
}

static void stop_server(const MachineHost *h, const char *zone)
{
        _cleanup_close_ int fd = find_server(h, zone);

        if (fd < 0)
                return;
        (void)sys_pidfd_send_signal(fd, SIGTERM);
        for (unsigned i = 0; i < STEPS_MAX && sys_pidfd_alive(fd); i++)
                usleep(STEP_USEC);
        (void)sys_pidfd_send_signal(fd, SIGKILL);
}

static char *group_of(const MachineHost *h)
{
        return path_join(h->cgroup_parent ?: "/machine.slice", "berth-zones");
}

/* It outlives the machine that it was started for, so it may not be in its group. */
static void leave_group(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *unit = xasprintf("zone_%s", zone), *group = NULL;
        int fd = -1;

        if (scope_is_possible(h)) {
                (void)scope_enter(h, unit, NULL, NULL, &group, NULL);
                return;
        }
        group = group_of(h);
        if (sys_cgroup_mountpoint() && sys_cgroup_make(group, &fd) >= 0)
                (void)sys_cgroup_attach(group, getpid());
        fd_close(fd);
}

/* The network's address, as dnsmasq's range wants it. */
static void push_range(char ***argv, const char *host)
{
        SpecAddress a = {};

        if (value_address_read(host, false, &a, NULL) < 0)
                return;
        const uint32_t mask = a.prefix == 0 ? 0 : UINT32_MAX << (32 - a.prefix);
        strv_pushf(argv, "--dhcp-range=%u.%u.%u.%u,static,%u.%u.%u.%u,1h", a.bytes[0] & (mask >> 24),
                   a.bytes[1] & (mask >> 16 & 0xff), a.bytes[2] & (mask >> 8 & 0xff), a.bytes[3] & (mask & 0xff), mask >> 24,
                   mask >> 16 & 0xff, mask >> 8 & 0xff, mask & 0xff);
}

/* In a child, which may change its group. */
static int run_server(const MachineHost *h, const char *zone, const char *host)
{
        _cleanup_free_ char *pid = zone_path(h, zone, "pid"), *hosts = zone_path(h, zone, "hosts"),
                            *dhcp = zone_path(h, zone, "dhcp"), *output = NULL, *errors = NULL;
        _cleanup_strv_ char **argv = NULL;
        int status = 0;

        (void)unlink(pid);
        strv_push(&argv, "dnsmasq");
        strv_push(&argv, "--conf-file=/dev/null");
        strv_pushf(&argv, "--pid-file=%s", pid);
        strv_pushf(&argv, "--interface=%s", zone);
        strv_push(&argv, "--except-interface=lo");
        strv_push(&argv, "--bind-interfaces");
        strv_push(&argv, "--no-hosts");
        strv_push(&argv, "--domain-needed"); /* what has no dot is a machine or nobody: no server elsewhere is asked */
        strv_pushf(&argv, "--addn-hosts=%s", hosts);
        strv_pushf(&argv, "--dhcp-hostsfile=%s", dhcp);
        strv_push(&argv, "--dhcp-authoritative");
        strv_push(&argv, "--leasefile-ro"); /* each machine has its address for good: there is nothing to remember */
        push_range(&argv, host);
        (void)setsid();
        leave_group(h, zone);
        int r = sys_command(&(SysCommand){.argv = argv}, &output, &errors, &status);
        if (r == -ENOENT)
                return 0; /* removed since the plan was made */
        if (r < 0 || status != 0)
                events_warning(&h->events, "zone '%s' has no names and leases: %s", zone + strlen("vz-"),
                               r < 0 ? strerror(-r) : str_strip(errors));
        return 0;
}

static void start_server(const MachineHost *h, const char *zone, const char *host)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(run_server(h, zone, host));
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
}

static void write_zone_file(const MachineHost *h, const char *zone, const char *file, const char *text)
{
        _cleanup_free_ char *path = zone_path(h, zone, file), *dir = path_dirname(path);

        if (file_mkdir_p(dir, 0755) >= 0)
                (void)file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false);
}

void zone_serve(const MachineHost *h, const char *zone, const char *host, const char *hosts, const char *dhcp, bool anew)
{
        write_zone_file(h, zone, "hosts", hosts);
        write_zone_file(h, zone, "dhcp", dhcp);
        if (anew)
                stop_server(h, zone);
        _cleanup_close_ int server = find_server(h, zone);
        if (server >= 0)
                (void)sys_pidfd_send_signal(server, SIGHUP);
        else
                start_server(h, zone, host);
}

void zone_end(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *dir = zone_path(h, zone, ""), *parent = path_join(h->run_dir, "zones"), *group = group_of(h);

        stop_server(h, zone);
        (void)file_remove_tree_at(AT_FDCWD, dir);
        (void)rmdir(parent); /* fails, as it shall, while there are other zones, as the next one does */
        if (sys_cgroup_mountpoint() && !scope_is_possible(h))
                (void)sys_cgroup_remove_empty(group);
}
