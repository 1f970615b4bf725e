#!/bin/sh
# Debian's Ruby with the gems unpacked beside it.
command -v ruby >/dev/null || apt-get install -y -q ruby >/dev/null
libraries=$(find "$FILES/usr/share/rubygems-integration" "$FILES/var/lib/gems" -type d -name lib 2>/dev/null | tr '\n' ':')
RUBYLIB=$libraries$(ls -d "$FILES"/usr/lib/*/ruby/vendor_ruby/[0-9]* "$FILES"/usr/lib/ruby/vendor_ruby 2>/dev/null | tr '\n' ':') exec ruby -W0 "$APP/run.rb" "$1"
