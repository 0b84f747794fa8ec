/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/devices.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

/* Registers: what is asked for, and what of it no rule has decided yet. */
enum { RESULT = 0, CONTEXT = 1, TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5, SCRATCH = 6 };

typedef struct Program {
        struct bpf_insn *out;
        size_t n, size;
} Program;

static void emit(Program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
        if (p->n < p->size)
                p->out[p->n] = (struct bpf_insn){.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm};
        p->n++;
}

static void emit_return(Program *p, int value)
{
        emit(p, BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0, value);
        emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int32_t access_bits(const SpecDeviceRule *r)
{
        return (r->read ? BPF_DEVCG_ACC_READ : 0) | (r->write ? BPF_DEVCG_ACC_WRITE : 0) | (r->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

#define SKIPS_MAX 4

/* Jumps to the next rule, wherever that will be. */
typedef struct Skips {
        size_t at[SKIPS_MAX];
        size_t n;
} Skips;

static void skip_unless(Program *p, Skips *s, uint8_t reg, int32_t value)
{
        s->at[s->n++] = p->n;
        emit(p, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value);
}

static void emit_rule(Program *p, const SpecDeviceRule *r)
{
        Skips s = {};

        if (r->type != 'a')
                skip_unless(p, &s, TYPE, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        if (r->major.set)
                skip_unless(p, &s, MAJOR, (int32_t)r->major.value);
        if (r->minor.set)
                skip_unless(p, &s, MINOR, (int32_t)r->minor.value);
        if (r->allow) { /* that much of it is decided; with nothing left, all is */
                emit(p, BPF_ALU64 | BPF_AND | BPF_K, ACCESS, 0, 0, ~access_bits(r));
                skip_unless(p, &s, ACCESS, 0);
                emit_return(p, 1);
        } else { /* one undecided kind that is denied is enough */
                emit(p, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
                emit(p, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, access_bits(r));
                s.at[s.n++] = p->n;
                emit(p, BPF_JMP | BPF_JEQ | BPF_K, SCRATCH, 0, 0, 0);
                emit_return(p, 0);
        }
        for (size_t i = 0; i < s.n; i++)
                if (s.at[i] < p->size)
                        p->out[s.at[i]].off = (int16_t)(p->n - s.at[i] - 1);
}

/* The last rule first: so each kind of access is decided by the first one that fits. */
int devices_build(const SpecDeviceRule *rules, size_t n, struct bpf_insn *ret, size_t size)
{
        Program p = {.out = ret, .size = size};
        const uint8_t load = BPF_LDX | BPF_W | BPF_MEM;

        emit(&p, load, TYPE, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
        emit(&p, BPF_ALU64 | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
        emit(&p, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
        emit(&p, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
        emit(&p, load, MAJOR, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
        emit(&p, load, MINOR, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
        for (size_t i = n; i > 0; i--)
                emit_rule(&p, &rules[i - 1]);
        emit_return(&p, 1);
        return p.n > size ? -E2BIG : (int)p.n;
}

static int bpf(int command, union bpf_attr *attr)
{
        long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

        return r < 0 ? -errno : (int)r;
}

int devices_limit(int cgroup_fd, const PlanOp *op, Error *e)
{
        size_t size = 16 * (op->n_devices + 1);
        _cleanup_free_ struct bpf_insn *program = xnew(struct bpf_insn, size);
        int n = devices_build(op->devices, op->n_devices, program, size);
        if (n < 0)
                return error_sys(e, n, "there are too many rules about devices");

        union bpf_attr load = {
                        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                        .insn_cnt = (uint32_t)n,
                        .insns = (uint64_t)(uintptr_t)program,
                        .license = (uint64_t)(uintptr_t) "LGPL",
        };
        _cleanup_close_ int fd = bpf(BPF_PROG_LOAD, &load);
        if (fd < 0)
                return error_sys(e, fd, "cannot load the program that limits the machine's devices (linux.resources.devices)");
        union bpf_attr attach = {
                        .target_fd = (uint32_t)cgroup_fd,
                        .attach_bpf_fd = (uint32_t)fd,
                        .attach_type = BPF_CGROUP_DEVICE,
                        .attach_flags = BPF_F_ALLOW_MULTI,
        };
        int r = bpf(BPF_PROG_ATTACH, &attach);
        return r < 0 ? error_sys(e, r, "cannot limit the machine's devices (linux.resources.devices)") : 0;
}
