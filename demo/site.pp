# What the demonstration keeps as it should be: one file, in a folder of its own.
file { "${facts['demo_dir']}/motd":
  ensure  => file,
  content => "This file is kept by Puppet.\n",
}
