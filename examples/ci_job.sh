#!/usr/bin/env bash
# The scenario of ci_job.py with curl alone: a pipeline records its run, a release step moves the alias `champion`.
#   URL=http://127.0.0.1:8000 TOKEN=$(mlg token ci-ranking) APPROVER_TOKEN=$(mlg token eli) examples/ci_job.sh 42
# It needs bash, curl, grep and tr, which usual systems have, and no package.
# A repeated build writes nothing twice. A rejected call ends the job with the response and exit code 1.
set -euo pipefail

url=${URL:-http://127.0.0.1:8000}
build=${1:-1}
risk=${RISK_TIER:-MEDIUM}
model=mlg://model/mlflow/examples/next-song
version=mlg://model-version/mlflow/examples/next-song@$build
run=mlg://run/ci/next-song/build-$build
data=mlg://dataset-version/warehouse/harbour/impressions@2026-w04
team=mlg://team/catalog/default/ranking

# ask TOKEN QUERY VARIABLES: prints the response; curl retries after 503 and after a refused connection.
ask() {
  local query=${2//$'\n'/ }
  curl --silent --show-error --retry 5 --retry-connrefused --max-time 60 "$url/graphql" \
    -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
    --data "{\"query\": \"$query\", \"variables\": $3}"
}

# want RESPONSE: ends the job with the response if it has errors, at the top level or in a payload.
want() {
  if grep --quiet '"code":' <<<"$1"; then
    echo "rejected: $1" >&2
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
