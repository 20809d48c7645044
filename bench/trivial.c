/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick of ./run bench: the least that libmicrohttpd can do, answering every request with
 * the bytes of one file, on a pool of threads set up as spotlist's. Prints "listening PORT". */

#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
	char *bytes;
	size_t len;
	const char *content_type;
};

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len, void **state)
{
	(void)url, (void)method, (void)version, (void)data, (void)data_len;
	static int seen;
	if (*state == NULL) { /* a reply to the headers alone would close the connection */
		*state = &seen;
		return MHD_YES;
	}
	const struct file *file = cls;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(file->len, file->bytes, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static int read_file(const char *path, struct file *ret)
{
	FILE *in = fopen(path, "rb");
	if (in == NULL) {
		perror(path);
		return -1;
	}
	size_t capacity = 0;
	for (;;) {
		if (ret->len == capacity) {
			capacity = capacity * 2 + 65536;
			char *bytes = realloc(ret->bytes, capacity);
			if (bytes == NULL) {
				abort();
			}
			ret->bytes = bytes;
		}
		size_t got = fread(ret->bytes + ret->len, 1, capacity - ret->len, in);
		if (got == 0) {
			break;
		}
		ret->len += got;
	}
	int failed = ferror(in);
	fclose(in);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: trivial FILE THREADS\n");
		return 2;
	}
	struct file file = {.content_type = "application/json"};
	if (read_file(argv[1], &file) != 0) {
		return 1;
	}
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);

	struct sockaddr_in loopback = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0,
		NULL, NULL, answer, &file, MHD_OPTION_SOCK_ADDR, &loopback,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)strtoul(argv[2], NULL, 10),
		MHD_OPTION_CONNECTION_TIMEOUT, 30U, MHD_OPTION_END);
	if (daemon == NULL) {
		fputs("trivial: cannot start\n", stderr);
		return 1;
	}
	printf("listening %u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	int signal_number;
	sigwait(&stop, &signal_number);
	MHD_stop_daemon(daemon);
	free(file.bytes);
	return 0;
}
