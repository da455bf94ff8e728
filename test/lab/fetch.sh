#!/usr/bin/env bash
# Fetches what the tests run and npm does not have, into .cache/lab; what is there already is left as it is.
# usage: fetch.sh [moto|tcc|mysql-9.7|mysql-8.0|mariadb-10.11|mariadb-11.8]…      (none: all of them)
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
everything=(moto tcc mysql-9.7 mysql-8.0 mariadb-10.11 mariadb-11.8)

fetch() {
  case $1 in
  moto) "$here/aws/fetch-moto.sh" ;;
  tcc) "$here/iam/fetch-compiler.sh" ;;
  *) "$here/mysql/fetch-server.sh" "$1" ;;
  esac
}

# once more for what may pass by itself: a list that was exchanged while it was read
fetch_or_retry() {
  fetch "$1" && return
  [ "$1" != mysql-8.0 ] && sleep 5 && fetch "$1"
}

names=("${@:-${everything[@]}}")
pids=()
for name in "${names[@]}"; do
  fetch_or_retry "$name" &
  pids+=($!)
done

failed=0
for i in "${!names[@]}"; do
  if wait "${pids[$i]}"; then continue; fi
  if [ "${names[$i]}" = mysql-8.0 ]; then
    echo "SKIPPED: mysql-8.0 was not fetched, so nothing is tested on MySQL 8.0" >&2
  else
    failed=1
  fi
done
exit $failed
