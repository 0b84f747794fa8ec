/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/partition-type.h"

#include "base/macro.h"
#include "base/str.h"

/* UAPI.2, the Discoverable Partitions Specification. Of several kinds for one machine the one named first is preferred. */

#if defined(__x86_64__)
#define ARCHITECTURE           "x86-64"
#define SECONDARY_ARCHITECTURE "x86"
#elif defined(__i386__)
#define ARCHITECTURE "x86"
#elif defined(__aarch64__)
#define ARCHITECTURE           "arm64"
#define SECONDARY_ARCHITECTURE "arm"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE "riscv64"
#elif defined(__riscv)
#define ARCHITECTURE "riscv32"
#elif defined(__loongarch64)
#define ARCHITECTURE "loongarch64"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE "ppc64-le"
#elif defined(__powerpc64__)
#define ARCHITECTURE           "ppc64"
#define SECONDARY_ARCHITECTURE "ppc"
#elif defined(__powerpc__)
#define ARCHITECTURE "ppc"
#elif defined(__s390x__)
#define ARCHITECTURE           "s390x"
#define SECONDARY_ARCHITECTURE "s390"
#elif defined(__mips64) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE           "mips64-le"
#define SECONDARY_ARCHITECTURE "mips-le"
#elif defined(__mips__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE "mips-le"
#elif defined(__ia64__)
#define ARCHITECTURE "ia64"
#elif defined(__alpha__)
#define ARCHITECTURE "alpha"
#else
#define ARCHITECTURE NULL
#endif
#ifndef SECONDARY_ARCHITECTURE
#define SECONDARY_ARCHITECTURE NULL
#endif

const char *partition_architecture(void)
{
        return ARCHITECTURE;
}

const char *partition_secondary_architecture(void)
{
        return SECONDARY_ARCHITECTURE;
}

