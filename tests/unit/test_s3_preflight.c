/* SPDX-License-Identifier: Apache-2.0 */
/* Many HeadObjects at once, their ends, and stopping while they fly. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "clock.h"
#include "mem.h"
#include "s3_preflight.h"

#define THREADS     4
#define PER_THREAD  50
#define IN_FLIGHT   128 /* as many as s3_preflight.c has out at once */
#define MAX_WAITING 4096

/* A gate that requests wait at while it is closed. */
struct bucket {
	struct stub *stub;
	struct sl_aws *aws;
	struct sl_s3_preflight *preflight;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool closed;
	size_t requests;
	size_t flaky_left;   /* so many answers of 503 first */
	size_t refused_left; /* HEADs of every fifth key are 403 so often */
	const char *refusal; /* what GET says of them; NULL: nothing is wrong any more */
};

/* What submissions came to. */
struct tally {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t done;
	size_t by_err[SL_ERR_COUNT_];
	size_t wrong;
};

struct submission {
	struct tally *tally;
	int number;
	enum sl_err expected;
};

static void serve(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct bucket *bucket = context;
	pthread_mutex_lock(&bucket->mutex);
	bucket->requests++;
	pthread_cond_broadcast(&bucket->changed);
	while (bucket->closed) {
		pthread_cond_wait(&bucket->changed, &bucket->mutex);
	}
	bool flaky = bucket->flaky_left > 0;
	bucket->flaky_left -= flaky ? 1 : 0;
	pthread_mutex_unlock(&bucket->mutex);
	int number = 0;
	const char *at = strstr(request->target, "/b/k%20");
	if (flaky) {
		reply->status = 503;
	} else if (at == NULL) {
		reply->status = 400;
	} else if (strcmp(request->method, "GET") == 0) {
		/* Why HEAD was refused. */
		reply->status = bucket->refusal != NULL ? 403 : 206;
		sl_buf_printf(&reply->body, "<Error><Code>%s</Code></Error>",
			bucket->refusal != NULL ? bucket->refusal : "");
	} else {
		number = (int)strtol(at + strlen("/b/k%20"), NULL, 10);
		pthread_mutex_lock(&bucket->mutex);
		bool refused = number % 5 == 4 && bucket->refused_left > 0;
		bucket->refused_left -= refused ? 1 : 0;
		pthread_mutex_unlock(&bucket->mutex);
		reply->status = number % 5 == 3 ? 404 : refused ? 403 : 200;
		reply->length = number;
		sl_buf_printf(&reply->headers, "ETag: \"e%d\"\r\n", number);
	}
}

static void on_done(void *context, enum sl_err err, const struct sl_s3_object *object,
	const struct sl_error *error)
{
	struct submission *submission = context;
	struct tally *tally = submission->tally;
	bool right =
		(err == SL_ERR_OK) == (object != NULL) && (err == SL_ERR_OK) == (error == NULL);
	if (object != NULL) {
		char etag[32];
		snprintf(etag, sizeof etag, "e%d", submission->number);
		right = right && object->size_bytes == submission->number &&
			strcmp(object->etag, etag) == 0;
	} else {
		right = right && error != NULL && error->code == err;
	}
	right = right && err == submission->expected;
	pthread_mutex_lock(&tally->mutex);
	tally->done++;
	tally->by_err[err]++;
	tally->wrong += right ? 0 : 1;
	pthread_cond_broadcast(&tally->changed);
	pthread_mutex_unlock(&tally->mutex);
}

static void tally_init(struct tally *tally)
{
	memset(tally, 0, sizeof *tally);
	pthread_mutex_init(&tally->mutex, NULL);
	pthread_cond_init(&tally->changed, NULL);
}

static void wait_done(struct tally *tally, size_t count)
{
	pthread_mutex_lock(&tally->mutex);
	while (tally->done < count) {
		pthread_cond_wait(&tally->changed, &tally->mutex);
	}
	pthread_mutex_unlock(&tally->mutex);
}

