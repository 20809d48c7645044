/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs programs (ffmpeg, ffprobe) in process groups of their own and keeps the end of what they
 * print. Entry points: lc_run, lc_run_stop, lc_stopping. Any thread; a list of what runs is
 * guarded by a mutex so that a group is only signalled while its leader is not yet reaped.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud.h"

#define TAIL_BYTES  ((size_t)64 * 1024)
#define MAX_RUNNING 256

extern char **environ;

static struct {
	pthread_mutex_t lock;
	bool stopping;
	pid_t pids[MAX_RUNNING]; /* 0: free slot */
} running = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool lc_stopping(void)
{
	pthread_mutex_lock(&running.lock);
	bool stopping = running.stopping;
	pthread_mutex_unlock(&running.lock);
	return stopping;
}

void lc_run_stop(void)
{
	pthread_mutex_lock(&running.lock);
	running.stopping = true;
	for (size_t i = 0; i < MAX_RUNNING; i++) {
		if (running.pids[i] > 0) {
			(void)kill(-running.pids[i], SIGKILL);
		}
	}
	pthread_mutex_unlock(&running.lock);
}

static bool prepare_spawn(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions,
	const int out_pipe[2], const int err_pipe[2])
{
	sigset_t none;
	sigset_t all;
	sigemptyset(&none);
	sigfillset(&all);

	return posix_spawnattr_setflags(attributes,
		       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ==
		0 &&
		posix_spawnattr_setpgroup(attributes, 0) == 0 &&
		posix_spawnattr_setsigmask(attributes, &none) == 0 &&
		posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
		posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
		posix_spawn_file_actions_adddup2(actions, out_pipe[1], 1) == 0 &&
		posix_spawn_file_actions_adddup2(actions, err_pipe[1], 2) == 0;
}

/* Spawns and registers under one lock: a stop either sees the child or prevents it. */
static pid_t start(
	const char *const *argv, const int out_pipe[2], const int err_pipe[2], size_t *ret_slot)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_init(&actions);
	pid_t pid = -1;

	pthread_mutex_lock(&running.lock);
	size_t slot = 0;
	while (slot < MAX_RUNNING && running.pids[slot] != 0) {
		slot++;
	}
	if (!running.stopping && slot < MAX_RUNNING &&
		prepare_spawn(&attributes, &actions, out_pipe, err_pipe) &&
		/* posix_spawnp takes char *const * for history's sake and changes nothing. */
		posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
			environ) == 0) {
		running.pids[slot] = pid;
		*ret_slot = slot;
	} else {
		pid = -1;
	}
	pthread_mutex_unlock(&running.lock);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

static void keep_tail(struct sl_buf *tail, const char *bytes, size_t len)
{
	sl_buf_add(tail, bytes, len);
	if (tail->len > 2 * TAIL_BYTES) {
		memmove(tail->data, tail->data + tail->len - TAIL_BYTES, TAIL_BYTES);
		tail->len = TAIL_BYTES;
		tail->data[tail->len] = '\0';
	}
}

/* Reads what is there; closes and forgets the descriptor at its end. */
static void drain(struct pollfd *slot, struct sl_buf *tail)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(slot->fd, chunk, sizeof chunk);
		if (n > 0) {
			keep_tail(tail, chunk, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n == 0 || errno != EAGAIN) {
			close(slot->fd);
			slot->fd = -1;
		}
		return;
	}
}

/* Until the program has exited; what a grandchild keeps open beyond that is not waited for. */
static void collect(pid_t pid, int out_fd, int err_fd, struct sl_buf *out, struct sl_buf *err)
{
	struct pollfd fds[3] = {
		{.fd = out_fd, .events = POLLIN},
		{.fd = err_fd, .events = POLLIN},
		{.fd = pidfd_open(pid, 0), .events = POLLIN},
	};
	bool has_pidfd = fds[2].fd >= 0;

	while (has_pidfd || fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR) {
			break;
		}
		if (fds[0].fd >= 0) {
			drain(&fds[0], out);
		}
		if (fds[1].fd >= 0) {
			drain(&fds[1], err);
		}
		if (has_pidfd && fds[2].revents) {
			break;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		if (fds[i].fd >= 0) {
			if (i < 2) {
				drain(&fds[i], i == 0 ? out : err);
			}
			if (fds[i].fd >= 0) {
				close(fds[i].fd);
			}
		}
	}
}

static int reap(pid_t pid, size_t slot)
{
	siginfo_t info;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
	}

	int status = 0;
	pthread_mutex_lock(&running.lock);
	(void)kill(-pid, SIGKILL); /* whatever it left behind in its group */
	running.pids[slot] = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	pthread_mutex_unlock(&running.lock);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void append_tail(struct sl_buf *to, const struct sl_buf *tail)
{
	if (to) {
		size_t len = tail->len < TAIL_BYTES ? tail->len : TAIL_BYTES;
		sl_buf_add(to, sl_buf_str(tail) + tail->len - len, len);
	}
}

/* A program must not outlive a localcloud that was killed: setpriv (util-linux, on every Debian)
 * has the kernel kill it with the thread that waits for it here. */
static const char **tied_to_us(const char *const *argv)
{
	static const char *const tie[] = {"setpriv", "--pdeathsig", "KILL", "--"};
	size_t count = 0;
	while (argv[count] != NULL) {
		count++;
	}
	const char **tied = sl_calloc(SL_ARRAY_SIZE(tie) + count + 1, sizeof(*tied));
	memcpy(tied, tie, sizeof(tie));
	memcpy(tied + SL_ARRAY_SIZE(tie), argv, count * sizeof(*tied));
	return tied;
}

int lc_run(const char *const *argv, struct sl_buf *out, struct sl_buf *err)
{
	int out_pipe[2];
	int err_pipe[2];
	if (pipe2(out_pipe, O_CLOEXEC) != 0) {
		return -1;
	}
	if (pipe2(err_pipe, O_CLOEXEC) != 0) {
		close(out_pipe[0]);
		close(out_pipe[1]);
		return -1;
	}

	size_t slot = 0;
	SL_AUTO(sl_freep)
	const char **tied = tied_to_us(argv);
	pid_t pid = start(tied, out_pipe, err_pipe, &slot);
	close(out_pipe[1]);
	close(err_pipe[1]);
	if (pid < 0) {
		close(out_pipe[0]);
		close(err_pipe[0]);
		return -1;
	}
	(void)fcntl(out_pipe[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(err_pipe[0], F_SETFL, O_NONBLOCK);

	SL_AUTO(sl_buf_finish)
	struct sl_buf out_tail = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf err_tail = SL_BUF_INIT;
	collect(pid, out_pipe[0], err_pipe[0], &out_tail, &err_tail);
	int status = reap(pid, slot);
	append_tail(out, &out_tail);
	append_tail(err, &err_tail);
	return status;
}
