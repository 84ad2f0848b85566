# @summary How bad `puppet-cron check` finds something.
type Puppet_cron::Severity = Enum['ok', 'warning', 'critical', 'unknown']
