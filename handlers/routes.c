/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation: method, template, operationId, handler, who may call, body cap in bytes. */

#include "routes.h"

#include "handlers.h"

#define KIB ((size_t)1024)

/* clang-format off */
const struct sl_route sl_routes[] = {
	{"POST", "/videos",               "video_create",   sl_video_create,   SL_AUTH_SUBMIT, 64 * KIB},
	{"GET",  "/videos",               "video_list",     sl_video_list,     SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}",          "video_get",      sl_video_get,      SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/metadata", "video_metadata", sl_video_metadata, SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/transcript.json", "transcript_json", sl_transcript_json,
		SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/transcript.vtt", "transcript_vtt", sl_transcript_vtt, SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/transcript.srt", "transcript_srt", sl_transcript_srt, SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/transcript.txt", "transcript_txt", sl_transcript_txt, SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/labels.csv", "labels_csv",   sl_labels_csv,     SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/celebrities.csv", "celebrities_csv", sl_celebrities_csv,
		SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/markers.edl", "markers_edl", sl_markers_edl,    SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/markers.otio", "markers_otio", sl_markers_otio, SL_AUTH_READ, 0},
	{"POST", "/videos/{id}/analyses", "analysis_create", sl_analysis_create, SL_AUTH_SUBMIT,
		64 * KIB},
	{"GET",  "/videos/{id}/analyses", "analysis_list",  sl_analysis_list,  SL_AUTH_READ, 0},
	{"GET",  "/videos/{id}/analyses/{kind}/{attempt}", "analysis_get", sl_analysis_get,
		SL_AUTH_READ, 0},
	{"POST", "/videos/{id}/cancel",   "video_cancel",   sl_video_cancel,   SL_AUTH_SUBMIT, 0},
	{"DELETE", "/videos/{id}",        "video_delete",   sl_video_delete,   SL_AUTH_ADMIN, 0},
	{"GET",  "/videos/{id}/deliveries", "delivery_list", sl_delivery_list, SL_AUTH_READ, 0},
	{"POST", "/videos/{id}/deliveries/{delivery}/replay", "delivery_replay", sl_delivery_replay,
		SL_AUTH_ADMIN, 0},
	{"GET",  "/search",               "search",         sl_search_videos,  SL_AUTH_READ, 0},
	{"GET",  "/celebrities",          "celebrity_list", sl_celebrity_list, SL_AUTH_READ, 0},
	{"GET",  "/labels",               "label_list",     sl_label_list,     SL_AUTH_READ, 0},
	{"GET",  "/usage",                "usage_get",      sl_usage_get,      SL_AUTH_READ,  0},
	{"POST", "/sns",                  "sns_receive",    sl_sns_receive,    SL_AUTH_SNS,   1024 * KIB},
	{"GET",  "/docs",                 "docs",           sl_docs,           SL_AUTH_OPEN,  0},
	{"GET",  "/openapi.yaml",         "openapi_yaml",   sl_openapi_yaml,   SL_AUTH_OPEN,  0},
	{"GET",  "/openapi.json",         "openapi_json",   sl_openapi_json,   SL_AUTH_OPEN,  0},
};

const struct sl_route sl_admin_routes[] = {
	{"GET",  "/healthz",              "healthz",        sl_healthz,        SL_AUTH_OPEN,  0},
	{"GET",  "/metrics",              "metrics",        sl_metrics_get,    SL_AUTH_OPEN,  0},
	{"GET",  "/readyz",               "readyz",         sl_readyz,         SL_AUTH_OPEN,  0},
};
/* clang-format on */

const size_t sl_route_count = SL_ARRAY_SIZE(sl_routes);
const size_t sl_admin_route_count = SL_ARRAY_SIZE(sl_admin_routes);

static void print(const struct sl_route *routes, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%s %s %s\n", routes[i].method, routes[i].path,
			routes[i].operation_id);
	}
}

void sl_routes_print(FILE *out)
{
	print(sl_routes, sl_route_count, out);
	print(sl_admin_routes, sl_admin_route_count, out);
}
