#!/bin/sh
# Fetches the drawings and backgrounds of the held-out splits into data/assets, which git ignores, and builds
# their files there. Training and the split val-seed need none of this.
#
#   tools/fetch_assets.sh [--moonbeam PROGRAM] by style walls photo real
#   tools/fetch_assets.sh all
#
#   by      Twemoji, EmojiOne 2 (CC BY 4.0, from npm): more drawings to train on, with attribution
#   style   OpenMoji, EmojiOne 1 (CC BY-SA 4.0, from npm): split val-style
#   walls   desktop backgrounds (CC BY-SA, GPL, LGPL, from Debian): splits val-bg, val-style, val-photo
#   photo   photographs among Tux Paint's stamps (GPL 2, from Debian): split val-photo
#   real    photographs in GCompris (GPL 3, CC BY-SA or public domain, by file; from Debian): split val-real
#
# None of it is committed; what is share-alike may not be, nor may pictures made from it. Needs npm, or apt-get and dpkg-deb, and
# python3 for the last; nothing is installed. `moonbeam` is taken from build/*/apps/cli or the PATH.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
assets=$root/data/assets
moonbeam=
wanted=
while [ $# -gt 0 ]; do
  case $1 in
    --moonbeam) moonbeam=$2; shift ;;
    all) wanted="by style walls photo real" ;;
    by|style|walls|photo|real) wanted="$wanted $1" ;;
    *) echo "fetch_assets: expected by, style, walls, photo, real or all, got '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ -n "$wanted" ] || { echo "usage: tools/fetch_assets.sh [--moonbeam PROGRAM] by|style|walls|photo|real|all..." >&2; exit 2; }

need() {
  command -v "$1" >/dev/null || { echo "fetch_assets: $1 is needed for '$2' and not there" >&2; exit 1; }
}
find_moonbeam() {
  [ -n "$moonbeam" ] && return
  for candidate in "$root"/build/*/apps/cli/moonbeam; do
    if [ -x "$candidate" ]; then moonbeam=$candidate; return; fi
  done
  moonbeam=$(command -v moonbeam) || {
    echo "fetch_assets: build moonbeam first, or name it with --moonbeam" >&2
    exit 1
  }
}

mkdir -p "$assets"
work=$(mktemp -d "$assets/fetching.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

# unpack_npm PACKAGE
unpack_npm() {
  (cd "$work" && npm pack --silent "$1" >name)
  mkdir -p "$work/packages/$1"
  tar -xzf "$work/$(cat "$work/name")" -C "$work/packages/$1" --strip-components=1
}
# unpack_deb PACKAGE
unpack_deb() {
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$1")
  mkdir -p "$work/$1"
  dpkg-deb -x "$work/$1"_*.deb "$work/$1"
}

for part in $wanted; do
  case $part in
    by)
      need npm by
      find_moonbeam
      unpack_npm @iconify-json/twemoji
      unpack_npm @iconify-json/emojione
      "$moonbeam" data atlas "$work/packages" "$assets/atlas-by.tar" --tier b ;;
    style)
      need npm style
      find_moonbeam
      unpack_npm @iconify-json/openmoji
      unpack_npm @iconify-json/emojione-v1
      "$moonbeam" data atlas "$work/packages" "$assets/atlas-style.tar" --tier c ;;
    walls)
      need apt-get walls
      need dpkg-deb walls
      mkdir -p "$work/walls"
      for package in $(grep -v '^#' "$root/data/walls.tsv" | cut -f1 | sort -u); do unpack_deb "$package"; done
      grep -v '^#' "$root/data/walls.tsv" | while IFS='	' read -r package path name; do
        cp "$work/$package/$path" "$work/walls/$name"
      done
      rm -rf "$assets/walls"
      mv "$work/walls" "$assets/walls" ;;
    photo)
      need apt-get photo
      need dpkg-deb photo
      find_moonbeam
      unpack_deb tuxpaint-stamps-default
      "$moonbeam" data atlas "$work/tuxpaint-stamps-default/usr/share/tuxpaint/stamps" "$assets/atlas-photo.tar" --tier photo ;;
    real)
      need apt-get real
      need dpkg-deb real
      need python3 real
      unpack_deb gcompris-qt-data
      mkdir -p "$work/real"
      python3 "$root/tools/unpack_rcc.py" "$root/data/photographs.tsv" \
        "$work/gcompris-qt-data/usr/share/gcompris-qt/rcc" "$work/real"
      rm -rf "$assets/real"
      mv "$work/real" "$assets/real" ;;
  esac
  echo "fetch_assets: $part is in data/assets"
done
