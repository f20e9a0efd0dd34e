#!/usr/bin/env bash
# The same story as ci_job.py with curl alone: a pipeline tells what it did, a release script moves `champion`.
#   URL=http://127.0.0.1:8000 TOKEN=$(mlg token ci-ranking) APPROVER_TOKEN=$(mlg token eli) examples/ci_job.sh 42
# The same build may call again: nothing is done twice. What is refused ends the job with the answer and exit code 1.
set -euo pipefail

url=${URL:-http://127.0.0.1:8000}
build=${1:-1}
risk=${RISK_TIER:-MEDIUM}
model=mlg://model/mlflow/examples/next-song
version=mlg://model-version/mlflow/examples/next-song@$build
run=mlg://run/ci/next-song/build-$build
data=mlg://dataset-version/warehouse/harbour/impressions@2026-w04
team=mlg://team/catalog/default/ranking

# ask TOKEN QUERY VARIABLES: prints the answer; curl itself waits and calls again on 503 and broken connections.
ask() {
  local query=${2//$'\n'/ }
  curl --silent --show-error --retry 5 --retry-connrefused --max-time 60 "$url/graphql" \
    -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
    --data "{\"query\": \"$query\", \"variables\": $3}"
}

# want ANSWER: ends the job with the answer where it tells of errors, on top or in a payload.
want() {
  if grep --quiet '"code":' <<<"$1"; then
    echo "refused: $1" >&2
    exit 1
  fi
}

answer=$(ask "$TOKEN" 'mutation ($input: RunInput!) { recordRun(input: $input) { outcome errors { code message } } }' "
  {\"input\": {\"id\": \"$run\", \"state\": \"RUNNING\", \"inputs\": [\"$data\"], \"owners\": [{\"owner\": \"$team\"}]}}")
want "$answer"
echo "the run: $(grep -o '"outcome":"[A-Z]*"' <<<"$answer")"

answer=$(ask "$TOKEN" 'mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) {
    created updated unchanged failed results { errors { code message inputPath } } } }' "
  {\"input\": {\"idempotencyKey\": \"next-song-$build\", \"items\": [
    {\"model\": {\"id\": \"$model\", \"riskTier\": \"$risk\", \"owners\": [{\"owner\": \"$team\"}]}},
    {\"modelVersion\": {\"id\": \"$version\", \"digest\": \"sha256:$build\", \"trainingRun\": \"$run\", \"trainedOn\": [\"$data\"]}},
    {\"run\": {\"id\": \"$run\", \"state\": \"COMPLETE\", \"outputs\": [\"$version\"]}},
    {\"evaluation\": {\"id\": \"mlg://evaluation/ci/next-song/build-$build\", \"modelVersion\": \"$version\", \"verdict\": \"PASS\"}}]}}" | tr -d '\n')
want "$answer"
echo "registered: $(grep -o '"created":[0-9]*,"updated":[0-9]*,"unchanged":[0-9]*' <<<"$answer")"

[ -n "${APPROVER_TOKEN:-}" ] || exit 0
answer=$(ask "$APPROVER_TOKEN" 'mutation ($input: ApproveInput!) { approve(input: $input) { errors { code message } } }' "
  {\"input\": {\"subject\": \"$version\", \"gate\": \"release\", \"decision\": \"APPROVED\", \"idempotencyKey\": \"next-song-$build-release\"}}")
want "$answer"
answer=$(ask "$APPROVER_TOKEN" 'mutation ($input: SetAliasInput!) { setAlias(input: $input) {
    changed alias { version { id } } errors { code message } } }' "
  {\"input\": {\"model\": \"$model\", \"alias\": \"champion\", \"version\": \"$version\", \"protected\": true}}" | tr -d '\n')
want "$answer"
echo "champion: $(grep -o '"version":{"id":"[^"]*"' <<<"$answer")"
