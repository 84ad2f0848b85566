package config

// DefaultPath is where the file is when --config does not say otherwise. It is
// not built from %ProgramData%: the service must not be led elsewhere by the
// environment that it happens to be started from.
const DefaultPath = `C:\ProgramData\puppet-cron\puppet-cron.yaml`

const defaultStateDir = `C:\ProgramData\puppet-cron`

const defaultHooksDir = `C:\ProgramData\puppet-cron\hooks`
