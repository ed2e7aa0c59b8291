#!/bin/sh
# Stands in for workerd when Miniflare starts it: leaves its process id (exec keeps it) for the harness, which kills it.
echo $$ >"$SOAK_PID_FILE"
exec "$SOAK_WORKERD" "$@"
