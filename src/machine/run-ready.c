/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-ready.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "sys/open.h"

#define FILE_LIMIT 65536
#define STEP_USEC  50000

static bool exists(int root, const char *path)
{
        _cleanup_close_ int fd = sys_open_in_root(root, path, O_PATH, 0);

        return fd >= 0;
}

/* ---- its processes ---- */

static char *proc_text(const char *pid, const char *file)
{
        _cleanup_free_ char *path = xasprintf("/proc/%s/%s", pid, file);
        char *text = NULL;

        return file_read_at(AT_FDCWD, path, FILE_LIMIT, &text, NULL) < 0 ? NULL : text;
}

/* The children of PID 1 whose program is one of these; NULL: any. */
static bool has_child(const Machine *m, char *const *programs)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/children", m->leader, m->leader), *text = NULL;

        if (file_read_at(AT_FDCWD, path, FILE_LIMIT, &text, NULL) < 0)
                return true; /* a kernel that does not tell: what cannot be seen is not waited for */
        _cleanup_strv_ char **pids = strv_split(text, " ");
        STRV_FOREACH (pid, pids) {
                _cleanup_free_ char *comm = proc_text(*pid, "comm"), *command = proc_text(*pid, "cmdline");
                const char *program = command ? path_basename(command + (*command == '-')) : NULL; /* a login shell's dash */
                if (comm && (strv_contains(programs, str_strip(comm)) || (program && strv_contains(programs, program))))
                        return true;
        }
        return false;
}

/* ---- each init ---- */

char **ready_inittab_programs(const char *inittab)
{
        static const char *const lasting[] = {"respawn", "askfirst", "once", "ondemand"};
        _cleanup_strv_ char **lines = strv_split(inittab, "\n");
        char **list = NULL;

        STRV_FOREACH (line, lines) {
                char *fields[4] = {str_strip(*line)};
                size_t n = 1;
                if (*fields[0] == '#')
                        continue;
                for (char *at = fields[0]; n < 4 && (at = strchr(at, ':')); n++) {
                        *at++ = '\0';
                        fields[n] = at;
                }
                for (size_t i = 0; n == 4 && i < ELEMENTSOF(lasting); i++) {
                        const char *process = fields[3] + strspn(fields[3], "-+@ \t"); /* signs to init */
                        _cleanup_free_ char *program = xstrndup(process, strcspn(process, " \t"));
                        if (str_eq(fields[2], lasting[i]) && *program)
                                strv_push(&list, path_basename(program));
                }
        }
        return list;
}

static bool inittab_ready(const Machine *m, int root)
{
        _cleanup_close_ int fd = sys_open_in_root(root, "/etc/inittab", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        _cleanup_free_ char *text = NULL;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || file_read_fd(fd, FILE_LIMIT, &text, NULL) < 0)
                return true; /* nothing that could be waited for */
        _cleanup_strv_ char **programs = ready_inittab_programs(text);
        return !programs || has_child(m, programs);
}

static bool openrc_ready(const Machine *m, int root)
{
        return exists(root, "/run/openrc/softlevel") && !exists(root, "/run/openrc/rc.starting");
}

/* Who is above the services: runsvdir in stage 2 of runit, s6-svscan as PID 1 once rc.init, which brings the services up, is through. */
static bool runit_ready(const Machine *m, int root)
{
        return has_child(m, (char *[]){"runsvdir", NULL});
}

static bool s6_ready(const Machine *m, int root)
{
        _cleanup_free_ char *pid = xasprintf("%d", m->leader), *comm = proc_text(pid, "comm");

        return comm && str_eq(str_strip(comm), "s6-svscan") && !has_child(m, (char *[]){"rc.init", NULL});
}

static bool dinit_ready(const Machine *m, int root)
{
        return exists(root, "/run/dinitctl") || exists(root, "/dev/dinitctl");
}

