/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "spec/bundle.h"
#include "spec/oci.h"

#define HEAD                                                                                                  \
        "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"sh\"],\"cwd\":\"/" \
        "\"%s},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]%s}%s}"

static int read_with(MachineSpec *s, const char *process, const char *linux_keys, const char *top, Error *e)
{
        _cleanup_free_ char *text = xasprintf(HEAD, process, linux_keys, top);

        return spec_read_oci(s, &(SpecOciFile){.name = "c", .text = text, .len = strlen(text), .directory = "/b"}, e);
}

static void the_least_bundle_has_a_root_below_it(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_with(&s, "", "", "", NULL), 0);
        assert_string_equal(s.directory, "/b/rootfs");
        assert_string_equal(s.parameters[0], "sh");
        assert_int_equal(s.users, SPEC_USERS_NO);
        assert_int_equal(s.network, SPEC_NETWORK_HOST);
        assert_int_equal(s.bundle->umask, 0022);
        assert_true(s.bundle->namespaces[SPEC_NAMESPACE_MOUNT].set);
}

static void errors_name_the_json_path(void **state)
{
        static const struct {
                const char *process, *linux_keys, *top, *path;
        } cases[] = {
                        {",\"scheduler\":{\"policy\":\"SCHED_WISH\"}", "", "", "c: process.scheduler.policy: "},
                        {",\"user\":{\"uid\":-1}", "", "", "c: process.user.uid: "},
                        {",\"user\":{\"umask\":512}", "", "", "c: process.user.umask: "},
                        {",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]", "", "", "c: process.rlimits[0]: "},
                        {",\"capabilities\":{\"bounding\":[1]}", "", "", "c: process.capabilities.bounding[0]: "},
                        {",\"oomScoreAdj\":1001", "", "", "c: process.oomScoreAdj: "},
                        {"", ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]", "", "c: linux: "},
                        {"", ",\"devices\":[{\"type\":\"x\",\"path\":\"/dev/x\"}]", "", "c: linux.devices[0].type: "},
                        {"", ",\"resources\":{\"hugepageLimits\":[{\"pageSize\":\"2\",\"limit\":1}]}", "",
                         "c: linux.resources.hugepageLimits[0]: "},
                        {"", ",\"resources\":{\"unified\":{\"../x\":\"1\"}}", "", "c: linux.resources.unified: "},
                        {"",
                         ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_"
                         "ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
                         "", "c: linux.seccomp.syscalls[0].args[0].index: "},
                        {"", ",\"maskedPaths\":[\"/a/../b\"]", "", "c: linux.maskedPaths[0]: "},
                        {"", "", ",\"mounts\":[{\"destination\":\"/x\"}]", "c: mounts[0]: "},
                        {"", "", ",\"mounts\":[{\"destination\":\"/\",\"type\":\"tmpfs\"}]", "c: mounts[0].destination: "},
                        {"", "", ",\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}", "c: hooks.poststop[0].path: "},
                        {"", "", ",\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}", "c: hooks.prestart[0].timeout: "},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_spec_ MachineSpec s = {};
                Error e = {};
                assert_true(read_with(&s, cases[i].process, cases[i].linux_keys, cases[i].top, &e) < 0);
                if (strncmp(e.message, cases[i].path, strlen(cases[i].path)) != 0)
                        fail_msg("'%s' does not begin with '%s'", e.message, cases[i].path);
        }
}

static void words_of_mount_options_become_attributes(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_with(&s, "", "",
                                   ",\"mounts\":[{\"destination\":\"/"
                                   "x\",\"source\":\"d\",\"options\":[\"rbind\",\"ro\",\"rw\",\"rnosuid\",\"noatime\",\"rslave\","
                                   "\"idmap\"]},"
                                   "{\"destination\":\"t\",\"type\":\"tmpfs\",\"options\":[\"size=1m\",\"nodev\",\"defaults\","
                                   "\"tmpcopyup\"]}]",
                                   NULL),
                         0);
        const SpecBundleMount *m = s.bundle->mounts.items;
        assert_string_equal(m[0].source, "/b/d");
        assert_true(m[0].bind && m[0].recursive && m[0].idmap);
        assert_int_equal(m[0].set, MOUNT_ATTR_NOATIME);
        assert_int_equal(m[0].clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME);
        assert_int_equal(m[0].all_set, MOUNT_ATTR_NOSUID);
        assert_int_equal(m[0].propagation[1], 1 << 19);
        assert_string_equal(m[1].target, "/t");
        assert_int_equal(m[1].set, MOUNT_ATTR_NODEV);
        assert_string_equal(m[1].options[0], "size=1m");
        assert_null(m[1].options[1]);
        assert_true(m[1].copy_up);
}

static void actions_carry_their_error_number(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_with(&s, "",
                                   ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[{"
                                   "\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\"},"
                                   "{\"names\":[\"b\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7}]}",
                                   "", NULL),
                         0);
        assert_int_equal(s.bundle->seccomp.action, SECCOMP_RET_ERRNO | 38);
        assert_int_equal(s.bundle->seccomp.rules.items[0].action, SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(s.bundle->seccomp.rules.items[1].action, SECCOMP_RET_TRACE | 7);
}

static void versions_1_0_to_1_3_are_known(void **state)
{
        static const struct {
                const char *version;
                bool ok;
        } cases[] = {{"1.0.0", true},  {"1.0.2-dev", true}, {"1.3.0", true}, {"1.3.1+x", true},
                     {"1.4.0", false}, {"2.0.0", false},    {"1.0", false},  {"one", false}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_spec_ MachineSpec s = {};
                _cleanup_free_ char *text = xasprintf("{\"ociVersion\":\"%s\",\"root\":{\"path\":\"/"
                                                      "r\"},\"process\":{\"args\":[\"x\"],\"cwd\":\"/\"},\"linux\":{}}",
                                                      cases[i].version);
                int r = spec_read_oci(&s, &(SpecOciFile){.name = "c", .text = text, .len = strlen(text), .directory = "/b"},
                                      NULL);
                if ((r >= 0) != cases[i].ok)
                        fail_msg("version %s: %d", cases[i].version, r);
        }
}

static void warn(void *ctx, const Event *event)
{
        buf_addf(ctx, "%s\n", event->text);
}

static void an_unknown_capability_only_warns(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        _cleanup_buf_ Buf warnings = {};
        Events events = {.func = warn, .ctx = &warnings};
        _cleanup_free_ char *text = xasprintf(HEAD, ",\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_NONE_SUCH\"]}", "",
                                              ",\"annotations\":{\"k\":\"v\"},\"future\":{\"x\":[1]}");

        assert_int_equal(spec_read_oci(&s,
                                       &(SpecOciFile){.name = "c",
                                                      .text = text,
                                                      .len = strlen(text),
                                                      .directory = "/b",
                                                      .events = &events},
                                       NULL),
                         0);
        assert_int_equal(s.bundle->bounding, 1 << 5);
        assert_non_null(strstr(warnings.data, "process.capabilities.bounding[1]"));
        assert_string_equal(s.bundle->annotations[0], "k=v");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_least_bundle_has_a_root_below_it),
                        cmocka_unit_test(errors_name_the_json_path),
                        cmocka_unit_test(words_of_mount_options_become_attributes),
                        cmocka_unit_test(actions_carry_their_error_number),
                        cmocka_unit_test(versions_1_0_to_1_3_are_known),
                        cmocka_unit_test(an_unknown_capability_only_warns),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
