/* SPDX-License-Identifier: Apache-2.0 */
/* sl_descriptors_reserve(). A limit of 1,024, which many systems set, is less than
 * SPOTLIST_CONNECTIONS and what else is open; accept(2) would fail when all is busiest. Main
 * thread. */

#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

/* Of a thread that does steps: a connection to PostgreSQL, one or two to AWS, a file. */
#define PER_WORKER 6
/* A connection to PostgreSQL, and submissions that ask S3 for their source. */
#define PER_HTTP_THREAD 4
/* Admin connections, listeners, LISTEN, curl's pipes, the log, libraries' files. */
#define OTHERS          160
#define FEWEST_ANSWERED 16

static rlim_t others(const struct sl_config *config)
{
	return (rlim_t)(config->workers + config->webhook_senders) * PER_WORKER +
		(rlim_t)config->http_threads * PER_HTTP_THREAD + OTHERS;
}

static void complain(const struct sl_config *config, rlim_t needed, rlim_t limit, unsigned left)
{
	sl_log(SL_LOG_WARN,
		"the limit of open files is too low for SPOTLIST_CONNECTIONS: raise it "
		"(LimitNOFILE= "
		"of systemd, ulimit -Hn of a shell)",
		SL_F_I64("configured", config->connections), SL_F_I64("needed", (int64_t)needed),
		SL_F_I64("limit", (int64_t)limit), SL_F_I64("connections", left), SL_F_END);
}

unsigned sl_descriptors_reserve(const struct sl_config *config)
{
	unsigned wanted = (unsigned)config->connections;
	rlim_t needed = others(config) + wanted;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		sl_log(SL_LOG_WARN, "the limit of open files cannot be read",
			SL_F("why", strerror(errno)), SL_F_END);
		return wanted;
	}
	if (limit.rlim_cur < needed) {
		struct rlimit raised = limit;
		raised.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
		limit.rlim_cur =
			setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
	}
	if (limit.rlim_cur >= needed) {
		return wanted;
	}
	bool any = limit.rlim_cur > others(config) + FEWEST_ANSWERED;
	unsigned left = any ? (unsigned)(limit.rlim_cur - others(config)) : FEWEST_ANSWERED;
	complain(config, needed, limit.rlim_cur, left);
	return left;
}
