#!/bin/sh
# Stands in for workerd when Miniflare starts it. Leaves its process id (exec keeps it) for whoever must end it, and
# moves Miniflare's own entry, which nobody here uses, from a TCP port to a socket file: the broker listens on the one
# address it was given and on nothing else.
echo $$ >"$DURABLE_MQTT_PID_FILE"
for argument; do
  shift
  case $argument in
    --socket-addr=entry=*) argument="--socket-addr=entry=unix:$DURABLE_MQTT_ENTRY" ;;
  esac
  set -- "$@" "$argument"
done
exec "$DURABLE_MQTT_WORKERD" "$@"
