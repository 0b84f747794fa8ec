/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* nftables by nfnetlink messages (linux/netfilter/nf_tables.h): a batch takes effect as a whole or not at all. libnftables would bring
 * five libraries into a static program that needs a dozen rules. */

#include <stdbool.h>

#include "base/buf.h"
#include "net/message.h"

typedef struct NftBatch {
        Buf bytes;
        uint32_t sequence;
} NftBatch;

void nft_begin(NftBatch *b);
/* Sends it and empties it. */
int nft_commit(NftBatch *b, int fd);

/* A table of family inet, empty whatever was in it. */
void nft_table_fresh(NftBatch *b, const char *table);
void nft_table_delete(NftBatch *b, const char *table);
void nft_nat_chain(NftBatch *b, const char *table, const char *chain, int hook, int priority);

/* A rule is a row of expressions, between these two. They work on register 1; what a comparison does not find ends the rule. */
typedef struct NftRule {
        NetMessage m;
        size_t list;
} NftRule;
void nft_rule_begin(NftRule *r, const char *table, const char *chain);
void nft_rule_end(NftRule *r, NftBatch *b);
void nft_match_local(NftRule *r);              /* the destination is an address of the host */
void nft_match_family(NftRule *r, int family); /* AF_INET, AF_INET6 */
void nft_match_protocol(NftRule *r, uint8_t protocol);
void nft_match_port(NftRule *r, uint16_t port); /* of the destination */
typedef enum NftSide { NFT_SOURCE, NFT_DESTINATION } NftSide;
void nft_match_address(NftRule *r, NftSide side, int family, const uint8_t *address, uint8_t prefix, bool equal);
void nft_match_translated(NftRule *r); /* by a dnat before */
void nft_dnat(NftRule *r, int family, const uint8_t *address, uint16_t port);
void nft_masquerade(NftRule *r);

bool nft_exists(void); /* in this kernel */