typedef struct ReadyRow {
        InitKind kind;
        bool (*ready)(const Machine *m, int root);
} ReadyRow;
static const ReadyRow rows[] = {
                {INIT_OPENRC, openrc_ready},   {INIT_SYSVINIT, inittab_ready},
                {INIT_BUSYBOX, inittab_ready}, {INIT_RUNIT, runit_ready},
                {INIT_S6, s6_ready},           {INIT_DINIT, dinit_ready},
};

static bool is_init(const Machine *m, InitKind kind)
{
        return str_eq(m->init, plan_init_name(kind));
}

bool machine_is_ready(const Machine *m)
{
        if (!str_eq(m->state, "running"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (!is_init(m, rows[i].kind))
                        continue;
                _cleanup_close_ int root = machine_open_root(m);
                /* OpenRC may be what sysvinit or BusyBox started. */
                return root >= 0 && rows[i].ready(m, root) && !exists(root, "/run/openrc/rc.starting");
        }
        return true; /* systemd has said so, others have nothing to say */
}

/* ---- runit: SIGCONT looks at two files (runit(8)) ---- */

static int set_mode_as_owner(int root, const char *path, mode_t mode)
{
        _cleanup_close_ int fd = sys_open_in_root(root, path, O_PATH, 0);

        if (fd == -ENOENT && mode)
                fd = sys_open_in_root(root, path, O_RDONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, mode);
        if (fd < 0)
                return fd == -ENOENT && mode == 0 ? 0 : fd;
        return chmod(fd_path(fd).s, mode) < 0 ? -errno : 0;
}

/* With no more rights than the machine's root has: a link there may lead to a file of the host that is bound in. */
static int set_mode(const Machine *m, int root, const char *path, mode_t mode)
{
        (void)setfsgid(m->id_base);
        (void)setfsuid(m->id_base);
        int r = set_mode_as_owner(root, path, mode);
        (void)setfsuid(0);
        (void)setfsgid(0);
        return r;
}

static int prepare_runit(const Machine *m, bool reboot)
{
        _cleanup_close_ int root = machine_open_root(m);
        int r = root;

        if (r >= 0)
                r = set_mode(m, root, "/etc/runit/reboot", reboot ? 0100 : 0);
        if (r >= 0)
                r = set_mode(m, root, "/etc/runit/stopit", 0100);
        return r < 0 ? 0 : SIGCONT;
}

int machine_prepare_stop(const Machine *m)
{
        if (is_init(m, INIT_RUNIT) && m->stop_signal == SIGCONT)
                (void)prepare_runit(m, false); /* it is asked all the same */
        return m->stop_signal;
}

int machine_prepare_reboot(const Machine *m)
{
        return m->reboot_signal || !is_init(m, INIT_RUNIT) ? m->reboot_signal : prepare_runit(m, true);
}

/* ---- wait ---- */

/* Its supervisor, which has the name to the end, has cleared up. */
static bool is_at_its_end(const MachineHost *h, const char *name)
{
        int lock = machine_record_lock(h, name);
        bool so = lock != -EAGAIN;

        machine_record_unlock(h, name, &lock);
        return so;
}

static bool is_so(const MachineHost *h, const char *name, MachineWait what)
{
        Machine m = {0};
        bool running = machine_find(h, name, &m, NULL) >= 0;
        bool so = what == WAIT_EXIT ? !running && is_at_its_end(h, name)
                                    : running && (what == WAIT_RUNNING || machine_is_ready(&m));

        machine_done(&m);
        return so;
}

int machine_wait(const MachineHost *h, char *const *names, MachineWait what, uint64_t timeout_usec, Error *e)
{
        static const char *const texts[] = {"running", "ready", "at its end"};
        const uint64_t begun = clock_monotonic();

        STRV_FOREACH (name, names) {
                int r = machine_check_name(*name, e);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH (name, names)
                while (!is_so(h, *name, what)) {
                        uint64_t passed = clock_monotonic() - begun;
                        if (passed >= timeout_usec)
                                return error_set(e, -ETIMEDOUT, "machine '%s' is not %s in time", *name, texts[what]);
                        usleep((useconds_t)MIN(timeout_usec - passed, (uint64_t)STEP_USEC));
                }
        return 0;
}
