/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "sys/cgroup.h"
#include "sys/process.h"

/* Runs in the guardian: own session, so that a Ctrl-C at the terminal does not reach it, and no descriptor but the pipe. */
static _noreturn_ void guard(const char *cgroup, int pipe_fd)
{
        char byte;
        sigset_t all;

        setsid();
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        (void)sys_close_all_fds(0, &pipe_fd, 1); /* a descriptor more is no reason to leave a machine frozen */
        while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
                ;
        _exit(sys_cgroup_freeze(cgroup, false) < 0);
}

int freeze_begin(Freeze *f, const char *machine_cgroup, Error *e)
{
        int ends[2];
        *f = (Freeze){.cgroup = path_join(machine_cgroup, "payload"), .alive = -1};
        f->paused = sys_cgroup_is_frozen(f->cgroup) > 0;
        if (f->paused)
                return 0;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        f->alive = ends[1];
        f->guardian = fork();
        if (f->guardian == 0) {
                close(ends[1]);
                guard(f->cgroup, ends[0]);
        }
        int r = f->guardian < 0 ? -errno : 0;
        close(ends[0]);
        if (r == 0)
                r = sys_cgroup_freeze(f->cgroup, true);
        if (r == 0)
                return 0;
        (void)freeze_end(f, NULL); /* the first failure is the one to tell */
        return error_sys(e, r, "cannot freeze the processes in '%s'", machine_cgroup);
}

int freeze_end(Freeze *f, Error *e)
{
        int status = 0, r = 0;
        f->alive = fd_close(f->alive); /* the guardian thaws */
        if (f->guardian > 0) {
                while ((r = waitpid(f->guardian, &status, 0)) < 0 && errno == EINTR)
                        ;
                r = r < 0 || status != 0 ? sys_cgroup_freeze(f->cgroup, false) : 0;
        }
        if (f->paused)
                r = 0;
        if (r < 0)
                error_sys(e, r, "cannot thaw the processes in '%s'", f->cgroup);
        free(f->cgroup);
        *f = (Freeze){.alive = -1};
        return r;
}
