# frozen_string_literal: true

module PuppetCron
  # What is in crontabs: lines that run Puppet are silenced, and given their voice back. The
  # rules are those by which `puppet-cron status` finds other schedulers.
  module Crontab
    MARK = '#puppet-cron# '
    RUNS = %r{(^|[\s/;&|"'])puppet\s+(agent|apply)\b}.freeze
    STARTS_NO_RUN = /--(enable|disable|fingerprint|help|version|configprint)\b/.freeze

    module_function

    # Whatever is in a line besides, it is looked at as text, and kept as bytes.
    def runs_puppet?(line)
      line = line.dup.force_encoding(Encoding::UTF_8).scrub.strip
      !line.start_with?('#') && line.match?(RUNS) && !line.match?(STARTS_NO_RUN)
    end

    def schedules?(text)
      text.b.lines.any? { |line| runs_puppet?(line) }
    end

    def silence(text)
      text.b.lines.map { |line| runs_puppet?(line) ? MARK.b + line : line }.join
    end

    def restore(text)
      text.b.lines.map { |line| line.delete_prefix(MARK.b) }.join
    end
  end
end
