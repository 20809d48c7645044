/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROBE_H
#define SL_PROBE_H

/* One question to a program of ours on this machine, for health checks. */

#include "defs.h"
#include "err.h"

/** GET `target` at the address that the program was told to listen on, as settings have it
 *  ("127.0.0.1:8081", "[::1]:8081"; all addresses, "0.0.0.0" and "[::]", are asked on loopback).
 *  SL_ERR_OK when it answers 200 within `timeout_ms`; SL_ERR_IO with what came instead;
 *  SL_ERR_CONFIG when that is no address that could be asked. Any thread. */
SL_MUST_CHECK enum sl_err sl_probe(
	const char *address, const char *target, int64_t timeout_ms, struct sl_error *reterr);

#endif
