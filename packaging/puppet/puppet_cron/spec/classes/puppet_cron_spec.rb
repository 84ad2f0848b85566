# frozen_string_literal: true

require 'spec_helper'

describe 'puppet_cron' do
  conf = '/etc/puppet-cron/puppet-cron.yaml'

  context 'by default' do
    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_package('puppet-cron').with_ensure('installed').without_source }
    it { is_expected.to contain_service('puppet-cron').with(ensure: 'running', enable: true) }
    it { is_expected.to contain_file(conf).with_validate_cmd('/usr/bin/puppet-cron config check %').that_requires('Package[puppet-cron]').that_notifies('Service[puppet-cron]') }
    it { is_expected.to contain_puppet_cron_takeover('puppet-cron').with_ensure('present').that_requires('Service[puppet-cron]') }

    it 'leaves everything to the program' do
      expect(settings(catalogue, conf)).to eq({})
    end
  end

  context 'with settings of several sections' do
    let(:params) do
      {
        schedule_every: '1h', schedule_splay_mode: 'slot', schedule_windows: [{ 'days' => 'SAT,SUN', 'from' => '22:00', 'to' => '05:00', 'mode' => 'noop' }],
        schedule_skip_when_command: ['/usr/local/bin/ok', '--quick'], puppet_noop: true, puppet_nice: 5, check_certificate_warning_days: 14,
        reporter_url: 'https://puppet.example.com:8150'
      }
    end

    it 'has them at their paths, and nothing else' do
      expect(settings(catalogue, conf)).to eq(
        'schedule' => {
          'every' => '1h', 'splay' => { 'mode' => 'slot' },
          'windows' => [{ 'days' => 'SAT,SUN', 'from' => '22:00', 'to' => '05:00', 'mode' => 'noop' }],
          'skip_when' => { 'command' => ['/usr/local/bin/ok', '--quick'] }
        },
        'puppet' => { 'noop' => true, 'nice' => 5 },
        'reporter' => { 'url' => 'https://puppet.example.com:8150' },
        'check' => { 'certificate' => { 'warning_days' => 14 } },
      )
    end
  end

  {
    schedule_every: 'soon', schedule_retries: 101, schedule_splay_mode: 'random', schedule_windows: [{ 'from' => '25:00', 'to' => '05:00' }],
    puppet_command: 'device', puppet_nice: 20, puppet_certname: 'Web01', reporter_url: 'ftp://x', reporter_log_tail: '1MB', history_days: 0,
    check_failed: 'bad', metrics_textfile: '/var/x.txt', state_dir: 'relative', log_level: 'loud', ensure: 'gone', package_sha256: 'abc',
    package_source: 'C:/x.msi', shutdown_inhibit: 'never'
  }.each do |name, value|
    context "with #{name} => #{value}" do
      let(:params) { { name => value } }

      it { is_expected.to compile.and_raise_error(/parameter '#{name}'/) }
    end
  end

  context 'with a file' do
    let(:params) { { package_source: '/srv/puppet-cron.deb', package_ensure: 'latest' } }

    it { is_expected.to contain_package('puppet-cron').with(ensure: 'latest', source: '/srv/puppet-cron.deb', provider: 'dpkg') }
    it { is_expected.not_to contain_file('/var/cache/puppet-cron') }
  end

  context 'with a URL on another family' do
    let(:facts) { { 'kernel' => 'Linux', 'os' => { 'family' => 'RedHat', 'name' => 'Rocky' } } }
    let(:params) { { package_source: 'https://example.com/a/puppet-cron-0.1.0-1.x86_64.rpm', package_sha256: 'a' * 64 } }

    it { is_expected.to contain_file('/var/cache/puppet-cron/puppet-cron-0.1.0-1.x86_64.rpm').with(source: params[:package_source], checksum: 'sha256', checksum_value: 'a' * 64).that_comes_before('Package[puppet-cron]') }
    it { is_expected.to contain_package('puppet-cron').with(source: '/var/cache/puppet-cron/puppet-cron-0.1.0-1.x86_64.rpm', provider: 'rpm') }
  end

  context 'where the service is to write elsewhere' do
    let(:params) { { state_dir: '/srv/state', metrics_textfile: '/srv/metrics/puppet_cron.prom' } }

    it { is_expected.to contain_file('/srv/state').with_ensure('directory') }
    it { is_expected.to contain_file('/etc/systemd/system/puppet-cron.service.d/puppet.conf').with_content(%r{^ReadWritePaths=-/srv/state\nReadWritePaths=-/srv/metrics\n}).that_notifies('Exec[puppet-cron: daemon-reload]') }
    it { is_expected.to contain_exec('puppet-cron: daemon-reload').that_comes_before('Service[puppet-cron]') }
  end

  context 'where another one schedules' do
    let(:params) { { service_ensure: 'stopped' } }

    it { is_expected.not_to contain_puppet_cron_takeover('puppet-cron') }
  end

  context 'without a package of ours' do
    let(:params) { { manage_package: false, replace_others: false } }

    it { is_expected.not_to contain_package('puppet-cron') }
    it { is_expected.not_to contain_puppet_cron_takeover('puppet-cron') }
  end

  context 'with ensure => absent' do
    let(:params) { { ensure: 'absent' } }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_puppet_cron_takeover('puppet-cron').with_ensure('absent').that_comes_before('Package[puppet-cron]') }
    it { is_expected.to contain_package('puppet-cron').with_ensure('absent') }
    it { is_expected.to contain_file(conf).with_ensure('absent') }
    it { is_expected.not_to contain_service('puppet-cron') }
  end
end
