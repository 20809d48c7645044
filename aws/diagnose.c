/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Causes and remedies of what goes wrong between us and AWS. Entry points: sl_diagnose_transfer()
 * for transfers without an answer, sl_diagnose_page() for answers that are somebody else's,
 * sl_diagnose_advice() for AWS's own errors. Pure but for curl_easy_getinfo(); any thread.
 */
#include "diagnose.h"

#include <ctype.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define MAX_TITLE 80

/* --- transfers ------------------------------------------------------------------------------ */

/* The variable that sends requests to this URL through a proxy, or NULL. What NO_PROXY exempts is
 * curl's to know. */
static const char *proxy_variable(const char *url)
{
	/* curl does not read HTTP_PROXY: under CGI that is a header of the client's. */
	static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", "all_proxy"};
	const char *const *names = sl_text_starts_with(url, "https:") ? https : http;
	for (size_t i = 0; i < SL_ARRAY_SIZE(https); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && *value != '\0') {
			return names[i];
		}
	}
	return NULL;
}

static const char *usual_variable(const char *url)
{
	return sl_text_starts_with(url, "https:") ? "HTTPS_PROXY" : "http_proxy";
}

static void describe_unreachable(struct sl_buf *out, const char *url)
{
	const char *variable = proxy_variable(url);
	if (variable != NULL) {
		sl_buf_printf(out,
			": requests go through the proxy that %s names; is it right, or should "
			"NO_PROXY exempt this host?",
			variable);
	} else {
		sl_buf_printf(out,
			": is the endpoint right, does a firewall or a missing route or VPC "
			"endpoint keep us from it, or is a proxy needed (%s)?",
			usual_variable(url));
	}
}

/* Which part of the transfer was under way when time was up. */
static void describe_timeout(
	struct sl_buf *out, CURL *easy, const char *url, const char *curl_error)
{
	/* CURLINFO_CONNECT_TIME_T is set when TLS is done as well. */
	long local_port = 0;
	curl_off_t secured_us = 0;
	curl_off_t answered_us = 0;
	curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &local_port);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured_us);
	curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &answered_us);
	if (strncmp(curl_error, "Resolving", 9) == 0) {
		sl_buf_puts(out, "; no name server answers: does DNS work on this machine?");
	} else if (local_port == 0) {
		sl_buf_puts(out, "; nothing answers there");
		describe_unreachable(out, url);
	} else if (secured_us == 0 && sl_text_starts_with(url, "https:")) {
		sl_buf_puts(out,
			"; it took the connection and did not finish the TLS handshake: is "
			"something between us that cannot do TLS, or a network that loses large "
			"packets (MTU)?");
	} else if (answered_us == 0) {
		sl_buf_puts(out,
			"; it took the request and did not answer: the service, a proxy or a "
			"firewall on the way hangs; if this lasts, try without the proxy");
	} else {
		sl_buf_puts(out,
			"; the answer began and did not end: the service or the network on the "
			"way hangs");
	}
}

static void describe_certificate(struct sl_buf *out, CURL *easy, const char *curl_error)
{
	/* Names are curl's own check, behind OpenSSL's, of which only its words tell. */
	if (strstr(curl_error, "subject name") != NULL) {
		sl_buf_puts(out,
			": the certificate is good and somebody else's, so a captive portal, a "
			"proxy or a wrong DNS entry answers in place of AWS, or the endpoint URL "
			"names another host than the certificate");
		return;
	}
	long why = X509_V_OK;
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &why);
	switch (why) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		sl_buf_puts(out,
			": either whoever answers there is not AWS, or the clock of this machine "
			"is wrong (set it by NTP)");
		return;
	default:
		sl_buf_puts(out,
			": if a proxy inspects TLS here, put its root certificate into the file "
			"that AWS_CA_BUNDLE names; if this is a captive portal, sign in there; "
			"without either, ca-certificates is missing or somebody listens");
	}
}

static long proxy_status(CURL *easy)
{
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status / 100 == 2 ? 0 : status;
}

static void describe_refusing_proxy(struct sl_buf *out, long status, const char *url)
{
	const char *variable = proxy_variable(url);
	variable = variable != NULL ? variable : usual_variable(url);
	if (status == 407) {
		sl_buf_printf(out,
			": the proxy wants a user and a password that are right: "
			"%s=http://USER:PASSWORD@HOST:PORT",
			variable);
	} else {
		sl_buf_printf(out,
			": the proxy that %s names lets nobody through to this host; have it "
			"allowed there, or exempt it by NO_PROXY",
			variable);
	}
}

