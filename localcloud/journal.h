/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_JOURNAL_H
#define LC_JOURNAL_H

/* The jobs of a service as the journal shows them. Any thread. */

#include "jobs.h"

struct lc_journal_entry {
	char *bucket, *key; /* of the input, or NULL; owned */
	const char *mark;   /* the client's own word for the job, or NULL; borrowed */
};

/** Appends every job of a store, deleted ones too. `describe` fills in what the service knows; its
 *  entry is empty before. */
void lc_journal_jobs(struct lc_jobs *jobs, const char *service,
	void (*describe)(const struct lc_job *job, struct lc_journal_entry *entry), json_t *list);

#endif
