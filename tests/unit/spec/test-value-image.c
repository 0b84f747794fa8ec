/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

static void policies_are_rules_by_partition(void **state)
{
        CHECK(IMAGE_POLICY, PLAIN,
              {"root=verity+signed:home=encrypted:=ignore", "root=verity+signed:home=encrypted:=unused+absent"},
              {"root=unprotected+read-only-on:swap=absent", "root=unprotected+read-only-on:swap=absent:=unused+absent"},
              {"*", "=verity+signed+encrypted+encryptedwithintegrity+unprotected+unused+absent"}, {"~", "=absent"},
              {"-", "=unused+absent"}, {"", "=unused+absent"}, {"root", NULL}, {"root=", NULL}, {"root=x", NULL},
              {"x=open", NULL}, {"root=open:root=absent", NULL}, {"=open:=absent", NULL});
}

static void hashes_are_hexadecimal(void **state)
{
        CHECK(ROOT_HASH, PLAIN, {"00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeeff"}, {"0011", NULL},
              {"00112233445566778899aabbccddeeff0", NULL}, {"g0112233445566778899aabbccddeeff", NULL});
        CHECK(ROOT_HASH_SIG, PLAIN, {"/a/b", "/a/b"}, {"base64:QUJD", "base64:QUJD"}, {"base64:", NULL}, {"base64:a b", NULL},
              {"a", NULL});
}

/* Of a partition that a rule speaks of, what it does not say is allowed; the others are ignored. */
static void what_a_policy_does_not_say(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        const uint32_t flags = SPEC_POLICY_READ_ONLY_ON | SPEC_POLICY_READ_ONLY_OFF | SPEC_POLICY_GROW_ON | SPEC_POLICY_GROW_OFF;

        assert_int_equal(field_row(SPEC_FIELD_IMAGE_POLICY)
                                         ->type->parse(&s, SPEC_FIELD_IMAGE_POLICY, VARIANT_PLAIN,
                                                       "root=verity:home=read-only-on", NULL),
                         0);
        assert_int_equal(spec_policy_allows(&s.image_policy, SPEC_PARTITION_ROOT), SPEC_POLICY_VERITY | flags);
        assert_int_equal(spec_policy_allows(&s.image_policy, SPEC_PARTITION_VAR),
                         SPEC_POLICY_UNUSED | SPEC_POLICY_ABSENT | flags);
        uint32_t home = spec_policy_allows(&s.image_policy, SPEC_PARTITION_HOME);
        assert_true(home & SPEC_POLICY_UNPROTECTED && home & SPEC_POLICY_ABSENT && !(home & SPEC_POLICY_READ_ONLY_OFF));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(policies_are_rules_by_partition),
                        cmocka_unit_test(hashes_are_hexadecimal),
                        cmocka_unit_test(what_a_policy_does_not_say),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
