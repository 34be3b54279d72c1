#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What systemd makes of ProtectHome=yes, ProtectSystem=strict, PrivateTmp=yes, NoNewPrivileges=yes,
# UMask=0077, StateDirectory= and a user of its own, with plain mounts:
#     checkout=... build=... environment=... state=... unshare --mount sandbox.sh COMMAND...
# The four folders are in /opt, wherever they were before, and state also in /var/lib/vqdeepsc.
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /opt
for name in checkout build environment state; do
    mkdir "/opt/$name"
    mount --bind "${!name}" "/opt/$name"
done
mount -t tmpfs tmpfs /var/lib
mkdir /var/lib/vqdeepsc
mount --bind "$state" /var/lib/vqdeepsc
for hidden in /home /root /run/user; do
    [ ! -d $hidden ] || mount -t tmpfs -o mode=000 tmpfs $hidden
done
for private in /tmp /var/tmp; do
    mount -t tmpfs -o mode=1777 tmpfs $private
done
while read -r _ place _; do
    place=$(printf '%b' "$place")
    case $place in
        /dev*|/proc*|/sys*|/tmp|/var/tmp|/var/lib/vqdeepsc) ;;
        # one that lies under what was mounted above is out of reach
        *) ! mountpoint -q "$place" || mount -o remount,bind,ro "$place" ;;
    esac
done </proc/self/mounts
[ ! -w / ] && [ ! -w /opt/checkout ] && [ -w /var/lib/vqdeepsc ]
cd /var/lib/vqdeepsc
umask 077
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"
