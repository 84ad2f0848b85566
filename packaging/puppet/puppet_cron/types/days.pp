# @summary A number of days, such as 14d, or a duration.
type Puppet_cron::Days = Variant[Pattern[/\A[0-9]+d\z/], Puppet_cron::Duration]
