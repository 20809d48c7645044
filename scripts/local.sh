#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run local [--gallery DIR]: the demo's set-up, kept up until Ctrl-C, with its data in .demo/.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh
# shellcheck source=scripts/sample.sh
. scripts/sample.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh

gallery=
if [ "${1:-}" = --gallery ] && [ $# -ge 2 ]; then
	gallery=$(cd "$RUN_CALLER_DIR" && readlink -f "$2")
	[ -d "$gallery" ] || die "there is no directory $2"
	shift 2
fi
[ $# -eq 0 ] || die "local: unexpected '$1'; see ./run help"

need build demo
build_plain

dir=$PWD/.demo
mkdir -p "$dir"
exec 9>"$dir/lock"
flock -n 9 || die "./run local is running already, in $dir"

finish() {
	local status=$?
	trap '' INT TERM
	say "stopping"
	stack_down
	exit $status
}
trap finish EXIT
trap 'exit 0' INT TERM

# The same addresses as last time where they are still free: links and subscriptions stay valid.
addresses=()
[ ! -f "$dir/addresses" ] || read -ra addresses <"$dir/addresses"
for address in "${addresses[@]}"; do
	if (exec 3<>"/dev/tcp/${address%:*}/${address##*:}") 2>/dev/null; then
		addresses=()
		break
	fi
done
# Without ./run demo there is no sample, and it takes a download of 96 MB.
file=FILE.mp4
if [ -f $sample_video ]; then
	file=$sample_video
	add_sample_gallery "$dir/gallery"
fi
stack_up "$dir" "$gallery" "${addresses[@]}"
echo "${stack_url#http://} ${stack_admin#http://} ${stack_cloud#http://}" >"$dir/addresses"

cat <<END
spotlist is up; Ctrl-C stops it. Its data stays in .demo/.

  API         $stack_url
  health      $stack_admin/readyz
  localcloud  $stack_cloud
  logs        .demo/spotlist.log, .demo/localcloud.log

Submit a file, follow it, read what is known of it:
  scripts/submit.py $stack_url $file

The same by hand:
  curl -s $stack_url/videos -H 'Content-Type: application/json' \\
       -d '{"source": "upload", "filename": "FILE.mp4", "content_type": "video/mp4"}'
  curl -T FILE.mp4 -H 'Content-Type: video/mp4' 'UPLOAD.URL OF THE ANSWER'
  curl -s $stack_url/videos
  curl -s $stack_url/videos/ID
  curl -s $stack_url/videos/ID/metadata

With AWS's own tools (boto3, aws):
  export AWS_ENDPOINT_URL=$stack_cloud AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws dynamodb scan --table-name rekognition-thumbs
  aws s3 ls --recursive s3://spotlist-demo/

SQL:
  psql "$stack_database"
END

# Until Ctrl-C, or until one of the programs ends.
while sleep 1; do
	for entry in "${stack_pids[@]}"; do
		if ! kill -0 "${entry%% *}" 2>/dev/null; then
			say "${entry#* } has ended"
			stack_logs "$dir"
			exit 1
		fi
	done
done
