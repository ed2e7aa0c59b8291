#!/bin/sh
# Publishes over HTTP, with nothing but curl: sh examples/curl/publish.sh [http://HOST]
# Where the broker asks for a token: TOKEN=… sh examples/curl/publish.sh https://HOST
set -eu
broker=${1:-http://127.0.0.1:8787}

request() {
  curl --silent --show-error --fail ${TOKEN:+--header "Authorization: Bearer $TOKEN"} "$@"
  echo
}
json='content-type: application/json'

# One message as JSON, with the fields of EMQX's API.
request "$broker/api/v5/publish" --header "$json" --data '{"topic": "chat/hello", "payload": "hello from curl", "qos": 1}'

# Several at once: all are taken, or none.
request "$broker/api/v5/publish/bulk" --header "$json" --data '[
  {"topic": "chat/one", "payload": "first"},
  {"topic": "chat/two", "payload": "AAEC", "payload_encoding": "base64"}
]'

# The body as it is: a file, a picture, the output of a program.
date | request "$broker/topics/chat/date?qos=1" --data-binary @-

# A value that new subscribers get at once, until it is cleared.
request "$broker/topics/lamp/kitchen" --request PUT --data on
request "$broker/topics/lamp/kitchen"
request "$broker/topics/lamp/kitchen" --request DELETE
