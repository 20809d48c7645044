/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DIAGNOSE_H
#define SL_DIAGNOSE_H

/*
 * Inside aws/: failures between us and AWS put into words, each with its likely cause and what to
 * do. What doctor prints and the log says. No secret can be in them: of a proxy's setting they
 * name the variable, never the value. Thread-safe.
 */

#include <curl/curl.h>

#include "call.h"

/** Why a transfer to `url` brought no answer, after the fact: `easy` performed it, `code` is what
 *  came of it, `curl_error` curl's own words (may be ""). Appends. */
void sl_diagnose_transfer(
	struct sl_buf *out, CURL *easy, CURLcode code, const char *url, const char *curl_error);

/** Whether trying again is of no use: wrong certificate, refusing proxy, bad address. */
bool sl_diagnose_is_hopeless(CURL *easy, CURLcode code);

/** Whether an answer is a web page, which AWS never sends: a proxy's, a firewall's, a portal's. */
bool sl_diagnose_is_page(const struct sl_answer *answer);

/** Says so, with the page's title, and what to do. Appends. */
void sl_diagnose_page(struct sl_buf *out, const struct sl_answer *answer, const char *host);

/** What an operator can do about an error code of AWS, as ": do this", or "". `code` may be NULL.
 *  Appends. */
void sl_diagnose_advice(struct sl_buf *out, const struct sl_call *call,
	const struct sl_answer *answer, const char *code, const char *message, enum sl_err err);

#endif
