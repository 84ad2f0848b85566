# Many small files: a catalog that takes a while to compile, to send and to apply.
define lab::files(Integer $count) {
  Integer[1, $count].each |$i| {
    file { "${title}/f${i}": ensure => file, content => "file ${i}\n" }
  }
}
