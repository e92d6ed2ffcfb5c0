#!/bin/sh
# Thin: the hook decides by what it finds, and no transaction fails because of it.
hook=/usr/share/slashservice/current/hook
[ ! -x $hook ] || $hook triggered || :
exit 0
