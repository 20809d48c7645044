/* SPDX-License-Identifier: Apache-2.0 */
/* GET /docs, /openapi.yaml, /openapi.json: the contract as the build embedded it. Open to everyone:
 * a browser brings no token, and nothing here is not in the source. HTTP threads. */

#include "docs.h"

#include <pthread.h>

#include "content.h"
#include "handlers.h"

static struct sl_content *page;
static struct sl_content *yaml;
static struct sl_content *json;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct sl_content *content_of(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	sl_buf_add(&body, text, len);
	return sl_content_create(&body, NULL);
}

/* They live as long as the process. */
static void make_contents(void)
{
	page = content_of(sl_docs_html, sl_docs_html_len);
	yaml = content_of(sl_openapi_yaml_text, sl_openapi_yaml_text_len);
	json = content_of(sl_openapi_json_text, sl_openapi_json_text_len);
}

static enum sl_err reply_content(struct sl_request *request, struct sl_content *const *content,
	const char *content_type, struct sl_reply *reply)
{
	static const char *const none[] = {NULL};
	enum sl_err err = sl_request_only_query(request, none);
	if (err != SL_ERR_OK) {
		return err;
	}
	pthread_once(&once, make_contents);
	reply->content_type = content_type;
	sl_reply_content(reply, sl_content_ref(*content));
	return SL_ERR_OK;
}

enum sl_err sl_docs(struct sl_request *request, struct sl_reply *reply)
{
	sl_reply_header(reply, "Content-Security-Policy", sl_docs_policy);
	sl_reply_header(reply, "Referrer-Policy", "no-referrer");
	return reply_content(request, &page, "text/html; charset=utf-8", reply);
}

enum sl_err sl_openapi_yaml(struct sl_request *request, struct sl_reply *reply)
{
	return reply_content(request, &yaml, "application/yaml", reply);
}

enum sl_err sl_openapi_json(struct sl_request *request, struct sl_reply *reply)
{
	return reply_content(request, &json, "application/json", reply);
}
