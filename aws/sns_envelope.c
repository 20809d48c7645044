/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS envelopes in their usual form: sl_sns_envelope_read(). It accepts less than JSON and never
 * something else: whatever it does not expect (other members, other types, a member twice, odd
 * escapes) it leaves to the JSON parser. Pure; any thread.
 */
#include "sns_envelope.h"

#include <string.h>

#include "mem.h"
#include "text.h"

struct reader {
	const char *at;
	const char *end;
	char *out;          /* where the next decoded string goes; no string grows by decoding */
	unsigned char seen; /* all bytes of the string, or-ed: most are plain ASCII */
};

enum member {
	TYPE,
	MESSAGE_ID,
	TOKEN,
	TOPIC_ARN,
	SUBJECT,
	MESSAGE,
	SUBSCRIBE_URL,
	TIMESTAMP,
	SIGNATURE_VERSION,
	SIGNATURE,
	SIGNING_CERT_URL,
	UNSUBSCRIBE_URL,
	MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
	[TYPE] = "Type",
	[MESSAGE_ID] = "MessageId",
	[TOKEN] = "Token",
	[TOPIC_ARN] = "TopicArn",
	[SUBJECT] = "Subject",
	[MESSAGE] = "Message",
	[SUBSCRIBE_URL] = "SubscribeURL",
	[TIMESTAMP] = "Timestamp",
	[SIGNATURE_VERSION] = "SignatureVersion",
	[SIGNATURE] = "Signature",
	[SIGNING_CERT_URL] = "SigningCertURL",
	[UNSUBSCRIBE_URL] = "UnsubscribeURL",
};

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end &&
		(*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' ||
			*reader->at == '\t')) {
		reader->at++;
	}
}

/* The character, with white space on either side. */
static bool take(struct reader *reader, char c)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != c) {
		return false;
	}
	reader->at++;
	skip_space(reader);
	return true;
}

static bool take_hex(struct reader *reader, unsigned *ret)
{
	unsigned value = 0;
	if (reader->end - reader->at < 4) {
		return false;
	}
	for (int i = 0; i < 4; i++) {
		char c = *reader->at++;
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f'        ? (unsigned)(c - 'a') + 10
			: c >= 'A' && c <= 'F'        ? (unsigned)(c - 'A') + 10
						      : 16;
		if (digit > 15) {
			return false;
		}
		value = value << 4 | digit;
	}
	*ret = value;
	return true;
}

static void put(struct reader *reader, unsigned byte)
{
	*reader->out++ = (char)(unsigned char)byte;
}

/* Behind "\u". A NUL, and half a pair, are for the JSON parser to refuse. */
static bool take_unicode(struct reader *reader)
{
	unsigned code = 0;
	unsigned low = 0;
	if (!take_hex(reader, &code) || code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
		return false;
	}
	if (code >= 0xD800 && code <= 0xDBFF) {
		if (reader->end - reader->at < 2 || memcmp(reader->at, "\\u", 2) != 0) {
			return false;
		}
		reader->at += 2;
		if (!take_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF) {
			return false;
		}
		code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
	}
	if (code < 0x80) {
		put(reader, code);
	} else if (code < 0x800) {
		put(reader, 0xC0 | code >> 6);
		put(reader, 0x80 | (code & 0x3F));
	} else if (code < 0x10000) {
		put(reader, 0xE0 | code >> 12);
		put(reader, 0x80 | (code >> 6 & 0x3F));
		put(reader, 0x80 | (code & 0x3F));
	} else {
		put(reader, 0xF0 | code >> 18);
		put(reader, 0x80 | (code >> 12 & 0x3F));
		put(reader, 0x80 | (code >> 6 & 0x3F));
		put(reader, 0x80 | (code & 0x3F));
	}
	return true;
}

static bool take_escape(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	if (reader->at == reader->end) {
		return false;
	}
	char letter = *reader->at++;
	if (letter == 'u') {
		return take_unicode(reader);
	}
	const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
	if (found == NULL) {
		return false;
	}
	put(reader, (unsigned char)meanings[found - letters]);
	return true;
}

