#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run tsan: spotlist under the thread sanitizer: the unit tests, and the integration tests in
# which most threads meet. A report is a failure (TSan's exit status 66).
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

need build demo sample test
build_plain
build_in build-tsan -Dwerror="$werror" -Dtests=true -Db_sanitize=thread -Db_lundef=false \
	-Dlocalcloud=false
meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 5 >&2
SPOTLIST_BUILD=build-tsan LOCALCLOUD_BUILD=build SPOTLIST_TEST_PATIENCE=3 \
	/usr/bin/python3 -m pytest -q -n 2 --dist loadfile -p no:cacheprovider \
	tests/integration/test_pipeline.py tests/integration/test_upload.py \
	tests/integration/test_sns_endpoint.py tests/integration/test_restart.py \
	tests/integration/test_webhook.py
