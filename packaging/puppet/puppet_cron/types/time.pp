# @summary A time of day, from 00:00 to 24:00.
type Puppet_cron::Time = Pattern[/\A([01][0-9]|2[0-3]):[0-5][0-9]\z/, /\A24:00\z/]
