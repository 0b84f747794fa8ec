/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "machine/run-facts.h"

#define OUTPUT_MAX (64 * 1024)

static const char origin[] = "berth create";

/* What is built from source comes from somewhere. */
static void add_seed(const TreeSeed *seed, MachineSpec *s)
{
        s->network = SPEC_NETWORK_HOST;
        s->ephemeral = true;
        spec_mark(s, SPEC_FIELD_EPHEMERAL, origin);
        for (size_t i = 0; i < seed->mounts.n; i++) {
                SpecMount m = seed->mounts.items[i];
                m.source = m.source ? xstrdup(m.source) : NULL;
                m.layers = strv_copy(m.layers);
                m.target = xstrdup(m.target);
                *vec_push(&s->mounts) = m;
        }
        spec_mark(s, SPEC_FIELD_MOUNTS, origin);
}

static void make_spec(const TreeRunner *t, const DistroCommand *c, MachineSpec *s)
{
        spec_init(s);
        if (!t->seed || t->seed->image->directory) {
                s->directory = xstrdup(t->seed ? t->seed->image->directory : t->path);
                spec_mark(s, SPEC_FIELD_DIRECTORY, origin);
        }
        s->machine = xstrdup(t->name);
        spec_mark(s, SPEC_FIELD_MACHINE, origin);
        s->users = SPEC_USERS_PICK;
        spec_mark(s, SPEC_FIELD_USERS, origin);
        s->network = SPEC_NETWORK_PRIVATE;
        spec_mark(s, SPEC_FIELD_NETWORK, origin);
        if (t->seed)
                add_seed(t->seed, s);
        s->console = SPEC_CONSOLE_PIPE;
        spec_mark(s, SPEC_FIELD_CONSOLE, origin);
        s->as_pid2 = true; /* package scripts leave children behind that somebody has to reap */
        spec_mark(s, SPEC_FIELD_AS_PID2, origin);
        s->kill_signal = SIGKILL; /* who interrupts a create throws the tree away: nothing in it needs time to end */
        spec_mark(s, SPEC_FIELD_KILL_SIGNAL, origin);
        s->suppress_sync = true; /* the whole tree is synced when it is finished */
        spec_mark(s, SPEC_FIELD_SUPPRESS_SYNC, origin);
        if (c->env) {
                s->environment = strv_copy(c->env);
                spec_mark(s, SPEC_FIELD_ENVIRONMENT, origin);
        }
        spec_set_parameters(s, c->argv, origin);
}

static int make_plan(const TreeRunner *t, const DistroCommand *c, MachinePlan *ret, Error *e)
{
        StoreImage tree = {.name = (char *)t->name,
                           .driver = STORE_DIRECTORY,
                           .path = (char *)t->path,
                           .directory = (char *)t->path};
        MachineSpec s;
        HostFacts f = {0};
        make_spec(t, c, &s);
        machine_facts_host(t->host, &f);
        int r = machine_facts_image(t->seed ? t->seed->image : &tree, &s, &f, e);
        if (r >= 0) {
                f.machine_name = xstrdup(t->name);
                f.id_base = t->range->base;
                if (t->seed)
                        f.scratch = t->seed->scratch ? xstrdup(t->seed->scratch) : NULL;
                else
                        f.has_resolv_conf = false; /* there is no network to resolve for, and the file is the image's own */
                free(f.term);
                f.term = NULL;
                r = plan_build(&s, &f, ret, e);
        }
        facts_done(&f);
        spec_done(&s);
        return r;
}

/* What the command wrote lands in memory: a pipe would need somebody to read it while the engine supervises. */
static int memory_file(const char *text)
{
        _cleanup_close_ int fd = memfd_create("berth", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (text) {
                int r = fd_write_all(fd, text, strlen(text));
                if (r < 0)
                        return r;
                if (lseek(fd, 0, SEEK_SET) < 0)
                        return -errno;
        }
        return TAKE_FD(fd);
}

static char *tail_of(int fd)
{
        off_t size = lseek(fd, 0, SEEK_END);
        off_t from = size > OUTPUT_MAX ? size - OUTPUT_MAX : 0;
        char *text = xmalloc(OUTPUT_MAX + 1);
        ssize_t n = pread(fd, text, OUTPUT_MAX, from);
        text[n > 0 ? n : 0] = '\0';
        return text;
}

static int shell_status(const EngineResult *end, const char *program, int *ret_status, Error *e)
{
        switch (end->end) {
        case ENGINE_EXITED:
                *ret_status = end->status;
                return 0;
        case ENGINE_SIGNALED:
                *ret_status = 128 + end->status;
                return 0;
        case ENGINE_KILLED:
                return error_set(e, -EINTR, "interrupted while '%s' ran in the new system", program);
        case ENGINE_POWEROFF:
        case ENGINE_REBOOT:
                return error_set(e, -EIO, "'%s' shut the new system down while it was made", program);
        }
        return -EINVAL;
}

static int run(void *ctx, const DistroCommand *c, int *ret_status, char **ret_output, Error *e)
{
        const TreeRunner *t = ctx;
        MachinePlan plan = {0};
        EngineResult end;
        int r = make_plan(t, c, &plan, e);
        if (r < 0)
                return r;
        _cleanup_close_ int in = c->stdin_text ? memory_file(c->stdin_text) : open("/dev/null", O_RDONLY | O_CLOEXEC);
        const char *log = t->seed ? t->seed->log : NULL;
        _cleanup_close_ int out = log ? open(log, O_RDWR | O_APPEND | O_CLOEXEC) : memory_file(NULL);
        if (in < 0 || out < 0)
                r = error_sys(e, -EMFILE, "cannot open the input and output of '%s'", c->argv[0]);
        else {
                const EngineIo io = {.in = in, .out = out, .err = out, .console_log = -1, .control = -1};
                r = engine_run(&plan, &io, &(EngineHooks){0}, &end, e);
        }
        plan_done(&plan);
        if (r < 0)
                return r;
        if (ret_output)
                *ret_output = tail_of(out);
        return shell_status(&end, c->argv[0], ret_status, e);
}

DistroRunner tree_runner(TreeRunner *t)
{
        return (DistroRunner){.run = run, .ctx = t};
}
