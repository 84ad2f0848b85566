# frozen_string_literal: true

require 'json'

# What `puppet-cron status` says, for PuppetDB: how the node is and why, and nothing that
# changes by itself from run to run but the last run that is known.
Facter.add(:puppet_cron) do
  confine kernel: 'Linux'

  setcode do
    program = '/usr/bin/puppet-cron'
    text = File.executable?(program) ? Facter::Core::Execution.execute("#{program} status --json", timeout: 10, on_fail: '') : ''
    begin
      status = JSON.parse(text)
    rescue JSON::ParserError
      status = nil
    end
    next nil unless status.is_a?(Hash) && status['version']

    run = status['last_executed'] || {}
    service = status['service'] || {}
    {
      'version'         => status['version'],
      'health'          => status['health'],
      'why'             => status['why'],
      'serving'         => service['alive'] || false,
      'interval_s'      => service['interval_s'],
      'offset_s'        => service['offset_s'],
      'last_outcome'    => run['outcome'],
      'last_reason'     => run['reason'],
      'last_ended'      => run['ended'],
      'disabled'        => status.dig('disabled', 'reason'),
      'holds'           => (status['holds'] || []).map { |h| h['owner'] }.uniq,
      'other_schedulers' => (status['other_schedulers'] || []).map { |s| "#{s['kind']} #{s['where']}" },
    }.reject { |_, value| value.nil? || value == '' }
  end
end
