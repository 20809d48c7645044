/* SPDX-License-Identifier: Apache-2.0 */
/* UUID version 7: 48 bits of Unix milliseconds, then a 12-bit counter, then random bits. */

#include "uuid.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "clock.h"

#define UUID_BYTES 16
#define DRAWN      32

/* The counter keeps ids of the same millisecond in order (RFC 9562 §6.2, method 1). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t last_ms;
static unsigned counter;

static int64_t next_tick(unsigned random, unsigned *ret_counter)
{
	pthread_mutex_lock(&lock);
	int64_t now = sl_clock_now_ms();
	if (now > last_ms) {
		last_ms = now;
		counter = random & 0x7ff; /* room to count up within the millisecond */
	} else if (++counter > 0xfff) {
		last_ms++; /* borrow from the future rather than repeat or go back */
		counter = 0;
	}
	int64_t tick = last_ms;
	*ret_counter = counter;
	pthread_mutex_unlock(&lock);
	return tick;
}

/* Drawn for several ids at once: a draw costs ten times what it costs to write an id down. */
static void draw(unsigned char ret[static UUID_BYTES])
{
	static _Thread_local unsigned char drawn[DRAWN * UUID_BYTES];
	static _Thread_local size_t left;
	if (left == 0) {
		if (RAND_bytes(drawn, sizeof(drawn)) != 1) {
			SL_BUG("no random bytes");
		}
		left = DRAWN;
	}
	left--;
	memcpy(ret, drawn + left * UUID_BYTES, UUID_BYTES);
}

void sl_uuid_create(char ret[static SL_UUID_SIZE])
{
	unsigned char b[UUID_BYTES];
	draw(b);
	unsigned count;
	int64_t ms = next_tick((unsigned)b[6] << 8 | b[7], &count);
	for (int i = 0; i < 6; i++) {
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	}
	b[6] = (unsigned char)(0x70 | count >> 8);
	b[7] = (unsigned char)count;
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	static const char digits[] = "0123456789abcdef";
	char *out = ret;
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) {
			*out++ = '-';
		}
		*out++ = digits[b[i] >> 4];
		*out++ = digits[b[i] & 0xf];
	}
	*out = '\0';
}

bool sl_uuid_valid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	if (strlen(text) != sizeof(shape) - 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
		if (shape[i] == '-' ? text[i] != '-' : !hex) {
			return false;
		}
	}
	return true;
}
