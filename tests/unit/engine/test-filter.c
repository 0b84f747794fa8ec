/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "engine/filter.h"

/* An interpreter of the part of BPF that a filter consists of; the kernel's cannot be asked what it would do. */
static uint32_t interpret(const struct sock_filter *f, size_t n, const struct seccomp_data *data)
{
        uint32_t a = 0;

        for (size_t pc = 0; pc < n; pc++)
                switch (f[pc].code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        assert_true(f[pc].k % 4 == 0 && f[pc].k + 4 <= sizeof(*data));
                        memcpy(&a, (const char *)data + f[pc].k, sizeof(a));
                        break;
                case BPF_JMP | BPF_JA:
                        pc += f[pc].k;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        pc += a == f[pc].k ? f[pc].jt : f[pc].jf;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        pc += a >= f[pc].k ? f[pc].jt : f[pc].jf;
                        break;
                case BPF_JMP | BPF_JSET | BPF_K:
                        pc += a & f[pc].k ? f[pc].jt : f[pc].jf;
                        break;
                case BPF_RET | BPF_K:
                        return f[pc].k;
                default:
                        fail_msg("instruction %zu is not understood", pc);
                }
        fail_msg("the program runs off its end");
        return 0;
}

#define DEFAULT_CAPABILITIES \
        ((UINT64_C(1) << CAP_SYS_BOOT) | (UINT64_C(1) << CAP_SYS_PTRACE) | (UINT64_C(1) << CAP_SYS_TTY_CONFIG))

static uint32_t ask(const SeccompArch *archs, uint64_t capabilities, bool nosync, struct seccomp_data data)
{
        struct sock_filter program[BPF_MAXINSNS];
        int n = seccomp_build(archs, capabilities, nosync, program, BPF_MAXINSNS);

        assert_true(n > 0);
        return interpret(program, (size_t)n, &data);
}

/* The tables of the build, on the CPU that runs the test. */
static uint32_t native(int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
        if (!seccomp_archs[0].rows)
                skip();
        return ask(seccomp_archs, DEFAULT_CAPABILITIES, false,
                   (struct seccomp_data){.nr = nr, .arch = seccomp_archs[0].audit, .args = {a0, a1, a2}});
}

static uint32_t native_nosync(int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
        if (!seccomp_archs[0].rows)
                skip();
        return ask(seccomp_archs, DEFAULT_CAPABILITIES, true,
                   (struct seccomp_data){.nr = nr, .arch = seccomp_archs[0].audit, .args = {a0, a1, a2}});
}

static void daily_calls_are_allowed(void **state)
{
        const int calls[] = {SYS_read,  SYS_write,      SYS_openat,  SYS_openat2,  SYS_execve, SYS_clone3,
                             SYS_mount, SYS_setns,      SYS_unshare, SYS_fsync,    SYS_kill,   SYS_bind,
                             SYS_statx, SYS_exit_group, SYS_futex,   SYS_io_setup, SYS_prctl,  SYS_seccomp};

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(native(calls[i], 0, 0, 0), SECCOMP_RET_ALLOW);
}

static void what_is_left_out_on_purpose_is_refused(void **state)
{
        const int calls[] = {SYS_kexec_load, SYS_open_by_handle_at, SYS_perf_event_open, SYS_keyctl,      SYS_add_key,
                             SYS_swapon,     SYS_fanotify_init,     SYS_quotactl,        SYS_init_module, SYS_settimeofday};

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(native(calls[i], 0, 0, 0), SECCOMP_RET_ERRNO | EPERM);
}

