/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a program of the operator's prints: sl_credentials_process(). No shell; bounded in time
 * and output; what it started is killed with it. Any thread. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "credentials_internal.h"
#include "mem.h"

#define TIMEOUT_MS       30000
#define MAX_OUTPUT_BYTES 65536
#define MAX_WORDS_BYTES  300 /* of its last words on stderr that are told */
#define SECRET_BYTES     32  /* words as long as that may be keys, and are not told */

extern char **environ;

struct child {
	pid_t pid;
	int pidfd;
	int out, err; /* read ends; -1 once they have ended */
	struct sl_buf output, words;
	bool too_large;
};

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

/* Kills it and all that it started, if it lives. */
static void child_finish(struct child *child)
{
	if (child->pid > 0) {
		kill(-child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	close_fd(&child->pidfd);
	close_fd(&child->out);
	close_fd(&child->err);
	struct sl_buf *const bufs[] = {&child->output, &child->words};
	for (size_t i = 0; i < SL_ARRAY_SIZE(bufs); i++) {
		if (bufs[i]->data) {
			OPENSSL_cleanse(bufs[i]->data, bufs[i]->capacity);
		}
		sl_buf_finish(bufs[i]);
	}
}

/* A process group of its own, no input, the signals as a program expects them. */
static int spawn(char **words, int out, int err, pid_t *ret)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	sigset_t none;
	sigset_t all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	int problem = posix_spawnp(ret, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return problem;
}

static int child_start(struct child *child, char **words)
{
	int out[2] = {-1, -1};
	int err[2] = {-1, -1};
	int problem = pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ? errno : 0;
	if (!problem) {
		problem = spawn(words, out[1], err[1], &child->pid);
	}
	close_fd(&out[1]);
	close_fd(&err[1]);
	child->out = out[0];
	child->err = err[0];
	if (problem) {
		child->pid = 0;
		return problem;
	}
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0) {
		return errno;
	}
	fcntl(child->out, F_SETFL, O_NONBLOCK);
	fcntl(child->err, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Takes what is there; of stderr only the end is kept. */
static void drain(struct child *child, int *fd, struct sl_buf *to)
{
	char chunk[4096];
	while (*fd >= 0) {
		ssize_t got = read(*fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0 && errno == EAGAIN) {
			break;
		}
		if (got <= 0) {
			close_fd(fd);
			break;
		}
		if (to->len + (size_t)got > MAX_OUTPUT_BYTES) {
			child->too_large = child->too_large || to == &child->output;
			sl_buf_clear(to);
			break;
		}
		sl_buf_add(to, chunk, (size_t)got);
	}
	OPENSSL_cleanse(chunk, sizeof(chunk));
}

/* Until it has exited; what it left running may hold the pipes open and is not waited for. */
static bool follow(struct child *child)
{
	int64_t until_ms = sl_clock_monotonic_ms() + TIMEOUT_MS;
	for (;;) {
		struct pollfd fds[] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0},
			{child->pidfd, POLLIN, 0}};
		int64_t left_ms = until_ms - sl_clock_monotonic_ms();
		if (left_ms <= 0 || child->too_large) {
			return false;
		}
		if (poll(fds, SL_ARRAY_SIZE(fds), (int)left_ms) < 0 && errno != EINTR) {
			return false;
		}
		drain(child, &child->out, &child->output);
		drain(child, &child->err, &child->words);
		if (fds[2].revents) {
			drain(child, &child->out, &child->output);
			return !child->too_large;
		}
	}
}

/* Its last words on one line, without what could be a key. The caller frees them. */
static char *last_words(const struct sl_buf *words)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf told = SL_BUF_INIT;
	const char *at = sl_buf_str(words);
	at += words->len > MAX_WORDS_BYTES ? words->len - MAX_WORDS_BYTES : 0;
	if (words->len > MAX_WORDS_BYTES) {
		at += strcspn(at, " \t\r\n"); /* not the end of a word whose length is unknown */
	}
	while (*at) {
		size_t len = strcspn(at, " \t\r\n\"',;:");
		if (len >= SECRET_BYTES) {
			sl_buf_puts(&told, "***");
		}
		for (size_t i = 0; len < SECRET_BYTES && i < len; i++) {
			bool plain = at[i] >= ' ' && at[i] < 0x7f;
			sl_buf_add(&told, plain ? at + i : "?", 1);
		}
		at += len;
		if (*at) {
			sl_buf_add(&told, strchr("\t\r\n", *at) ? " " : at, 1);
			at++;
		}
	}
	return sl_buf_steal(&told);
}

static enum sl_err tell(
	const char *where, const char *what, const struct child *child, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *words = last_words(&child->words);
	return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s: %s%s%s", where, what,
		*words ? "; it says: " : "", words);
}

static enum sl_err run(
	const char *where, char **words, struct sl_credentials *ret, struct sl_error *reterr)
{
	SL_AUTO(child_finish)
	struct child child = {0, -1, -1, -1, SL_BUF_INIT, SL_BUF_INIT, false};
	int problem = child_start(&child, words);
	if (problem) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s: cannot run %s: %s", where,
			words[0], strerror(problem));
	}
	if (!follow(&child)) {
		return tell(where,
			child.too_large ? "prints more than 65536 bytes"
					: "has not ended after 30 s, and was killed",
			&child, reterr);
	}
	int status = 0;
	pid_t waited = waitpid(child.pid, &status, 0);
	kill(-child.pid, SIGKILL); /* what it left behind */
	child.pid = 0;
	if (waited < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		SL_AUTO(sl_freep)
		char *what = sl_asprintf("ended with %s %d",
			WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		return tell(where, what, &child, reterr);
	}
	return sl_credentials_from_json(where, sl_buf_str(&child.output), child.output.len,
		SL_CREDENTIALS_JSON_PROCESS, ret, reterr);
}

enum sl_err sl_credentials_process(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	const char *command = sl_profile_value_of(profile, name, "credential_process");
	if (!command || !*command) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	SL_AUTO(sl_freep)
	char *where = sl_asprintf("credential_process of profile %s", name);
	SL_AUTO(sl_credentials_free_words)
	char **words = sl_credentials_split_command(command);
	if (!words || !words[0]) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: the command is empty, or a quote or backslash in it has no end",
			where);
	}
	return run(where, words, ret, reterr);
}