void sl_diagnose_transfer(
	struct sl_buf *out, CURL *easy, CURLcode code, const char *url, const char *curl_error)
{
	size_t scheme_len = strcspn(url, ":") + 3;
	const char *host = strlen(url) > scheme_len ? url + scheme_len : url;
	int host_len = (int)strcspn(host, "/");
	sl_buf_printf(out, "no answer from %.*s: %s", host_len, host,
		*curl_error != '\0' ? curl_error : curl_easy_strerror(code));
	if (proxy_status(easy) != 0) {
		describe_refusing_proxy(out, proxy_status(easy), url);
		return;
	}
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		sl_buf_puts(out,
			": are AWS_REGION and the endpoint right, and does DNS work on this "
			"machine?");
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		describe_unreachable(out, url);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		describe_timeout(out, easy, url, curl_error);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		describe_certificate(out, easy, curl_error);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		sl_buf_puts(out, ": AWS_CA_BUNDLE must name a readable file of PEM certificates");
		break;
	case CURLE_SSL_CONNECT_ERROR:
		sl_buf_puts(out,
			": whoever answers there does not speak TLS as AWS does: a proxy, a "
			"captive portal, or an endpoint URL with https:// for http://");
		break;
	default:
		break;
	}
}

bool sl_diagnose_is_hopeless(CURL *easy, CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_FAILED_INIT:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_ABORTED_BY_CALLBACK:
		return true;
	default:
		return proxy_status(easy) / 100 == 4;
	}
}

/* --- pages ---------------------------------------------------------------------------------- */

static bool begins_as_page(const struct sl_buf *body)
{
	const char *text = sl_buf_str(body);
	text += strspn(text, " \t\r\n");
	return strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0;
}

bool sl_diagnose_is_page(const struct sl_answer *answer)
{
	/* S3 hands out pages that somebody stored, and names its request then. */
	if (answer->request_id != NULL) {
		return false;
	}
	SL_AUTO(sl_freep)
	char *type = sl_answer_header(answer, "content-type");
	if (type != NULL && strncasecmp(type, "text/html", 9) == 0) {
		return true;
	}
	return answer->status / 100 != 2 && begins_as_page(&answer->body);
}

/* What a stranger wrote is quoted in part, and without what could disturb a log. */
static void quote_title(struct sl_buf *out, const struct sl_buf *body)
{
	const char *title = strcasestr(sl_buf_str(body), "<title");
	title = title != NULL ? strchr(title, '>') : NULL;
	if (title == NULL) {
		return;
	}
	title++;
	title += strspn(title, " \t\r\n");
	size_t len = strcspn(title, "<");
	len = len < MAX_TITLE ? len : MAX_TITLE;
	if (len == 0) {
		return;
	}
	sl_buf_puts(out, " \"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)title[i];
		sl_buf_putc(out, (char)(c >= ' ' && c < 0x7f && c != '"' ? c : ' '));
	}
	sl_buf_puts(out, "\"");
}

void sl_diagnose_page(struct sl_buf *out, const struct sl_answer *answer, const char *host)
{
	sl_buf_printf(out, "what came from %s (HTTP %d) is an HTML page", host, answer->status);
	quote_title(out, &answer->body);
	if (answer->status == 407) {
		sl_buf_puts(out,
			": the proxy wants a user and a password that are right, in HTTPS_PROXY "
			"or http_proxy");
	} else {
		sl_buf_puts(out,
			", not an answer of AWS: is there a proxy or a captive portal between? "
			"Sign in there, or set HTTPS_PROXY and NO_PROXY, or correct the endpoint "
			"URL");
	}
}

/* --- errors of AWS -------------------------------------------------------------------------- */

