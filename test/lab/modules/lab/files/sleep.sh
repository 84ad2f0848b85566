# A long exec of the plain kind: one process, which TERM ends.
echo $$ > sleep.pid
exec sleep 60
