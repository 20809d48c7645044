/* SPDX-License-Identifier: Apache-2.0 */
/* The chain under many threads: one asks, the others are served or wait, and nobody holds a lock
 * meanwhile. And the pure parts: commands, JSON. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "cond.h"
#include "credentials_internal.h"
#include "mem.h"

#define THREADS    16
#define MINUTE_MS  INT64_C(60000)
#define EXPIRES_MS (60 * MINUTE_MS)

/* A source that answers when it is let. */
struct gated {
	struct sl_credentials_source source;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int asked, inside, most_inside;
	bool open;
	bool fails;
};

static enum sl_err gated_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	struct gated *gated = (struct gated *)self;
	pthread_mutex_lock(&gated->mutex);
	int number = ++gated->asked;
	gated->inside++;
	gated->most_inside =
		gated->inside > gated->most_inside ? gated->inside : gated->most_inside;
	pthread_cond_broadcast(&gated->changed);
	while (!gated->open) {
		pthread_cond_wait(&gated->changed, &gated->mutex);
	}
	gated->inside--;
	bool fails = gated->fails;
	pthread_mutex_unlock(&gated->mutex);
	if (fails) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE, "out of order");
	}
	*ret = (struct sl_credentials){
		.access_key_id = sl_asprintf("id%d", number),
		.secret_access_key = sl_strdup("secret"),
		.expires_ms = number * EXPIRES_MS,
	};
	return SL_ERR_OK;
}

static void gated_destroy(struct sl_credentials_source *self)
{
	(void)self;
}

static void set_open(struct gated *gated, bool open)
{
	pthread_mutex_lock(&gated->mutex);
	gated->open = open;
	pthread_cond_broadcast(&gated->changed);
	pthread_mutex_unlock(&gated->mutex);
}

static void wait_asked(struct gated *gated, int asked)
{
	pthread_mutex_lock(&gated->mutex);
	while (gated->asked < asked) {
		pthread_cond_wait(&gated->changed, &gated->mutex);
	}
	pthread_mutex_unlock(&gated->mutex);
}

struct caller {
	struct sl_credentials_chain *chain;
	int64_t now_ms;
	enum sl_err err;
	char *id;
};

static void *call(void *context)
{
	struct caller *caller = context;
	struct sl_credentials got = {0};
	caller->err = sl_credentials_chain_get(caller->chain, caller->now_ms, &got, NULL);
	caller->id = sl_strdup(got.access_key_id);
	sl_credentials_finish(&got);
	return NULL;
}

static void expect(struct sl_credentials_chain *chain, int64_t now_ms, const char *id)
{
	struct caller caller = {.chain = chain, .now_ms = now_ms};
	call(&caller);
	assert_int_equal(caller.err, SL_ERR_OK);
	assert_string_equal(caller.id, id);
	free(caller.id);
}

/* All at once; what each got must be `id`, or an error without one. */
static void crowd(struct sl_credentials_chain *chain, struct gated *gated, int64_t now_ms,
	int asked, const char *id)
{
	struct caller callers[THREADS];
	pthread_t threads[THREADS];
	set_open(gated, false);
	for (size_t i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){.chain = chain, .now_ms = now_ms};
		assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
	}
	wait_asked(gated, asked);
	set_open(gated, true);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].err, id ? SL_ERR_OK : SL_ERR_AWS_UNAVAILABLE);
		assert_true(id ? strcmp(callers[i].id, id) == 0 : callers[i].id == NULL);
		free(callers[i].id);
	}
}

static void one_thread_asks_and_the_others_wait_or_are_served(void **state)
{
	(void)state;
	struct gated gated = {.source = {"gated", gated_get, gated_destroy, false}};
	pthread_mutex_init(&gated.mutex, NULL);
	sl_cond_init(&gated.changed);
	struct sl_credentials_source *source = &gated.source;
	struct sl_credentials_chain *chain = sl_credentials_chain_create(&source, 1);
	crowd(chain, &gated, 0, 1, "id1"); /* nobody has any: all wait for the same */
	crowd(chain, &gated, EXPIRES_MS - 5 * MINUTE_MS, 2, "id2"); /* the last ten minutes */
	/* a quarter of an hour before: one asks, the others do not wait for it */
	set_open(&gated, false);
	struct caller asker = {.chain = chain, .now_ms = 2 * EXPIRES_MS - 14 * MINUTE_MS};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, call, &asker), 0);
	wait_asked(&gated, 3);
	for (int i = 0; i < THREADS; i++) {
		expect(chain, asker.now_ms, "id2");
	}
	set_open(&gated, true);
	pthread_join(thread, NULL);
	assert_string_equal(asker.id, "id3");
	free(asker.id);
	expect(chain, asker.now_ms, "id3");
	assert_int_equal(gated.asked, 3);
	assert_int_equal(gated.most_inside, 1);
	sl_credentials_chain_destroy(chain);
	pthread_cond_destroy(&gated.changed);
	pthread_mutex_destroy(&gated.mutex);
}

static _Atomic bool stop;

static void *forget_again_and_again(void *context)
{
	while (!atomic_load(&stop)) {
		sl_credentials_chain_forget(context);
	}
	return NULL;
}

static void forgetting_may_meet_anything(void **state)
{
	(void)state;
	struct gated gated = {.source = {"gated", gated_get, gated_destroy, false}, .open = true};
	pthread_mutex_init(&gated.mutex, NULL);
	sl_cond_init(&gated.changed);
	struct sl_credentials_source *source = &gated.source;
	struct sl_credentials_chain *chain = sl_credentials_chain_create(&source, 1);
	pthread_t thread;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, forget_again_and_again, chain), 0);
	for (int i = 0; i < 200; i++) {
		struct caller caller = {.chain = chain, .now_ms = 0};
		call(&caller);
		assert_int_equal(caller.err, SL_ERR_OK);
		free(caller.id);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(gated.most_inside, 1);
	sl_credentials_chain_destroy(chain);
	pthread_cond_destroy(&gated.changed);
	pthread_mutex_destroy(&gated.mutex);
}

static void commands_are_split_as_the_sdks_do(void **state)
{
	(void)state;
	static const struct {
		const char *command;
		const char *words; /* each in <>; NULL: refused */
	} cases[] = {
		{"", ""},
		{"  a  b\tc\n", "<a><b><c>"},
		{"'a b' \"c d\"", "<a b><c d>"},
		{"a'b'\"c\"d", "<abcd>"},
		{"a\\ b \\'", "<a b><'>"},
		{"\"a\\\"b\\\\c\\d\"", "<a\"b\\c\\d>"},
		{"'a\\b'", "<a\\b>"},
		{"'' \"\"", "<><>"},
		{"$HOME * | ; #x", "<$HOME><*><|><;><#x>"},
		{"'a", NULL},
		{"\"a\\", NULL},
		{"a\\", NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_credentials_free_words)
		char **words = sl_credentials_split_command(cases[i].command);
		assert_int_equal(words != NULL, cases[i].words != NULL);
		SL_AUTO(sl_buf_finish)
		struct sl_buf told = SL_BUF_INIT;
		for (char **word = words; word && *word; word++) {
			sl_buf_printf(&told, "<%s>", *word);
		}
		assert_string_equal(sl_buf_str(&told), cases[i].words ? cases[i].words : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_asks_and_the_others_wait_or_are_served),
		cmocka_unit_test(forgetting_may_meet_anything),
		cmocka_unit_test(commands_are_split_as_the_sdks_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
