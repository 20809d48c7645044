/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCS_H
#define SL_DOCS_H

/* openapi.yaml as the build embeds it: handlers/docs/embed.py. */

#include <stddef.h>

extern const char sl_openapi_yaml_text[];
extern const size_t sl_openapi_yaml_text_len;
extern const char sl_openapi_json_text[];
extern const size_t sl_openapi_json_text_len;
extern const char sl_docs_html[];
extern const size_t sl_docs_html_len;

/* The page's Content-Security-Policy: nothing but its own style and script, by their digests. */
extern const char sl_docs_policy[];

#endif
