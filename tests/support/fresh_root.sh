#!/bin/sh
# A newcomer's machine: scripts/test (or another command) in a fresh clone, in a minimal Debian with python3 and git only,
# with an empty environment and no home. Needs root, mmdebstrap and network. Leaves one tar in .cache.
#
#   usage: tests/support/fresh_root.sh [--user] [--live] [--suite NAME] [COMMAND [ARGUMENT...]]
#
#   --user    as an ordinary user instead of root
#   --live    with the host's cgroups and kernel log, so that live tests run too (needs root inside: not with --user)
#   --suite   Debian suite, bookworm unless told otherwise
#
# The clone is of the tree as it lies here, committed or not. Mounts live in a namespace of their own and end with it.
set -eu

tree=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
suite=bookworm
inside_user=root
live=no
while [ $# -gt 0 ]; do
    case $1 in
        --user) inside_user=newcomer ;;
        --live) live=yes ;;
        --suite) suite=$2 && shift ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- scripts/test

# -- the bare machine, built once ----------------------------------------------------------------------------------------
base=$tree/.cache/fresh-root-$suite.tar
if [ ! -e "$base" ]; then
    mirror=$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/*.sources | head -n 1)
    mkdir -p "$tree/.cache"
    # Mirrors that are frozen in time carry release files that have expired.
    mmdebstrap --quiet --variant=minbase --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=python3,git,ca-certificates "$suite" "$base.part" "$mirror" --format=tar
    mv "$base.part" "$base"
fi

root=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh-root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM HUP
tar -C "$root" -xf "$base"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo 'newcomer:x:1000:1000::/nonexistent:/bin/sh' >>"$root/etc/passwd"

# -- the clone -----------------------------------------------------------------------------------------------------------
mkdir "$root/srv/origin"
(cd "$tree" && git ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null) | tar -C "$root/srv/origin" -xf -
git -C "$root/srv/origin" init --quiet
git -C "$root/srv/origin" add --all
git -C "$root/srv/origin" -c user.name=fresh -c user.email=fresh@localhost commit --quiet --message="the tree as it lies"
git clone --quiet "$root/srv/origin" "$root/srv/forestall"
rm -rf "$root/srv/origin"
[ "$inside_user" = root ] || chown -R 1000:1000 "$root/srv/forestall"

# -- inside --------------------------------------------------------------------------------------------------------------
export root live inside_user
# Live tests compare pids with those in the kernel log, so they need the host's.
pids=--pid
[ "$live" = no ] || pids=
# shellcheck disable=SC2086,SC2016  # one word or none; expanded inside
unshare --mount $pids --fork --kill-child /bin/sh -euc '
mount --make-rprivate /
mount --bind "$root" "$root"   # so that the root is a mount of its own: unshare --mount-proc wants that
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
mkdir "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
if [ "$live" = yes ]; then
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
    : >"$root/dev/kmsg"
    mount --bind /dev/kmsg "$root/dev/kmsg"
fi
for name in CI PIP_INDEX_URL PIP_DEFAULT_TIMEOUT http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    if value=$(printenv "$name"); then
        set -- "$name=$value" "$@"
    fi
done
exec chroot --userspec="$inside_user" "$root" /usr/bin/env -i --chdir=/srv/forestall \
    HOME=/empty PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' sh "$@"
