/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rekognition's API: AWS JSON 1.1. Entry points: lc_rekognition_start, lc_rekognition_stop,
 * lc_rekognition_handle. HTTP threads.
 */
#include "rekognition.h"

#include <string.h>

#include "json_spec.h"
#include "text.h"

#define CONTENT_TYPE "application/x-amz-json-1.1"
#define TARGET       "RekognitionService."

static const struct {
	const char *name;
	lc_rekognition_operation *run;
} operations[] = {
	{"RecognizeCelebrities", lc_rekognition_recognize_celebrities},
	{"DetectLabels", lc_rekognition_detect_labels},
	{"StartLabelDetection", lc_rekognition_start_label_detection},
	{"GetLabelDetection", lc_rekognition_get_label_detection},
};

void lc_rekognition_start(struct lc_cloud *cloud)
{
	lc_rekognition_image_start(cloud);
	lc_rekognition_video_start(cloud);
}

void lc_rekognition_stop(void)
{
	lc_rekognition_video_stop();
	lc_rekognition_image_stop();
}

void lc_rekognition_refuse(struct lc_reply *reply, const struct lc_request *request,
	const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);
	reply->status = 400;
	lc_reply_json(reply, CONTENT_TYPE,
		json_pack("{s:s, s:s, s:s, s:s}", "__type", code, "Code", code, "Logref",
			request->request_id ? request->request_id : "", "Message", message));
}

void lc_rekognition_answer(struct lc_reply *reply, json_t *root)
{
	if (root) {
		lc_reply_json(reply, CONTENT_TYPE, root);
	} else {
		reply->content_type = CONTENT_TYPE;
	}
}

json_t *lc_rekognition_box(const struct lc_vision_hit *hit)
{
	return json_pack("{s:f, s:f, s:f, s:f}", "Width", hit->width, "Height", hit->height, "Left",
		hit->left, "Top", hit->top);
}

void lc_rekognition_handle(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	const char *target = lc_request_header(request, "x-amz-target");
	json_auto_t *body = NULL;
	if (!target || !sl_text_starts_with(target, TARGET)) {
		lc_rekognition_refuse(
			reply, request, "UnknownOperationException", "No operation named");
		return;
	}
	if (sl_json_parse(request->body ? request->body : "", request->body_len, &body, NULL) !=
			SL_ERR_OK ||
		!json_is_object(body)) {
		lc_rekognition_refuse(
			reply, request, "SerializationException", "The body is not a JSON object");
		return;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(operations); i++) {
		if (strcmp(target + strlen(TARGET), operations[i].name) == 0) {
			operations[i].run(cloud, request, body, reply);
			return;
		}
	}
	lc_rekognition_refuse(reply, request, "UnknownOperationException",
		"localcloud does not offer %s", target + strlen(TARGET));
}
