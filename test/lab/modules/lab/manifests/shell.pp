# A shell script run in the node's workdir. Puppet makes it the leader of a session of its own.
define lab::shell(String $script) {
  exec { "script ${title}":
    command => ['/bin/sh', '-c', $script],
    cwd     => $facts['workdir'],
    timeout => 300,
  }
}
