# frozen_string_literal: true

require 'json'
require 'fileutils'
require 'tempfile'
require_relative '../../../puppet_cron/crontab'

Puppet::Type.type(:puppet_cron_takeover).provide(:linux) do
  desc 'Finds other schedulers in services, timers, crontabs and the scripts of run-parts.'

  confine kernel: 'Linux'

  # What was taken over from, or given back, in words.
  attr_reader :told

  # All that runs Puppet beside us, as [kind, name].
  def others
    service + timers.map { |t| ['timer', t] } + crontabs.map { |f| ['crontab', f] } +
      root_crontab + scripts.map { |f| ['script', f] }
  end

  def taken?
    File.exist?(record_file)
  end

  # What is noted is noted before it is done: a run that is cut off loses nothing of it.
  def take
    found = others
    note(record | found.map { |kind, name| { 'kind' => kind, 'name' => name, 'state' => state(kind, name) } })
    found.each { |kind, name| stop(kind, name) }
    @told = words(found)
  end

  def give_back
    given = record
    given.each { |o| start(o['kind'], o['name'], o['state']) }
    FileUtils.rm_f(record_file)
    @told = words(given.map { |o| [o['kind'], o['name']] })
  end

  private

  def record_file
    '/etc/puppet-cron/replaced.json'
  end

  def words(found)
    found.map { |kind, name| "#{kind} #{name}" }
  end

  def record
    JSON.parse(File.read(record_file))
  rescue Errno::ENOENT
    []
  end

  def note(all)
    FileUtils.mkdir_p(File.dirname(record_file), mode: 0o755)
    Puppet::Util.replace_file(record_file, 0o600) { |f| f.write(JSON.pretty_generate(all)) }
  end

  def stop(kind, name)
    case kind
    when 'service' then puppet_service { |s| s.stop if s.status == :running; s.disable if enabled?(s) }
    when 'timer' then systemctl('disable', '--now', name)
    when 'crontab' then rewrite(name) { |text| PuppetCron::Crontab.silence(text) }
    when 'root crontab' then root_crontab_set(PuppetCron::Crontab.silence(root_crontab_text))
    when 'script' then File.chmod(File.stat(name).mode & 0o7666, name)
    end
  end

  def start(kind, name, state)
    case kind
    when 'service' then puppet_service { |s| s.enable if state['enabled']; s.start if state['running'] }
    when 'timer'
      systemctl('enable', name) if state['enabled']
      systemctl('start', name) if state['running']
    when 'crontab' then rewrite(name) { |text| PuppetCron::Crontab.restore(text) }
    when 'root crontab' then root_crontab_set(PuppetCron::Crontab.restore(root_crontab_text))
    when 'script' then File.chmod(File.stat(name).mode | 0o111, name) if File.exist?(name)
    end
  end

  # What can be on in two ways, now and at the next boot.
  def state(kind, name)
    case kind
    when 'service' then puppet_service { |s| { 'enabled' => enabled?(s), 'running' => s.status == :running } }
    when 'timer' then { 'enabled' => systemctl?('is-enabled', name), 'running' => systemctl?('is-active', name) }
    else {}
    end
  end

  def service
    on = puppet_service { |s| enabled?(s) || s.status == :running }
    on ? [['service', 'puppet']] : []
  end

  # Puppet's own provider knows the service manager of this system.
  def puppet_service
    yield Puppet::Type.type(:service).new(name: 'puppet').provider
  end

  def enabled?(service)
    service.respond_to?(:enabled?) && service.enabled? == :true
  end

  def systemd?
    File.directory?('/run/systemd/system')
  end

  def systemctl(*args)
    Puppet::Util::Execution.execute(['systemctl', *args], failonfail: true)
  end

  def systemctl?(question, unit)
    Puppet::Util::Execution.execute(['systemctl', '--quiet', question, unit], failonfail: false).exitstatus.zero?
  end

  # Enabled ones and started ones, whose service runs Puppet.
  def timers
    return [] unless systemd?

    files = systemctl('list-unit-files', '--type=timer', '--state=enabled,enabled-runtime', '--no-legend', '--plain')
    active = systemctl('list-units', '--type=timer', '--state=active', '--no-legend', '--plain')
    (files.lines + active.lines).map { |line| line.split.first }.compact.uniq.sort.select do |timer|
      started = systemctl('show', '--property=Unit', '--value', timer).strip
      systemctl('show', '--property=ExecStart', '--value', started).lines.any? do |line|
        PuppetCron::Crontab.runs_puppet?(line[%r{argv\[\]=(.*?) ;}, 1] || '')
      end
    end
  end

  def crontabs
    # cron passes by names with a dot, and so does this.
    files('/etc/crontab', '/etc/cron.d/*').reject { |f| File.basename(f).include?('.') }.select do |f|
      PuppetCron::Crontab.schedules?(File.binread(f))
    end
  end

  def scripts
    files('/etc/cron.hourly/*', '/etc/cron.daily/*').select { |f| File.executable?(f) && PuppetCron::Crontab.schedules?(File.binread(f)) }
  end

  def files(*patterns)
    patterns.flat_map { |p| Dir.glob(p) }.select { |f| File.file?(f) }.sort
  end

  def root_crontab
    PuppetCron::Crontab.schedules?(root_crontab_text) ? [['root crontab', '(crontab -l)']] : []
  end

  def root_crontab_text
    return '' unless Puppet::Util.which('crontab')

    listed = Puppet::Util::Execution.execute(['crontab', '-u', 'root', '-l'], failonfail: false, combine: false)
    listed.exitstatus.zero? ? listed.to_s : ''
  end

  def root_crontab_set(text)
    Tempfile.create('crontab') do |file| # for root alone
      file.binmode.write(text)
      file.close
      Puppet::Util::Execution.execute(['crontab', '-u', 'root', file.path], failonfail: true)
    end
  end

  # A file that is gone needs nothing; one that stays keeps its mode and owner.
  def rewrite(path)
    text = File.binread(path)
    stat = File.stat(path)
    Puppet::Util.replace_file(path, stat.mode & 0o7777) { |f| f.binmode.write(yield(text)) }
    File.chown(stat.uid, stat.gid, path)
  rescue Errno::ENOENT
    nil
  end
end
