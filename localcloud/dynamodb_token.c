/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner of DynamoDB's expressions. Entry: lc_ddb_token_scan. Pure, any thread. */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lc_dynamodb_token.h"

static bool word_character(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

struct lc_ddb_token lc_ddb_token_scan(const char *p)
{
	while (*p != '\0' && strchr(" \t\r\n", *p) != NULL) {
		p++;
	}
	struct lc_ddb_token token = {*p, p, *p != '\0'};
	if (*p == '#' || *p == ':' || isalpha((unsigned char)*p) || *p == '_') {
		token.kind = *p == '#' || *p == ':' ? *p : LC_DDB_TOKEN_WORD;
		while (word_character(p[token.length])) {
			token.length++;
		}
		if (token.kind != LC_DDB_TOKEN_WORD && token.length == 1) {
			token.kind = LC_DDB_TOKEN_BAD;
		}
	} else if (isdigit((unsigned char)*p)) {
		token.kind = LC_DDB_TOKEN_NUMBER;
		token.length = strspn(p, "0123456789");
	} else if (strncmp(p, "<=", 2) == 0 || strncmp(p, ">=", 2) == 0 ||
		strncmp(p, "<>", 2) == 0) {
		token.kind = p[0] == '>' ? LC_DDB_TOKEN_GREATER_EQUAL
			: p[1] == '='    ? LC_DDB_TOKEN_LESS_EQUAL
					 : LC_DDB_TOKEN_NOT_EQUAL;
		token.length = 2;
	} else if (*p != '\0' && strchr("(),.[]=<>+-", *p) == NULL) {
		token.kind = LC_DDB_TOKEN_BAD;
	}
	return token;
}