/* Bytes up to the next quote, escape or control character, as they are. */
static void take_run(struct reader *reader)
{
	const char *start = reader->at;
	while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\' &&
		(unsigned char)*reader->at >= ' ') {
		reader->seen |= (unsigned char)*reader->at++;
	}
	size_t len = (size_t)(reader->at - start);
	memcpy(reader->out, start, len);
	reader->out += len;
}

/* `*ret` is in the arena, with a NUL behind it. */
static bool take_string(struct reader *reader, const char **ret)
{
	if (reader->at == reader->end || *reader->at != '"') {
		return false;
	}
	reader->at++;
	const char *start = reader->out;
	reader->seen = 0;
	for (;;) {
		take_run(reader);
		if (reader->at == reader->end) {
			return false;
		}
		char c = *reader->at++;
		if (c == '"') {
			break;
		}
		if (c != '\\' || !take_escape(reader)) {
			return false;
		}
	}
	if (reader->seen >= 0x80 && !sl_text_is_utf8(start, (size_t)(reader->out - start))) {
		return false;
	}
	put(reader, '\0');
	*ret = start;
	return true;
}

/* A name and its string, into its place; false also for a name that is not known, or came before.
 */
static bool take_member(struct reader *reader, const char *values[static MEMBER_COUNT])
{
	const char *name = NULL;
	if (!take_string(reader, &name) || !take(reader, ':')) {
		return false;
	}
	size_t member = 0;
	while (member < MEMBER_COUNT && strcmp(member_names[member], name) != 0) {
		member++;
	}
	return member < MEMBER_COUNT && values[member] == NULL &&
		take_string(reader, &values[member]);
}

static bool take_object(struct reader *reader, const char *values[static MEMBER_COUNT])
{
	if (!take(reader, '{')) {
		return false;
	}
	do {
		if (!take_member(reader, values)) {
			return false;
		}
	} while (take(reader, ','));
	return take(reader, '}') && reader->at == reader->end;
}

static bool type_of(const char *name, enum sl_sns_type *ret)
{
	static const enum sl_sns_type types[] = {SL_SNS_NOTIFICATION,
		SL_SNS_SUBSCRIPTION_CONFIRMATION, SL_SNS_UNSUBSCRIBE_CONFIRMATION};
	for (size_t i = 0; i < SL_ARRAY_SIZE(types); i++) {
		if (strcmp(sl_sns_type_name(types[i]), name) == 0) {
			*ret = types[i];
			return true;
		}
	}
	return false;
}

bool sl_sns_envelope_read(const char *body, size_t len, struct sl_sns_message *ret)
{
	static const enum member required[] = {TYPE, MESSAGE_ID, TOPIC_ARN, MESSAGE, TIMESTAMP,
		SIGNATURE_VERSION, SIGNATURE, SIGNING_CERT_URL};
	SL_AUTO(sl_freep)
	char *arena = sl_calloc(1, len + 1);
	struct reader reader = {body, body + len, arena, 0};
	const char *values[MEMBER_COUNT] = {NULL};
	bool good = take_object(&reader, values);
	for (size_t i = 0; i < SL_ARRAY_SIZE(required); i++) {
		good = good && values[required[i]] != NULL;
	}
	enum sl_sns_type type = SL_SNS_NOTIFICATION;
	if (!good || !type_of(values[TYPE], &type)) {
		return false;
	}
	*ret = (struct sl_sns_message){
		.arena = sl_take(&arena),
		.type = type,
		.message_id = values[MESSAGE_ID],
		.topic_arn = values[TOPIC_ARN],
		.message = values[MESSAGE],
		.subject = values[SUBJECT],
		.timestamp = values[TIMESTAMP],
		.token = values[TOKEN],
		.subscribe_url = values[SUBSCRIBE_URL],
		.signature_version = values[SIGNATURE_VERSION],
		.signature = values[SIGNATURE],
		.signing_cert_url = values[SIGNING_CERT_URL],
	};
	return true;
}
