/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/hash.h"

/* From the reference implementation's vectors: key 00 01 … 0f, message 00 01 … of each length. */
static void siphash_matches_the_reference(void **state)
{
        static const struct {
                size_t len;
                uint64_t hash;
        } vectors[] = {
                        {0, 0x726fdb47dd0e0e31ULL}, {1, 0x74f839c593dc67fdULL},  {7, 0xab0200f58b01d137ULL},
                        {8, 0x93f5f5799a932462ULL}, {15, 0xa129ca6149be45e5ULL}, {63, 0x958a324ceb064572ULL},
        };
        uint8_t key[16], message[64];

        for (uint8_t i = 0; i < 16; i++)
                key[i] = i;
        for (uint8_t i = 0; i < 64; i++)
                message[i] = i;
        for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
                assert_int_equal(hash_siphash24(message, vectors[i].len, key), vectors[i].hash);
}

static void hexadecimal_is_lower_case(void **state)
{
        char text[7];

        hash_hex((const uint8_t[]){0x00, 0xAb, 0xff}, 3, text);
        assert_string_equal(text, "00abff");
}

static void random_bytes_fill_all_of_it(void **state)
{
        uint8_t a[64] = {}, b[64] = {};

        hash_random(a, sizeof(a));
        hash_random(b, sizeof(b));
        assert_memory_not_equal(a, b, sizeof(a));
        assert_memory_not_equal(a + 32, (uint8_t[32]){}, 32);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(siphash_matches_the_reference),
                        cmocka_unit_test(hexadecimal_is_lower_case),
                        cmocka_unit_test(random_bytes_fill_all_of_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
