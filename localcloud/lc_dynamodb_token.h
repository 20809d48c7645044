/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_DYNAMODB_TOKEN_H
#define LC_DYNAMODB_TOKEN_H

/* The words of DynamoDB's expressions: dynamodb_token.c. Pure, any thread. */

#include <stddef.h>

enum lc_ddb_token_kind {
	LC_DDB_TOKEN_END = 0,
	LC_DDB_TOKEN_WORD = 'w',   /* identifier or keyword */
	LC_DDB_TOKEN_NAME = '#',   /* #name */
	LC_DDB_TOKEN_VALUE = ':',  /* :value */
	LC_DDB_TOKEN_NUMBER = 'n', /* digits, a list index */
	LC_DDB_TOKEN_LESS_EQUAL = 'l',
	LC_DDB_TOKEN_GREATER_EQUAL = 'g',
	LC_DDB_TOKEN_NOT_EQUAL = '!',
	LC_DDB_TOKEN_BAD = '?', /* a character that no token starts with */
				/* punctuation and the other operators are their own character */
};

struct lc_ddb_token {
	int kind;
	const char *start;
	size_t length;
};

/** The token at or behind `p`, which points into the expression. */
struct lc_ddb_token lc_ddb_token_scan(const char *p);

#endif
