/* SPDX-License-Identifier: Apache-2.0 */
/* Which failures deserve a line: sl_outages_tell(). Any thread; a mutex guards the memory of what
 * was told. */

#include "outage.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define MAX_KINDS 32 /* at once: some services times some causes */

struct kind {
	enum sl_err code;
	char *service; /* NULL: free */
	char *cause;
	int64_t told_ms;
	int64_t untold;
};

struct sl_outages {
	pthread_mutex_t mutex;
	struct kind kinds[MAX_KINDS];
};

struct sl_outages *sl_outages_create(void)
{
	struct sl_outages *outages = sl_calloc(1, sizeof(*outages));
	pthread_mutex_init(&outages->mutex, NULL);
	return outages;
}

static void kind_finish(struct kind *kind)
{
	free(kind->service);
	free(kind->cause);
	*kind = (struct kind){0};
}

void sl_outages_destroy(struct sl_outages *outages)
{
	if (outages == NULL) {
		return;
	}
	for (size_t i = 0; i < MAX_KINDS; i++) {
		kind_finish(&outages->kinds[i]);
	}
	pthread_mutex_destroy(&outages->mutex);
	free(outages);
}

/* The provider's code; where no answer came, our own words behind "service Operation: ", in which
 * only numbers vary (how long it took). The caller owns it. */
static char *cause_of(const struct sl_error *error)
{
	if (error->provider.code != NULL || error->detail == NULL) {
		return sl_strdup(error->provider.code);
	}
	const char *words = strstr(error->detail, ": ");
	char *cause = sl_strdup(words != NULL ? words : error->detail);
	char *end = cause;
	for (const char *at = cause; *at != '\0'; at++) {
		if (!isdigit((unsigned char)*at)) {
			*end++ = *at;
		}
	}
	*end = '\0';
	return cause;
}

/* The kind of this error, or the one whose place it takes: a free one, or that told longest ago. */
static struct kind *find(
	struct sl_outages *outages, const struct sl_error *error, const char *cause)
{
	struct kind *oldest = &outages->kinds[0];
	for (size_t i = 0; i < MAX_KINDS; i++) {
		struct kind *kind = &outages->kinds[i];
		if (kind->service != NULL && kind->code == error->code &&
			strcmp(kind->service, error->provider.service) == 0 &&
			sl_text_equal(kind->cause, cause)) {
			return kind;
		}
		if (oldest->service != NULL &&
			(kind->service == NULL || kind->told_ms < oldest->told_ms)) {
			oldest = kind;
		}
	}
	kind_finish(oldest);
	return oldest;
}

bool sl_outages_tell(struct sl_outages *outages, const struct sl_error *error, int64_t now_ms,
	int64_t *ret_repeated)
{
	*ret_repeated = 0;
	if (error->provider.service == NULL || !sl_err_retryable(error->code)) {
		return true;
	}
	SL_AUTO(sl_freep)
	char *cause = cause_of(error);
	pthread_mutex_lock(&outages->mutex);
	struct kind *kind = find(outages, error, cause);
	bool known = kind->service != NULL;
	bool tell = !known || now_ms - kind->told_ms >= SL_OUTAGE_SILENCE_MS;
	if (!known) {
		kind->code = error->code;
		kind->service = sl_strdup(error->provider.service);
		kind->cause = sl_take(&cause);
	}
	if (tell) {
		*ret_repeated = kind->untold;
		kind->untold = 0;
		kind->told_ms = now_ms;
	} else {
		kind->untold++;
	}
	pthread_mutex_unlock(&outages->mutex);
	return tell;
}
