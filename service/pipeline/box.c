/* SPDX-License-Identifier: Apache-2.0 */
/* The table of Rekognition's BoundingBox. */

#include "box.h"

const struct sl_json_field sl_box_spec[] = {
	SL_F64_AS(struct sl_box, left, "Left", SL_REQUIRED),
	SL_F64_AS(struct sl_box, top, "Top", SL_REQUIRED),
	SL_F64_AS(struct sl_box, width, "Width", SL_REQUIRED),
	SL_F64_AS(struct sl_box, height, "Height", SL_REQUIRED),
	SL_JSON_END,
};
