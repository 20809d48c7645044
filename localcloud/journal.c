/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs as the journal shows them, with what tells one start from another. Entry point:
 * lc_journal_jobs. Any thread.
 */
#include "journal.h"

#include <string.h>

#define PAGE 500

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text) {
		json_object_set_new(object, name, json_string(text));
	}
}

static json_t *show(const struct lc_job *job, const char *service,
	void (*describe)(const struct lc_job *job, struct lc_journal_entry *entry))
{
	struct lc_journal_entry entry = {0};
	bool deleted = job->phase == LC_JOB_DELETED;
	SL_AUTO(sl_freep)
	char *id = sl_strndup(job->id, deleted ? strcspn(job->id, "#") : strlen(job->id));

	describe(job, &entry);
	json_t *shown = json_pack("{s:s, s:s, s:s, s:I}", "service", service, "id", id, "state",
		deleted ? "DELETED" : job->state, "created_ms", (json_int_t)job->created_ms);
	/* Transcribe's ids are the names that the client gave. */
	set_text(shown, "name", strcmp(service, "transcribe") == 0 ? id : NULL);
	set_text(shown, "token", job->token);
	set_text(shown, "mark", entry.mark);
	set_text(shown, "bucket", entry.bucket);
	set_text(shown, "key", entry.key);
	free(entry.bucket);
	free(entry.key);
	return shown;
}

void lc_journal_jobs(struct lc_jobs *jobs, const char *service,
	void (*describe)(const struct lc_job *job, struct lc_journal_entry *entry), json_t *list)
{
	struct lc_jobs_query query = {.deleted_too = true, .limit = PAGE};
	size_t count = PAGE;
	while (count == PAGE) {
		struct lc_job *page = NULL;
		count = lc_jobs_list(jobs, &query, &page);
		for (size_t i = 0; i < count; i++) {
			json_array_append_new(list, show(&page[i], service, describe));
			query.after_seq = page[i].seq;
		}
		lc_jobs_free(page, count);
	}
}
