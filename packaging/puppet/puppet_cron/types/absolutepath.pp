# @summary An absolute path.
type Puppet_cron::Absolutepath = Pattern[/\A\/([^\n\/\0]+\/*)*\z/]