static void set_gate(struct bucket *bucket, bool closed)
{
	pthread_mutex_lock(&bucket->mutex);
	bucket->closed = closed;
	pthread_cond_broadcast(&bucket->changed);
	pthread_mutex_unlock(&bucket->mutex);
}

static void wait_requests(struct bucket *bucket, size_t count)
{
	pthread_mutex_lock(&bucket->mutex);
	while (bucket->requests < count) {
		pthread_cond_wait(&bucket->changed, &bucket->mutex);
	}
	pthread_mutex_unlock(&bucket->mutex);
}

static void submit(struct bucket *bucket, struct submission *submission)
{
	char key[32];
	snprintf(key, sizeof key, "k %d", submission->number);
	sl_s3_preflight_submit(bucket->preflight, "b", key, on_done, submission);
}

static enum sl_err expected_of(int number)
{
	return number % 5 == 3    ? SL_ERR_AWS_NOT_FOUND
		: number % 5 == 4 ? SL_ERR_AWS_FORBIDDEN
				  : SL_ERR_OK;
}

static int setup(void **state)
{
	struct bucket *bucket = sl_calloc(1, sizeof *bucket);
	pthread_mutex_init(&bucket->mutex, NULL);
	pthread_cond_init(&bucket->changed, NULL);
	bucket->refused_left = SIZE_MAX;
	bucket->refusal = "AccessDenied";
	bucket->stub = stub_create(serve, bucket);
	bucket->aws = stub_aws(stub_url(bucket->stub), NULL);
	bucket->preflight = sl_s3_preflight_create(bucket->aws, 30000);
	*state = bucket;
	return 0;
}

static int teardown(void **state)
{
	struct bucket *bucket = *state;
	sl_s3_preflight_destroy(bucket->preflight);
	set_gate(bucket, false);
	stub_destroy(bucket->stub);
	sl_aws_destroy(bucket->aws);
	free(bucket);
	return 0;
}

struct submitter {
	pthread_t thread;
	struct bucket *bucket;
	struct submission submissions[PER_THREAD];
};

static void *run_submitter(void *context)
{
	struct submitter *submitter = context;
	for (int i = 0; i < PER_THREAD; i++) {
		submit(submitter->bucket, &submitter->submissions[i]);
	}
	return NULL;
}

static void two_hundred_checks_fly_at_once(void **state)
{
	struct bucket *bucket = *state;
	static struct submitter submitters[THREADS];
	struct tally tally;
	tally_init(&tally);
	set_gate(bucket, true);
	for (int t = 0; t < THREADS; t++) {
		submitters[t].bucket = bucket;
		for (int i = 0; i < PER_THREAD; i++) {
			int number = t * PER_THREAD + i;
			submitters[t].submissions[i] =
				(struct submission){&tally, number, expected_of(number)};
		}
		pthread_create(&submitters[t].thread, NULL, run_submitter, &submitters[t]);
	}
	/* All that may be out are out together before the first is answered. */
	wait_requests(bucket, IN_FLIGHT);
	set_gate(bucket, false);
	wait_done(&tally, THREADS * PER_THREAD);
	for (int t = 0; t < THREADS; t++) {
		pthread_join(submitters[t].thread, NULL);
	}
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.by_err[SL_ERR_OK], 120);
	assert_int_equal(tally.by_err[SL_ERR_AWS_NOT_FOUND], 40);
	assert_int_equal(tally.by_err[SL_ERR_AWS_FORBIDDEN], 40);
}

static void a_failed_attempt_is_repeated(void **state)
{
	struct bucket *bucket = *state;
	struct tally tally;
	tally_init(&tally);
	bucket->flaky_left = 2;
	struct submission submission = {&tally, 7, SL_ERR_OK};
	submit(bucket, &submission);
	wait_done(&tally, 1);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(bucket->requests, 3);
}

