#!/bin/sh
# Ends workerd when the start ends without having done so: its standard input is a pipe that only the start holds open.
# $1: the file with workerd's process id; $2: the entry's socket file.
trap '' TERM INT HUP
read -r _
[ -f "$1" ] && kill -9 "$(cat "$1")" 2>/dev/null
rm -f "$1" "$2"