static const PartitionType types[] = {
                {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "home", NULL},
                {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "srv", NULL},
                {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "var", NULL},
                {"7ec6f557-3bc5-4aca-b293-16ef5df639d1", "tmp", NULL},
                {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp", NULL},
                {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "xbootldr", NULL},
                {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "swap", NULL},
                {"0fc63daf-8483-4772-8e79-3d69d8477de4", "linux-generic", NULL},
                {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root", "x86-64"},
                {"8484680c-9521-48c6-9c11-b0720656f69e", "usr", "x86-64"},
                {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "root-verity", "x86-64"},
                {"77ff5f63-e7b6-4633-acf4-1565b864c0e6", "usr-verity", "x86-64"},
                {"41092b05-9fc8-4523-994f-2def0408b176", "root-verity-sig", "x86-64"},
                {"e7bb33fb-06cf-4e81-8273-e543b413e2e2", "usr-verity-sig", "x86-64"},
                {"44479540-f297-41b2-9af7-d131d5f0458a", "root", "x86"},
                {"75250d76-8cc6-458e-bd66-bd47cc81a812", "usr", "x86"},
                {"d13c5d3b-b5d1-422a-b29f-9454fdc89d76", "root-verity", "x86"},
                {"8f461b0d-14ee-4e81-9aa9-049b6fb97abd", "usr-verity", "x86"},
                {"5996fc05-109c-48de-808b-23fa0830b676", "root-verity-sig", "x86"},
                {"974a71c0-de41-43c3-be5d-5c5ccd1ad2c0", "usr-verity-sig", "x86"},
                {"b921b045-1df0-41c3-af44-4c6f280d3fae", "root", "arm64"},
                {"b0e01050-ee5f-4390-949a-9101b17104e9", "usr", "arm64"},
                {"df3300ce-d69f-4c92-978c-9bfb0f38d820", "root-verity", "arm64"},
                {"6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", "usr-verity", "arm64"},
                {"6db69de6-29f4-4758-a7a5-962190f00ce3", "root-verity-sig", "arm64"},
                {"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", "usr-verity-sig", "arm64"},
                {"69dad710-2ce4-4e3c-b16c-21a1d49abed3", "root", "arm"},
                {"7d0359a3-02b3-4f0a-865c-654403e70625", "usr", "arm"},
                {"7386cdf2-203c-47a9-a498-f2ecce45a2d6", "root-verity", "arm"},
                {"c215d751-7bcd-4649-be90-6627490a4c05", "usr-verity", "arm"},
                {"42b0455f-eb11-491d-98d3-56145ba9d037", "root-verity-sig", "arm"},
                {"d7ff812f-37d1-4902-a810-d76ba57b975a", "usr-verity-sig", "arm"},
                {"72ec70a6-cf74-40e6-bd49-4bda08e8f224", "root", "riscv64"},
                {"beaec34b-8442-439b-a40b-984381ed097d", "usr", "riscv64"},
                {"b6ed5582-440b-4209-b8da-5ff7c419ea3d", "root-verity", "riscv64"},
                {"8f1056be-9b05-47c4-81d6-be53128e5b54", "usr-verity", "riscv64"},
                {"efe0f087-ea8d-4469-821a-4c2a96a8386a", "root-verity-sig", "riscv64"},
                {"d2f9000a-7a18-453f-b5cd-4d32f77a7b32", "usr-verity-sig", "riscv64"},
                {"60d5a7fe-8e7d-435c-b714-3dd8162144e1", "root", "riscv32"},
                {"b933fb22-5c3f-4f91-af90-e2bb0fa50702", "usr", "riscv32"},
                {"ae0253be-1167-4007-ac68-43926c14c5de", "root-verity", "riscv32"},
                {"cb1ee4e3-8cd0-4136-a0a4-aa61a32e8730", "usr-verity", "riscv32"},
                {"3a112a75-8729-4380-b4cf-764d79934448", "root-verity-sig", "riscv32"},
                {"c3836a13-3137-45ba-b583-b16c50fe5eb4", "usr-verity-sig", "riscv32"},
                {"77055800-792c-4f94-b39a-98c91b762bb6", "root", "loongarch64"},
                {"e611c702-575c-4cbe-9a46-434fa0bf7e3f", "usr", "loongarch64"},
                {"f3393b22-e9af-4613-a948-9d3bfbd0c535", "root-verity", "loongarch64"},
                {"f46b2c26-59ae-48f0-9106-c50ed47f673d", "usr-verity", "loongarch64"},
                {"5afb67eb-ecc8-4f85-ae8e-ac1e7c50e7d0", "root-verity-sig", "loongarch64"},
                {"b024f315-d330-444c-8461-44bbde524e99", "usr-verity-sig", "loongarch64"},
                {"c31c45e6-3f39-412e-80fb-4809c4980599", "root", "ppc64-le"},
                {"15bb03af-77e7-4d4a-b12b-c0d084f7491c", "usr", "ppc64-le"},
                {"906bd944-4589-4aae-a4e4-dd983917446a", "root-verity", "ppc64-le"},
                {"ee2b9983-21e8-4153-86d9-b6901a54d1ce", "usr-verity", "ppc64-le"},
                {"d4a236e7-e873-4c07-bf1d-bf6cf7f1c3c6", "root-verity-sig", "ppc64-le"},
                {"c8bfbd1e-268e-4521-8bba-bf314c399557", "usr-verity-sig", "ppc64-le"},
                {"912ade1d-a839-4913-8964-a10eee08fbd2", "root", "ppc64"},
                {"2c9739e2-f068-46b3-9fd0-01c5a9afbcca", "usr", "ppc64"},
                {"9225a9a3-3c19-4d89-b4f6-eeff88f17631", "root-verity", "ppc64"},
                {"bdb528a5-a259-475f-a87d-da53fa736a07", "usr-verity", "ppc64"},
                {"f5e2c20c-45b2-4ffa-bce9-2a60737e1aaf", "root-verity-sig", "ppc64"},
                {"0b888863-d7f8-4d9e-9766-239fce4d58af", "usr-verity-sig", "ppc64"},
                {"1de3f1ef-fa98-47b5-8dcd-4a860a654d78", "root", "ppc"},
                {"7d14fec5-cc71-415d-9d6c-06bf0b3c3eaf", "usr", "ppc"},
                {"98cfe649-1588-46dc-b2f0-add147424925", "root-verity", "ppc"},
                {"df765d00-270e-49e5-bc75-f47bb2118b09", "usr-verity", "ppc"},
                {"1b31b5aa-add9-463a-b2ed-bd467fc857e7", "root-verity-sig", "ppc"},
                {"7007891d-d371-4a80-86a4-5cb875b9302e", "usr-verity-sig", "ppc"},
                {"5eead9a9-fe09-4a1e-a1d7-520d00531306", "root", "s390x"},
                {"8a4f5770-50aa-4ed3-874a-99b710db6fea", "usr", "s390x"},
                {"b325bfbe-c7be-4ab8-8357-139e652d2f6b", "root-verity", "s390x"},
                {"31741cc4-1a2a-4111-a581-e00b447d2d06", "usr-verity", "s390x"},
                {"c80187a5-73a3-491a-901a-017c3fa953e9", "root-verity-sig", "s390x"},
                {"3f324816-667b-46ae-86ee-9b0c0c6c11b4", "usr-verity-sig", "s390x"},
                {"08a7acea-624c-4a20-91e8-6e0fa67d23f9", "root", "s390"},
                {"cd0f869b-d0fb-4ca0-b141-9ea87cc78d66", "usr", "s390"},
                {"7ac63b47-b25c-463b-8df8-b4a94e6c90e1", "root-verity", "s390"},
                {"b663c618-e7bc-4d6d-90aa-11b756bb1797", "usr-verity", "s390"},
                {"3482388e-4254-435a-a241-766a065f9960", "root-verity-sig", "s390"},
                {"17440e4f-a8d0-467f-a46e-3912ae6ef2c5", "usr-verity-sig", "s390"},
                {"700bda43-7a34-4507-b179-eeb93d7a7ca3", "root", "mips64-le"},
                {"c97c1f32-ba06-40b4-9f22-236061b08aa8", "usr", "mips64-le"},
                {"16b417f8-3e06-4f57-8dd2-9b5232f41aa6", "root-verity", "mips64-le"},
                {"3c3d61fe-b5f3-414d-bb71-8739a694a4ef", "usr-verity", "mips64-le"},
                {"904e58ef-5c65-4a31-9c57-6af5fc7c5de7", "root-verity-sig", "mips64-le"},
                {"f2c2c7ee-adcc-4351-b5c6-ee9816b66e16", "usr-verity-sig", "mips64-le"},
                {"37c58c8a-d913-4156-a25f-48b1b64e07f0", "root", "mips-le"},
                {"0f4868e9-9952-4706-979f-3ed3a473e947", "usr", "mips-le"},
                {"d7d150d2-2a04-4a33-8f12-16651205ff7b", "root-verity", "mips-le"},
                {"46b98d8d-b55c-4e8f-aab3-37fca7f80752", "usr-verity", "mips-le"},
                {"c919cc1f-4456-4eff-918c-f75e94525ca5", "root-verity-sig", "mips-le"},
                {"3e23ca0b-a4bc-4b4e-8087-5ab6a26aa8a9", "usr-verity-sig", "mips-le"},
                {"993d8d3d-f80e-4225-855a-9daf8ed7ea97", "root", "ia64"},
                {"4301d2a6-4e3b-4b2a-bb94-9e0b2c4225ea", "usr", "ia64"},
                {"86ed10d5-b607-45bb-8957-d350f23d0571", "root-verity", "ia64"},
                {"6a491e03-3be7-4545-8e38-83320e0ea880", "usr-verity", "ia64"},
                {"e98b36ee-32ba-4882-9b12-0ce14655f46a", "root-verity-sig", "ia64"},
                {"8de58bc2-2a43-460d-b14e-a76e4a17b47f", "usr-verity-sig", "ia64"},
                {"6523f8ae-3eb1-4e2a-a05a-18b695ae656f", "root", "alpha"},
                {"e18cf08c-33ec-4c0d-8246-c6c6fb3da024", "usr", "alpha"},
                {"fc56d9e9-e6e5-4c06-be32-e74407ce09a5", "root-verity", "alpha"},
                {"8cce0d25-c0d0-4a44-bd87-46331bf1df67", "usr-verity", "alpha"},
                {"d46495b7-a053-414f-80f7-700c99921ef8", "root-verity-sig", "alpha"},
                {"5c6e1c76-076a-457a-a0fe-f3b4cd21ce6e", "usr-verity-sig", "alpha"},
};

const PartitionType *partition_type(const char *guid)
{
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (str_eq(types[i].guid, guid))
                        return &types[i];
        return NULL;
}
