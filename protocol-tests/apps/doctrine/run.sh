#!/bin/sh
# Debian's PHP; Doctrine as Debian packages it, with what it needs.
dpkg -s php-cli php-pgsql php-doctrine-orm >/dev/null 2>&1 || apt-get install -y -q php-cli php-pgsql php-doctrine-orm >/dev/null
exec php -d error_reporting=0 "$APP/run.php" "$1"
