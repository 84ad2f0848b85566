package settings

// DefaultPath is where the file is when --config does not say otherwise.
const DefaultPath = `C:\ProgramData\puppet-cron\collector.yaml`

const defaultDatabase = `sqlite:C:\ProgramData\puppet-cron-collector\collector.db`
