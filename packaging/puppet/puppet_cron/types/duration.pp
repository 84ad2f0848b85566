# @summary A duration as Go writes it, such as 90s, 30m or 1h30m.
type Puppet_cron::Duration = Pattern[/\A([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+\z/]
