# @summary A size: a whole number of KiB, MiB or GiB.
type Puppet_cron::Size = Pattern[/\A[0-9]+(KiB|MiB|GiB)\z/]