static void unknown_calls_do_not_exist(void **state)
{
        const int calls[] = {999, 1 << 20, -1};

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(native(calls[i], 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void calls_newer_than_the_build_library_are_known(void **state)
{
        assert_int_equal(native(452 /* fchmodat2 */, 0, 0, 0), SECCOMP_RET_ALLOW);
        assert_int_equal(native(459 /* lsm_get_self_attr */, 0, 0, 0), SECCOMP_RET_ERRNO | EPERM);
}

static void a_capability_opens_its_calls(void **state)
{
        struct seccomp_data data = {.nr = SYS_settimeofday, .arch = seccomp_archs[0].audit};

        if (!seccomp_archs[0].rows)
                skip();
        assert_int_equal(ask(seccomp_archs, UINT64_C(1) << CAP_SYS_TIME, false, data), SECCOMP_RET_ALLOW);
        data.nr = SYS_ptrace;
        assert_int_equal(ask(seccomp_archs, UINT64_C(1) << CAP_SYS_TIME, false, data), SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(ask(seccomp_archs, DEFAULT_CAPABILITIES, false, data), SECCOMP_RET_ALLOW);
}

static void audit_sockets_are_of_no_known_family(void **state)
{
        assert_int_equal(native(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
        assert_int_equal(native(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), SECCOMP_RET_ALLOW);
        assert_int_equal(native(SYS_socket, AF_INET, SOCK_STREAM, NETLINK_AUDIT), SECCOMP_RET_ALLOW);
}

static void suppressed_synchronisation_succeeds(void **state)
{
        const int calls[] = {SYS_fsync, SYS_fdatasync, SYS_sync, SYS_syncfs, SYS_msync};

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                assert_int_equal(native_nosync(calls[i], 0, 0, 0), SECCOMP_RET_ERRNO);
        assert_int_equal(native_nosync(SYS_fsync, (uint64_t)-1, 0, 0), SECCOMP_RET_ALLOW); /* the kernel says EBADF */
        assert_int_equal(native_nosync(SYS_sync, (uint64_t)-1, 0, 0), SECCOMP_RET_ERRNO);
}

static void suppressed_synchronisation_refuses_synchronous_files(void **state)
{
        assert_int_equal(native_nosync(SYS_openat, 0, 0, O_RDWR), SECCOMP_RET_ALLOW);
        assert_int_equal(native_nosync(SYS_openat, 0, 0, O_RDWR | O_SYNC), SECCOMP_RET_ERRNO | EINVAL);
        assert_int_equal(native_nosync(SYS_openat, 0, 0, O_RDWR | O_DSYNC), SECCOMP_RET_ERRNO | EINVAL);
        assert_int_equal(native_nosync(SYS_openat2, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
        assert_int_equal(native_nosync(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void a_foreign_architecture_has_no_calls(void **state)
{
        assert_int_equal(ask(seccomp_archs, 0, false, (struct seccomp_data){.nr = 0, .arch = 0x1234}),
                         SECCOMP_RET_ERRNO | ENOSYS);
}

/* Many ranges, so that jumps over more than 255 instructions occur; every border is looked at from both sides. */
static void every_number_of_a_long_table_is_found(void **state)
{
        SeccompRow rows[900];

        for (uint32_t i = 0; i < ELEMENTSOF(rows); i++)
                rows[i] = (SeccompRow){.first = i * 3, .class = (uint8_t)(i % 3)};
        const SeccompArch archs[] = {{.audit = 7, .rows = rows, .n = ELEMENTSOF(rows)}, {.audit = 8, .rows = rows, .n = 2}, {0}};
        const uint32_t actions[] = {SECCOMP_RET_ERRNO | ENOSYS, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW};
        struct sock_filter program[BPF_MAXINSNS];
        int n = seccomp_build(archs, 0, false, program, BPF_MAXINSNS);

        assert_true(n > 900);
        for (int nr = 0; nr < 2700; nr++)
                assert_int_equal(interpret(program, (size_t)n, &(struct seccomp_data){.nr = nr, .arch = 7}), actions[nr / 3 % 3]);
        assert_int_equal(interpret(program, (size_t)n, &(struct seccomp_data){.nr = 4, .arch = 8}), actions[1]);
}

static void a_program_that_does_not_fit_is_refused(void **state)
{
        const SeccompRow rows[] = {{0, SECCOMP_CLASS_ALLOW}, {10, SECCOMP_CLASS_REFUSE}, {20, SECCOMP_CLASS_ALLOW}};
        const SeccompArch archs[] = {{.audit = 7, .rows = rows, .n = ELEMENTSOF(rows)}, {0}};
        struct sock_filter program[4];

        assert_int_equal(seccomp_build(archs, 0, false, program, ELEMENTSOF(program)), -E2BIG);
}

static void named_calls_are_settled_whatever_the_rows_say(void **state)
{
        const SeccompRow rows[] = {
                        {0, SECCOMP_CLASS_UNKNOWN}, {5, SECCOMP_CLASS_REFUSE}, {6, SECCOMP_CLASS_ALLOW}, {9, SECCOMP_CLASS_SYNC}};
        const SeccompArch arch = {.audit = 7, .rows = rows, .n = ELEMENTSOF(rows)};
        const PlanCall calls[] = {{7, 6, false}, {7, 5, true}, {8, 8, false}, {7, 0, true},
                                  {7, 9, true},  {7, 7, true}, {7, 7, false}, {7, 1u << 31, true}};
        SeccompRow got[ELEMENTSOF(rows) + 2 * ELEMENTSOF(calls)];
        const SeccompArch archs[] = {{.audit = 7, .rows = got, .n = seccomp_override(&arch, calls, ELEMENTSOF(calls), got)}, {0}};
        const uint32_t allow = SECCOMP_RET_ALLOW, refuse = SECCOMP_RET_ERRNO | EPERM, unknown = SECCOMP_RET_ERRNO | ENOSYS;
        const struct {
                int nr;
                uint32_t action;
        } want[] = {{0, allow}, {1, unknown},           {4, unknown},           {5, allow}, {6, refuse}, {7, refuse},
                    {8, allow}, {9, SECCOMP_RET_ERRNO}, {10, SECCOMP_RET_ERRNO}};

        for (size_t i = 0; i < ELEMENTSOF(want); i++)
                assert_int_equal(ask(archs, 0, true, (struct seccomp_data){.nr = want[i].nr, .arch = 7}), want[i].action);
        assert_int_equal(ask(archs, 0, true, (struct seccomp_data){.nr = (int)(1u << 31), .arch = 7}), SECCOMP_RET_ERRNO);
}

static uint32_t ask_families(uint32_t arch, int nr, bool refused, uint64_t family)
{
        uint32_t families[] = {AF_INET, AF_UNIX};
        PlanCall calls[] = {{7, 41, true}, {8, 359, true}};
        PlanOp op = {.number = refused, .groups = families, .value = 2, .calls = calls, .n_calls = 2};
        struct sock_filter program[64];
        int n = seccomp_build_families(&op, program, ELEMENTSOF(program));

        assert_true(n > 0);
        return interpret(program, (size_t)n, &(struct seccomp_data){.nr = nr, .arch = arch, .args = {family}});
}

static void sockets_are_of_these_families_only(void **state)
{
        const uint32_t refused = SECCOMP_RET_ERRNO | EAFNOSUPPORT;

        assert_int_equal(ask_families(7, 41, false, AF_INET), SECCOMP_RET_ALLOW);
        assert_int_equal(ask_families(8, 359, false, AF_UNIX), SECCOMP_RET_ALLOW);
        assert_int_equal(ask_families(7, 41, false, AF_PACKET), refused);
        assert_int_equal(ask_families(8, 359, false, AF_PACKET), refused);
        assert_int_equal(ask_families(7, 359, false, AF_PACKET), SECCOMP_RET_ALLOW);
        assert_int_equal(ask_families(7, 41, true, AF_INET), refused);
        assert_int_equal(ask_families(7, 41, true, AF_PACKET), SECCOMP_RET_ALLOW);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(daily_calls_are_allowed),
                        cmocka_unit_test(what_is_left_out_on_purpose_is_refused),
                        cmocka_unit_test(unknown_calls_do_not_exist),
                        cmocka_unit_test(calls_newer_than_the_build_library_are_known),
                        cmocka_unit_test(a_capability_opens_its_calls),
                        cmocka_unit_test(audit_sockets_are_of_no_known_family),
                        cmocka_unit_test(suppressed_synchronisation_succeeds),
                        cmocka_unit_test(suppressed_synchronisation_refuses_synchronous_files),
                        cmocka_unit_test(a_foreign_architecture_has_no_calls),
                        cmocka_unit_test(every_number_of_a_long_table_is_found),
                        cmocka_unit_test(a_program_that_does_not_fit_is_refused),
                        cmocka_unit_test(named_calls_are_settled_whatever_the_rows_say),
                        cmocka_unit_test(sockets_are_of_these_families_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
