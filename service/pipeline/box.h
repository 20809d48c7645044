/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_BOX_H
#define SL_BOX_H

/* Rekognition's BoundingBox: fractions of the picture. */

#include "json_spec.h"

struct sl_box {
	double left, top, width, height;
};

extern const struct sl_json_field sl_box_spec[];

#endif