static void check_refused(
	struct bucket *bucket, size_t times, const char *refusal, enum sl_err expected)
{
	struct tally tally;
	tally_init(&tally);
	bucket->refused_left = times;
	bucket->refusal = refusal;
	struct submission submission = {&tally, 4, expected};
	submit(bucket, &submission);
	wait_done(&tally, 1);
	assert_int_equal(tally.by_err[expected], 1);
	assert_int_equal(tally.wrong, 0);
}

static void a_refusal_without_words_is_asked_for_its_reason(void **state)
{
	struct bucket *bucket = *state;
	check_refused(bucket, SIZE_MAX, "AccessDenied", SL_ERR_AWS_FORBIDDEN);
	check_refused(bucket, SIZE_MAX, "ExpiredToken", SL_ERR_AWS_CREDENTIALS);
	check_refused(bucket, SIZE_MAX, "InvalidAccessKeyId", SL_ERR_AWS_CREDENTIALS);
	check_refused(bucket, 1, NULL, SL_ERR_OK); /* it has passed meanwhile */
	check_refused(bucket, SIZE_MAX, NULL, SL_ERR_AWS_FORBIDDEN);
}

static void stopping_ends_what_flies_and_what_waits(void **state)
{
	struct bucket *bucket = *state;
	static struct submission submissions[300];
	struct tally tally;
	tally_init(&tally);
	set_gate(bucket, true);
	for (int i = 0; i < 300; i++) {
		submissions[i] = (struct submission){&tally, i, SL_ERR_SHUTTING_DOWN};
		submit(bucket, &submissions[i]);
	}
	wait_requests(bucket, IN_FLIGHT);
	sl_s3_preflight_stop(bucket->preflight);
	assert_int_equal(tally.done, 300);
	struct submission late = {&tally, 300, SL_ERR_SHUTTING_DOWN};
	submit(bucket, &late);
	assert_int_equal(tally.done, 301); /* at once, on this thread */
	assert_int_equal(tally.wrong, 0);
	sl_s3_preflight_stop(bucket->preflight);
}

static void too_many_waiting_is_overload(void **state)
{
	struct bucket *bucket = *state;
	static struct submission submissions[MAX_WAITING + 10];
	struct tally tally;
	tally_init(&tally);
	set_gate(bucket, true);
	for (int i = 0; i < MAX_WAITING; i++) {
		submissions[i] = (struct submission){&tally, i, expected_of(i)};
		submit(bucket, &submissions[i]);
	}
	for (int i = MAX_WAITING; i < MAX_WAITING + 10; i++) {
		submissions[i] = (struct submission){&tally, i, SL_ERR_OVERLOADED};
		submit(bucket, &submissions[i]);
	}
	pthread_mutex_lock(&tally.mutex);
	assert_int_equal(tally.by_err[SL_ERR_OVERLOADED], 10);
	pthread_mutex_unlock(&tally.mutex);
	set_gate(bucket, false);
	wait_done(&tally, MAX_WAITING + 10);
	assert_int_equal(tally.wrong, 0);
}

static void a_slow_bucket_meets_the_deadline(void **state)
{
	struct bucket *bucket = *state;
	static struct submission submissions[200];
	struct tally tally;
	tally_init(&tally);
	sl_s3_preflight_destroy(bucket->preflight);
	bucket->preflight = sl_s3_preflight_create(bucket->aws, 200);
	set_gate(bucket, true);
	int64_t start_ms = sl_clock_monotonic_ms();
	for (int i = 0; i < 200; i++) {
		submissions[i] = (struct submission){&tally, i, SL_ERR_AWS_UNAVAILABLE};
		submit(bucket, &submissions[i]);
	}
	wait_done(&tally, 200);
	assert_int_equal(tally.wrong, 0);
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 150, 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_hundred_checks_fly_at_once),
		TEST(a_failed_attempt_is_repeated),
		TEST(a_refusal_without_words_is_asked_for_its_reason),
		TEST(stopping_ends_what_flies_and_what_waits),
		TEST(too_many_waiting_is_overload),
		TEST(a_slow_bucket_meets_the_deadline),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
