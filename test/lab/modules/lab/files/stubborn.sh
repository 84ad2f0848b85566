# Ignores TERM, and so does its child, as an ignored signal is inherited. Only KILL ends them, or 300 seconds.
trap '' TERM
sleep 300 &
echo $! > grandchild.pid
echo $$ > stubborn.pid
wait
