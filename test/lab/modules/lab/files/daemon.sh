# Leaves a proper daemon behind, as the start script of a service does: a session of its own, an orphan, no open files.
rm -f daemon.pid
setsid --fork sh -c 'echo $$ > daemon.pid; exec sleep 300' </dev/null >/dev/null 2>&1
until [ -s daemon.pid ]; do sleep 0.01; done
