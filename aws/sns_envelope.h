/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_ENVELOPE_H
#define SL_SNS_ENVELOPE_H

/*
 * Inside aws/: the envelope as SNS writes it, read without a tree: an object of strings under the
 * known names. A JSON parser takes as long for it as RSA for the signature.
 */

#include "sns_message.h"

/** True: `ret` holds what the JSON parser would have found. False: it is written in another way, or
 *  wrong; the JSON parser judges. The fuzzer holds the two against each other. Pure. */
SL_MUST_CHECK bool sl_sns_envelope_read(const char *body, size_t len, struct sl_sns_message *ret);

#endif
