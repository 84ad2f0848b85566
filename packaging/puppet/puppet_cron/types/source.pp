# @summary Where a package file is: a path on the node, a file of a module, or a URL.
type Puppet_cron::Source = Variant[Puppet_cron::Absolutepath, Pattern[/\A(https?:\/\/|puppet:\/\/\/)[^\s]+\z/]]