/* Codes that have a remedy of their own. */
static const struct {
	const char *code;
	const char *remedy;
} remedies[] = {
	{"ExpiredToken", "the session token has run out: renew it where the credentials come from"},
	{"ExpiredTokenException",
		"the session token has run out: renew it where the credentials come from"},
	{"TokenRefreshRequired",
		"the session token has run out: renew it where the credentials come from"},
	{"InvalidToken", "the session token belongs to other keys, or to another partition"},
	{"InvalidAccessKeyId",
		"AWS knows no such access key: it was deleted, or is of another partition"},
	{"InvalidClientTokenId",
		"AWS knows no such access key or session token: it was deleted, is of another "
		"partition, or of a region that the account has not enabled"},
	{"UnrecognizedClientException",
		"AWS knows no such access key or session token: it was deleted, is of another "
		"partition, or of a region that the account has not enabled"},
	{"SignatureDoesNotMatch",
		"the secret access key does not belong to the access key id, or a proxy on the way "
		"changes requests"},
	{"InvalidSignatureException",
		"the secret access key does not belong to the access key id, or a proxy on the way "
		"changes requests"},
	{"OptInRequired", "the account is not signed up for this service or region"},
	{"SubscriptionRequiredException",
		"the account is not signed up for this service or region"},
	{"NoSuchBucket",
		"create the bucket (spotlist provision does), or correct the setting that names "
		"it"},
	{"AccountProblem", "ask AWS Support what is wrong with the account"},
};

/* Somebody's region is not ours. NULL: that is not the matter. The caller owns the result. */
static char *other_region(const struct sl_answer *answer, const char *code, const char *message)
{
	static const char *const codes[] = {"PermanentRedirect", "TemporaryRedirect", "Redirect",
		"AuthorizationHeaderMalformed", "IncorrectEndpoint",
		"IllegalLocationConstraintException", "InvalidRegion",
		"AuthorizationQueryParametersError"};
	bool about_regions = false;
	for (size_t i = 0; code != NULL && i < SL_ARRAY_SIZE(codes); i++) {
		about_regions = about_regions || strcmp(code, codes[i]) == 0;
	}
	char *region = sl_answer_header(answer, "x-amz-bucket-region");
	bool redirected = answer->status / 100 == 3;
	/* A HEAD that is signed for another region is a 400 without words. */
	bool silent = region != NULL && answer->status == 400 && answer->body.len == 0;
	if (about_regions || redirected || silent) {
		return region != NULL ? region : sl_strdup("another region");
	}
	free(region);
	bool scoped = message != NULL && strcasestr(message, "scoped to a valid region") != NULL;
	return scoped ? sl_strdup("another region") : NULL;
}

static bool is_about_time(const char *code, const char *message)
{
	static const char *const codes[] = {
		"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"};
	for (size_t i = 0; code != NULL && i < SL_ARRAY_SIZE(codes); i++) {
		if (strcmp(code, codes[i]) == 0) {
			return true;
		}
	}
	return message != NULL &&
		(strcasestr(message, "Signature expired") != NULL ||
			strcasestr(message, "Signature not yet current") != NULL);
}

void sl_diagnose_advice(struct sl_buf *out, const struct sl_call *call,
	const struct sl_answer *answer, const char *code, const char *message, enum sl_err err)
{
	if (is_about_time(code, message)) {
		SL_AUTO(sl_freep)
		char *date = sl_answer_header(answer, "date");
		sl_buf_printf(out,
			": the clock of this machine is wrong (theirs said %s): set it by NTP",
			date != NULL ? date : "nothing");
		return;
	}
	SL_AUTO(sl_freep)
	char *region = other_region(answer, code, message);
	if (region != NULL && call->service == SL_SERVICE_S3) {
		sl_buf_printf(out,
			": the bucket is in %s: set AWS_REGION to its region, or name a bucket of "
			"ours",
			region);
		return;
	}
	if (region != NULL) {
		sl_buf_puts(out,
			": the request was signed for another region than the endpoint's: set "
			"AWS_REGION and the endpoint URL to the same");
		return;
	}
	for (size_t i = 0; code != NULL && i < SL_ARRAY_SIZE(remedies); i++) {
		if (strcmp(code, remedies[i].code) == 0) {
			sl_buf_printf(out, ": %s", remedies[i].remedy);
			return;
		}
	}
	if (err == SL_ERR_AWS_FORBIDDEN) {
		sl_buf_printf(out,
			": allow %s in the policies of the credentials' owner and of the resource",
			call->operation);
	} else if (err == SL_ERR_AWS_CREDENTIALS) {
		sl_buf_puts(out, ": renew the credentials where they come from");
	}
}
